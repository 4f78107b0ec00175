// What things are called.
import type { Stack } from "aws-cdk-lib";

/** What names of functions and policies begin with: `squall` of `Squall`. */
export function prefixOf(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, "$1-$2").toLowerCase();
}

/** `cascade-worker-0` as `CascadeWorker0`. */
export function pascal(name: string): string {
  return name
    .split("-")
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join("");
}

/** An ARN as cdk-nag writes it in its findings. */
export function nagged(token: string, stack: Stack): string {
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
