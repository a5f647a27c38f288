import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { parseLines, runCommand } from "./run-command.mjs";

const texts = [
  "What is behind the red house?",
  "Is there a bird, a dog or a cat?",
  "How many trees and stones? Count both.",
  "Who says hello?",
  "Ist die Tür zu? 東京 or Zürich; 10% of €25.50",
];

/** Whole numbers below a bound, the same ones every time: xorshift32 (Marsaglia 2003). */
function repeatableChoices(seed) {
  let state = seed;
  return (bound) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % bound;
  };
}

/** `count` combinations of checkpoint, adapter, one to three picture files and question, with transformers' answers. */
export async function combineQuestions(checkpoints, { count, seed, maxTokens, python }) {
  const choose = repeatableChoices(seed);
  const questions = [];
  for (let i = 0; i < count; i++) {
    const { folder, family } = checkpoints[i % checkpoints.length];
    const model = join(folder, family);
    const directory = join(folder, "common/images");
    const files = (await readdir(directory)).sort();
    const images = Array.from({ length: 1 + choose(3) }, () => join(directory, files[choose(files.length)]));
    const adapter = choose(2) === 1 ? { adapter: join(model, "adapter") } : {};
    const question = texts[choose(texts.length)];
    questions.push({ label: `combination ${i + 1}`, model, ...adapter, images, question, maxTokens });
  }
  const input = questions
    .map(({ maxTokens: max_tokens, ...rest }) => JSON.stringify({ ...rest, max_tokens }))
    .join("\n");
  const answers = parseLines(await runCommand(python, ["-B", "scripts/verify/ask_expected.py"], { input }));
  return questions.map((question, i) => ({ ...question, expected: answers[i] }));
}
