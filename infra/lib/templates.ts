// The templates for deploying without the CDK: the default settings, with the code in a bucket that a parameter names.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { App } from "aws-cdk-lib";
import { squall } from "./app.ts";
import { checked, type Settings } from "./settings.ts";

/** The settings of the templates in `templates/`. */
export const PLAIN: Settings = {
  grid: {},
  capacity: {
    example: {},
    policy: {
      runs_per_instance: 1,
      standby: {
        steps: [
          { sessions: 1, instances: 1 },
          { sessions: 20, instances: 3 },
        ],
        floor: 1,
        decay_s: 1800,
      },
      scale_in: { mode: "by_instance", idle_s: 300 },
      raise_by: "set_desired",
    },
  },
};

/** The flags of `cdk.json`, which the CDK CLI passes to the app: without them the templates would differ. */
export const FLAGS = (JSON.parse(readFileSync(join(import.meta.dirname, "../cdk.json"), "utf8")) as { context: Record<string, unknown> })
  .context;

/** The folder of the templates. */
export const FOLDER = join(import.meta.dirname, "../templates");

/** The templates' text, by file name. */
export function templates(): Map<string, string> {
  const app = new App({
    outdir: join(import.meta.dirname, "../cdk.out/templates"),
    context: { ...FLAGS, "aws:cdk:disable-path-metadata": true },
  });
  squall(app, checked(PLAIN), "bucket");
  const stacks = app.synth().stacks;
  return new Map(stacks.map((it) => [it.templateFile, `${JSON.stringify(it.template, undefined, 1)}\n`]));
}
