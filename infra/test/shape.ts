import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { App, Stack, Validations } from "aws-cdk-lib";
import { Bucket } from "aws-cdk-lib/aws-s3";
import { AwsSolutionsChecks } from "cdk-nag";
import { FOLDER, PLAIN, templates } from "../lib/templates.ts";
import { folder, folders, synthesized, usual } from "./synthesized.ts";

test("the templates for people without the CDK are those of this code", () => {
  const made = templates();
  assert.deepEqual(readdirSync(FOLDER).sort(), [...made.keys()].sort());
  for (const [file, text] of made) {
    assert.equal(readFileSync(join(FOLDER, file), "utf8"), text, `${file} is out of date: make templates`);
  }
});

test("what the CDK deploys is the same but for where the code is", () => {
  const deployed = synthesized(PLAIN, { folder: folders() });
  for (const [name, plain] of Object.entries(usual)) {
    const ours = structuredClone(deployed[name]!.json) as any;
    const theirs = structuredClone(plain.json) as any;
    for (const [id, it] of Object.entries<any>(ours.Resources)) {
      delete it.Metadata;
      delete theirs.Resources[id]?.Metadata;
      if (it.Type === "AWS::Lambda::Function" && it.Properties.Code.ZipFile === undefined) {
        assert.match(JSON.stringify(it.Properties.Code), /\.zip/);
        assert.match(JSON.stringify(theirs.Resources[id].Properties.Code), /CodeBucket.*CodePrefix.*\/bootstrap\.zip/);
        it.Properties.Code = theirs.Resources[id].Properties.Code = "";
      }
    }
    assert.deepEqual(ours.Resources, theirs.Resources, name);
    assert.deepEqual(ours.Outputs, theirs.Outputs, name);
  }
});

test("a function that was not built is named, with the way to build it", () => {
  assert.throws(() => synthesized({ grid: {} }, { folder: "/nowhere" }), {
    message: "/nowhere/task-splitter/bootstrap does not exist; build the functions with `make lambdas`",
  });
});

test("a function that was built for another architecture is refused", () => {
  const built = folders();
  const header = Buffer.alloc(64);
  header.write("\x7fELF", "latin1");
  header.writeUInt16LE(0x3e, 18);
  writeFileSync(join(built, "task-splitter", "bootstrap"), header);
  assert.throws(
    () => synthesized({ grid: {} }, { folder: built }),
    /task-splitter.bootstrap was built for x86_64, but architecture is "arm64"/,
  );
});

test("grid and capacity deploy without each other", () => {
  assert.deepEqual(Object.keys(synthesized({ grid: {} })), ["SquallState", "SquallGrid"]);
  const alone = synthesized({ capacity: PLAIN.capacity! });
  assert.deepEqual(Object.keys(alone), ["SquallCapacity"]);
  assert.ok(!JSON.stringify(alone.SquallCapacity!.json).includes("Fn::ImportValue"));
});

test("two deployments share no name", () => {
  const fields = ["FunctionName", "ManagedPolicyName", "AlarmName", "DashboardName", "LogGroupName", "BudgetName"];
  const named = /Lambda::Function$|ManagedPolicy$|Alarm$|Dashboard$|LogGroup$/;
  const names = (stacks: ReturnType<typeof synthesized>) =>
    Object.values(stacks).flatMap(({ json }) =>
      Object.values(json.Resources)
        .filter(({ Type }) => named.test(Type))
        .flatMap(({ Properties }) =>
          fields.flatMap((field) => (Properties[field] === undefined ? [] : [JSON.stringify(Properties[field])])),
        ),
    );
  const ours = names(usual);
  const theirs = names(synthesized({ ...PLAIN, name: "RiskLab2" }));
  assert.ok(ours.length > 30);
  assert.equal(new Set([...ours, ...theirs]).size, ours.length + theirs.length);
  assert.ok(theirs.includes('"risk-lab2-task-splitter"'));
});

test("cdk-nag finds what is not as it should be, or it would find nothing here either", () => {
  const app = new App({ outdir: folder() });
  new Bucket(new Stack(app, "Open"), "Bucket");
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  assert.throws(() => app.synth(), /Validation failed/);
});
