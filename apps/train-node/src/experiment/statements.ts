import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ReportStatement } from "@imagine-opd/run-log";

/** What stands beside the warm-up's weights: how they were made. */
export const warmUpRecord = "warm-up.json";

/** What a reader must know before believing a figure. */
export function describeExperiment(modelDirectory: string): ReportStatement[] {
  const file = join(modelDirectory, warmUpRecord);
  const made = existsSync(file)
    ? (JSON.parse(readFileSync(file, "utf8")) as { seed: number; steps: number })
    : undefined;
  const how =
    made === undefined
      ? "Its directory holds no record of a warm-up."
      : `From random weights, in ${made.steps} steps of the warm-up's lessons on labelled scenes, seed ${made.seed} (docs/decisions/015-the-warm-up.md). This stage is a deviation: the paper prompts an instruction-tuned model instead.`;
  return [
    { about: "How the base model was made", text: how },
    {
      about: "What makes the gap",
      text: "The warm-up labels large signs in the whole picture, and signs of every size in zoomed views. The digit of a small sign is never labelled in the whole picture, so the model reads it well only in a view. Nothing is frozen, masked or blurred: the model sees every picture at a quarter of its side.",
    },
    {
      about: "What the training uses",
      text: "The annotated boxes of its scenes, and no answer: the teacher is the base model with the boxes' zoomed views in its prompt. Labelled answers only grade.",
    },
    {
      about: "What this does not show",
      text: "That it beats training on labelled answers. It needs regions instead of answers, and no zoom when it is used.",
    },
  ];
}
