import { cp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseLines, runCommand } from "./run-command.mjs";

const texts = [
  "What is behind the red house?",
  "Is there a bird, a dog or a cat?",
  "How many trees and stones? Count both.",
  "Who says hello?",
  "Ist die Tür zu? 東京 or Zürich; 10% of €25.50",
];

/** Changes of preprocessor_config.json: no tiles, bicubic, bilinear, the colours that CLIP's towers take. */
const imageSettings = [
  {},
  { do_image_splitting: false },
  { resample: 3 },
  { resample: 2 },
  {
    image_mean: [0.48145466, 0.4578275, 0.40821073],
    image_std: [0.26862954, 0.26130258, 0.27577711],
  },
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

async function changeImageSettings(model, copy, change) {
  await cp(model, copy, { recursive: true });
  await rm(join(copy, "processor_config.json")); // it says the same; only one of the two is to count
  const path = join(copy, "preprocessor_config.json");
  await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, "utf8")), ...change }));
}

/** The questions with what transformers answers. */
export async function addExpected(questions, python) {
  const input = questions
    .map(({ maxTokens: max_tokens, ...rest }) => JSON.stringify({ ...rest, max_tokens }))
    .join("\n");
  const answers = parseLines(await runCommand(python, ["-B", "scripts/verify/ask_expected.py"], { input }));
  return questions.map((question, i) => ({ ...question, expected: answers[i] }));
}

/** `count` combinations of checkpoint, image settings, adapter, one to three picture files and question. */
export async function combineQuestions(checkpoints, { count, seed, maxTokens, python }) {
  const choose = repeatableChoices(seed);
  const questions = [];
  for (let i = 0; i < count; i++) {
    const { folder, family } = checkpoints[i % checkpoints.length];
    const model = join(folder, `${family} combination ${i + 1}`);
    await changeImageSettings(join(folder, family), model, imageSettings[i % imageSettings.length]);
    const directory = join(folder, "common/images");
    const files = (await readdir(directory)).sort();
    const images = Array.from({ length: 1 + choose(3) }, () => join(directory, files[choose(files.length)]));
    const adapter = choose(2) === 1 ? { adapter: join(model, "adapter") } : {};
    const question = texts[choose(texts.length)];
    questions.push({ label: `combination ${i + 1}`, model, ...adapter, images, question, maxTokens });
  }
  return addExpected(questions, python);
}

/** One question to a checkpoint under every form of adapter that PEFT writes, as a conversation for one process. */
export async function askAdapted({ folder, family }, { maxTokens, python }) {
  const model = join(folder, family);
  const out = join(folder, `${family} adapters`);
  const [adapters] = parseLines(await runCommand(python, ["-B", "scripts/verify/make_adapters.py", model, out]));
  const images = ["a.png", "mode_P.png"].map((file) => join(folder, "common/images", file));
  const asked = { model, images, question: texts[0], maxTokens };
  const questions = await addExpected(
    adapters.map((adapter) => ({ ...asked, adapter, label: `${family}, ${adapter.split("/").pop()}` })),
    python,
  );
  const content = [...images.map(() => ({ type: "image" })), { type: "text", text: texts[0] }];
  return questions.map(({ question: _, ...rest }) => ({ ...rest, messages: [{ role: "user", content }] }));
}
