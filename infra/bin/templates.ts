// Writes the templates for people who do not use the CDK.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FOLDER, templates } from "../lib/templates.ts";

mkdirSync(FOLDER, { recursive: true });
for (const [file, text] of templates()) {
  writeFileSync(join(FOLDER, file), text);
}
