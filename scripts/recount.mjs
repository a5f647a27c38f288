// Grades samples.jsonl again without any code of this project and compares with evaluations.json; 1 when they differ.
// node scripts/recount.mjs RUN_DIRECTORY. Its rule: the words of the last answer tag are those of the labelled answer.
import { readFileSync } from "node:fs";

const read = (name) => readFileSync(`${process.argv[2] ?? "."}/${name}`, "utf8").trim();
const words = (text = "") => (text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []).join(" ");
const isRight = ({ text, reference }) => words(/.*<answer>([^<]*)/is.exec(text)?.[1]) === words(reference);
const samples = JSON.parse(`[${read("samples.jsonl").replaceAll("\n", ",")}]`);
for (const { label, total, accuracy } of JSON.parse(read("evaluations.json"))) {
  const asked = samples.filter(({ evaluation }) => evaluation === label);
  const right = asked.filter(isRight).length;
  console.log(`${label}: ${right} of ${asked.length}, ${right / asked.length}; report: ${accuracy} of ${total}`);
  if (asked.length !== total || right / total !== accuracy) process.exitCode = 1;
}
