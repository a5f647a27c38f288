import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkQuestions } from "./check-answers.mjs";
import { addExpected } from "./combined-questions.mjs";
import { parseLines, runCommand } from "./run-command.mjs";

const model = "apps/train-node/base-model";

/** The embedded base model opens in transformers and answers there as it does here. */
export async function* checkBaseModel({ python }) {
  const root = await mkdtemp(join(tmpdir(), "verify-base-model-"));
  try {
    const scenes = parseLines(
      await runCommand("node", ["scripts/run.mjs", "scripts/verify/write-scenes.ts", root, "8"]),
    );
    const questions = scenes.map(({ file, question }, i) => {
      return { label: `scene ${i}`, model, images: [file], question, maxTokens: 48 };
    });
    yield checkQuestions("answers of the embedded base model", await addExpected(questions, python));
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}
