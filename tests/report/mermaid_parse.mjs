// Parses the diagrams of a JSON list on standard input with mermaid's own parser; prints what it says of each that is wrong.
import { pathToFileURL } from "node:url";
import { readFileSync } from "node:fs";

const mermaid = (await import(pathToFileURL(`${process.argv[2]}/dist/mermaid.core.mjs`))).default;
const wrong = [];
for (const text of JSON.parse(readFileSync(0, "utf8"))) {
  try {
    await mermaid.parse(text);
  } catch (error) {
    wrong.push(`${error.message}\n${text}`);
  }
}
process.stdout.write(JSON.stringify(wrong));
