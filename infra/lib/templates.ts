// The templates for people who do not use the CDK: of the default settings, with the code in a bucket that they name.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { App } from "aws-cdk-lib";
import { squall } from "./app.ts";
import { checked, type Settings } from "./settings.ts";

/** What the templates in `templates/` are of. */
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

/** The flags of `cdk.json`, which the CDK's command line hands to the app: without them an app makes other templates. */
export const FLAGS = (JSON.parse(readFileSync(join(import.meta.dirname, "../cdk.json"), "utf8")) as { context: Record<string, unknown> })
  .context;

/** Where they are kept. */
export const FOLDER = join(import.meta.dirname, "../templates");

/** The templates by file name, as text. */
export function templates(): Map<string, string> {
  const app = new App({
    outdir: join(import.meta.dirname, "../cdk.out/templates"),
    context: { ...FLAGS, "aws:cdk:disable-path-metadata": true },
  });
  squall(app, checked(PLAIN), "bucket");
  const stacks = app.synth().stacks;
  return new Map(stacks.map((it) => [it.templateFile, `${JSON.stringify(it.template, undefined, 1)}\n`]));
}
