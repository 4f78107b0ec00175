// The entry point for `cdk`. Context: `-c config=FILE` for other settings, `-c functions=DIR` for code outside target/lambda,
// `-c code=bucket` for templates that deploy without the CDK, `-c destroy=yes` before destroying.
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { App } from "aws-cdk-lib";
import { bill, concurrency, idleMonth } from "../lib/cost.ts";
import { limit } from "../lib/aws.ts";
import { squall, standIns } from "../lib/app.ts";
import { checked, SettingsError } from "../lib/settings.ts";

const infra = join(import.meta.dirname, "..");

async function read(path: string): Promise<unknown> {
  if (!existsSync(path)) {
    throw new SettingsError("there is no such file; it is the settings that CONFIG=FILE or --context config=FILE names");
  }
  if (path.endsWith(".json")) {
    return JSON.parse(readFileSync(path, "utf8"));
  }
  return ((await import(pathToFileURL(path).href)) as { default: unknown }).default;
}

/** A folder with a placeholder for each function: what is destroyed need not be built. */
function nothing(): string {
  const folder = mkdtempSync(join(tmpdir(), "squall-nothing-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  standIns(folder);
  return folder;
}

const app = new App();
const context = (key: string) => app.node.tryGetContext(key) as string | undefined;
const path = resolve(context("config") ?? join(infra, "squall.config.ts"));
try {
  const settings = checked(await read(path));
  const destroying = context("destroy") === "yes";
  if (destroying && settings.keepData) {
    throw new SettingsError("keepData is true, which protects the data; set it to false and deploy once before you destroy");
  }
  const folder = destroying ? nothing() : resolve(context("functions") ?? join(infra, "../target/lambda"));
  squall(app, settings, context("code") === "bucket" ? "bucket" : { folder });
  const said = [bill(idleMonth(app, settings))];
  if (settings.grid !== undefined) {
    said.push(
      `a burst runs up to ${concurrency(settings.grid)} functions at once; an account's default limit is ${limit("LAMBDA_ACCOUNT_CONCURRENCY").toLocaleString("en")}, a new account's ${limit("LAMBDA_NEW_ACCOUNT_CONCURRENCY")}`,
    );
  }
  if (settings.alarms.email === undefined && settings.alarms.topic === undefined) {
    said.push("alarms tell nobody, and there is no budget: alarms.email in the settings is who receives both");
  }
  console.error(said.join("\n"));
  app.synth();
} catch (error) {
  const known = error instanceof SettingsError ? `${path}:\n${error.message}` : error instanceof Error ? error.message : String(error);
  console.error(known);
  process.exitCode = 1;
}
