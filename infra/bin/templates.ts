// Writes the templates for deploying without the CDK.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FOLDER, templates } from "../lib/templates.ts";

mkdirSync(FOLDER, { recursive: true });
for (const [file, text] of templates()) {
  writeFileSync(join(FOLDER, file), text);
}
