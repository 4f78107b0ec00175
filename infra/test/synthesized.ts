// Stacks as templates, and ways to look into them.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App } from "aws-cdk-lib";
import { type Source, squall, standIns } from "../lib/app.ts";
import { checked, type Settings } from "../lib/settings.ts";
import { FLAGS, PLAIN } from "../lib/templates.ts";

export interface Resource {
  readonly Type: string;
  readonly Properties: Record<string, any>;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
}

/** A stack's template. */
export class Synthesized {
  readonly json: { Resources: Record<string, Resource>; Outputs?: Record<string, any>; Parameters?: Record<string, any> };
  readonly terminationProtection: boolean;

  constructor(json: any, terminationProtection: boolean) {
    this.json = json;
    this.terminationProtection = terminationProtection;
  }

  /** The resources of a type, by logical id. */
  all(type: string): [string, Resource][] {
    return Object.entries(this.json.Resources).filter(([, it]) => it.Type === type);
  }

  /** The properties of the one resource of a type whose logical id begins so. */
  one(type: string, id = ""): Record<string, any> {
    const found = this.all(type).filter(([name]) => name.startsWith(id));
    if (found.length !== 1) {
      throw new Error(`${found.length} resources ${type} ${id}: ${found.map(([name]) => name).join(", ")}`);
    }
    return found[0]![1].Properties;
  }

  /** The statements of the policy whose logical id begins so. */
  statements(id: string): { Action: string | string[]; Resource: unknown; Condition?: unknown }[] {
    return this.one("AWS::IAM::Policy", id).PolicyDocument.Statement;
  }
}

const root = mkdtempSync(join(tmpdir(), "squall-infra-"));
process.on("exit", () => rmSync(root, { recursive: true, force: true }));

/** A folder that is gone when the tests are done. */
export function folder(): string {
  return mkdtempSync(join(root, "folder-"));
}

/** Folders as `cargo lambda build` leaves them. */
export function folders(): string {
  const made = folder();
  standIns(made);
  return made;
}

/** The stacks of some settings, by name. Throws where cdk-nag finds something without an explanation. */
export function synthesized(settings: Settings, source: Source = "bucket"): Record<string, Synthesized> {
  const app = new App({ outdir: folder(), context: FLAGS });
  const stacks = squall(app, checked(settings), source);
  const assembly = app.synth();
  return Object.fromEntries(
    stacks.map((it) => [it.stackName, new Synthesized(assembly.getStackByName(it.stackName).template, it.terminationProtection ?? false)]),
  );
}

/** The default stacks. */
export const usual = synthesized(PLAIN);
export const state = usual.SquallState!;
export const grid = usual.SquallGrid!;
export const capacity = usual.SquallCapacity!;
