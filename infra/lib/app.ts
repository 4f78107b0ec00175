// The stacks of a deployment, and the source of their code.
import { closeSync, existsSync, mkdirSync, openSync, readSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type App, BootstraplessSynthesizer, CfnParameter, Stack, Tags, Validations } from "aws-cdk-lib";
import { CfnBudget } from "aws-cdk-lib/aws-budgets";
import { Code } from "aws-cdk-lib/aws-lambda";
import { Bucket } from "aws-cdk-lib/aws-s3";
import { AwsSolutionsChecks } from "cdk-nag";
import { CapacityStack } from "./capacity.ts";
import type { CodeOf } from "./function.ts";
import { GridStack } from "./grid.ts";
import { prefixOf } from "./names.ts";
import type { Checked } from "./settings.ts";
import { StateStack } from "./state.ts";

/** The binaries of `squall-lambdas`. */
const BINARIES = ["task-splitter", "shard-consumer", "cascade-worker", "result-collector", "scale-out", "scale-in"];

/** The budget of whoever gives an address and none: about eight times what everything costs while it idles. */
const DEFAULT_BUDGET_USD = 500;

/** Where the functions' code comes from. */
export type Source =
  /** Folders `<binary>/bootstrap`, which the CDK uploads. */
  | { readonly folder: string }
  /** A bucket named by a stack parameter, with `<binary>/bootstrap.zip`: deploying does not need the CDK. */
  | "bucket";

/** Makes the stacks of a deployment. */
export function squall(app: App, settings: Checked, source: Source): Stack[] {
  const plain = source === "bucket";
  const props = (description: string) => ({
    description,
    ...(settings.region !== undefined && { env: { region: settings.region } }),
    ...(plain && { synthesizer: new BootstraplessSynthesizer() }),
  });
  const code: CodeOf = plain ? parameterised() : fromFolder(source.folder, settings.architecture);
  const { name, grid, capacity } = settings;
  const stacks: Stack[] = [];
  if (grid !== undefined) {
    const state = new StateStack(app, `${name}State`, settings, grid, props("Squall: streams, table, bucket and topics of the grid"));
    stacks.push(state, new GridStack(app, `${name}Grid`, state, settings, grid, code, props("Squall: the functions of the grid")));
  }
  if (capacity !== undefined) {
    stacks.push(new CapacityStack(app, `${name}Capacity`, settings, capacity, code, props("Squall: the controllers of a fleet")));
  }
  const { email, monthlyBudgetUsd = DEFAULT_BUDGET_USD } = settings.alarms;
  if (email !== undefined) {
    budget(stacks[stacks.length - 1]!, prefixOf(name), email, monthlyBudgetUsd);
  }
  Tags.of(app).add("squall:deployment", prefixOf(name));
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  return stacks;
}

/** Fills a folder as `cargo lambda build` would, with placeholder files. */
export function standIns(folder: string): void {
  for (const binary of BINARIES) {
    mkdirSync(join(folder, binary));
    writeFileSync(join(folder, binary, "bootstrap"), binary);
  }
}

function fromFolder(folder: string, architecture: Checked["architecture"]): CodeOf {
  return (_, binary) => {
    const bootstrap = join(folder, binary, "bootstrap");
    if (!existsSync(bootstrap)) {
      throw new Error(`${bootstrap} does not exist; build the functions with \`make lambdas\``);
    }
    const built = builtFor(bootstrap);
    if (built !== undefined && built !== architecture) {
      throw new Error(
        `${bootstrap} was built for ${built}, but architecture is "${architecture}"; \`make lambdas\` builds for arm64, \`make lambdas ARCH=\` for x86_64`,
      );
    }
    return Code.fromAsset(join(folder, binary));
  };
}

/** The architecture of an ELF file (e_machine, https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html); undefined for any other file. */
function builtFor(file: string): "arm64" | "x86_64" | undefined {
  const header = Buffer.alloc(20);
  const open = openSync(file, "r");
  readSync(open, header, 0, header.length, 0);
  closeSync(open);
  if (header.toString("latin1", 0, 4) !== "\x7fELF") {
    return undefined;
  }
  return ({ 0xb7: "arm64", 0x3e: "x86_64" } as const)[header.readUInt16LE(18)];
}

function parameterised(): CodeOf {
  const parameters = new Map<Stack, { bucket: CfnParameter; prefix: CfnParameter }>();
  return (scope, binary) => {
    const stack = Stack.of(scope);
    const known = parameters.get(stack) ?? {
      bucket: new CfnParameter(stack, "CodeBucket", { description: "Bucket in this region with the functions' code" }),
      prefix: new CfnParameter(stack, "CodePrefix", {
        default: "",
        description: "Prefix of the keys PREFIX<binary>/bootstrap.zip, such as v1/",
      }),
    };
    parameters.set(stack, known);
    const bucket = Bucket.fromBucketName(scope, "Code", known.bucket.valueAsString);
    Validations.of(scope).acknowledge({
      id: "@aws-cdk/aws-lambda:codeFromBucketObjectVersionNotSpecified",
      reason: "Each version has its own prefix.",
    });
    return Code.fromBucket(bucket, `${known.prefix.valueAsString}${binary}/bootstrap.zip`);
  };
}

/** Notifies when a month's costs, by the deployment's tag, reach 80 % and 100 % of the budget. */
function budget(scope: Stack, deployment: string, email: string, monthlyUsd: number): void {
  const notify = (threshold: number) => ({
    notification: { comparisonOperator: "GREATER_THAN", notificationType: "ACTUAL", threshold, thresholdType: "PERCENTAGE" },
    subscribers: [{ subscriptionType: "EMAIL", address: email }],
  });
  new CfnBudget(scope, "Budget", {
    budget: {
      // Budget names are unique per account, not per region.
      budgetName: `${deployment}-monthly-${scope.region}`,
      budgetType: "COST",
      timeUnit: "MONTHLY",
      budgetLimit: { amount: monthlyUsd, unit: "USD" },
      costFilters: { TagKeyValue: [`user:squall:deployment$${deployment}`] },
    },
    notificationsWithSubscribers: [notify(80), notify(100)],
  });
}
