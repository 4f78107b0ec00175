// Names of resources.
import type { Acknowledgment, Stack } from "aws-cdk-lib";
import type { ILogGroup } from "aws-cdk-lib/aws-logs";

/** The prefix of function and policy names: `squall` for `Squall`. */
export function prefixOf(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, "$1-$2").toLowerCase();
}

/** A name in Pascal case: `CascadeWorker0` for `cascade-worker-0`. */
export function pascal(name: string): string {
  return name
    .split("-")
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join("");
}

/** Acknowledges cdk-nag's finding that a role's resource has a wildcard, with the reason. */
export function wildcard(resource: string, stack: Stack, reason: string): Acknowledgment {
  return { id: `AwsSolutions-IAM5[Resource::${nagged(resource, stack)}]`, reason };
}

/** The same for a log group's streams. */
export function streamsOf(logGroup: ILogGroup, stack: Stack): Acknowledgment {
  return wildcard(logGroup.logGroupArn, stack, "The ARN of a log group ends in `:*`, which stands for its streams.");
}

/** An ARN as cdk-nag writes it in its findings. */
function nagged(token: string, stack: Stack): string {
  const resolved = stack.resolve(token) as unknown;
  const parts = (resolved as { "Fn::Join"?: [string, unknown[]] })["Fn::Join"]?.[1] ?? [resolved];
  return parts
    .map((part) => {
      if (typeof part === "string") {
        return part;
      }
      const { Ref, "Fn::ImportValue": imported, "Fn::GetAtt": attribute } = part as Record<string, unknown>;
      return imported === undefined ? `<${Array.isArray(attribute) ? attribute.join(".") : String(Ref)}>` : String(imported);
    })
    .join("");
}
