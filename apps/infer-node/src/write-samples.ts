import { statSync } from "node:fs";
import { basename, dirname } from "node:path";
import type { EvaluationSample } from "@imagine-opd/evaluation";
import { openDirectory } from "@imagine-opd/host/node";
import { ImagineOpdError } from "@imagine-opd/protocol";

/** One line of JSON; a missing answer is null, so that every line has the same keys. */
function sampleLine(sample: EvaluationSample): string {
  const { category = null, answer = null, firstTurn } = sample;
  return JSON.stringify({
    ...sample,
    category,
    answer,
    ...listTokens(sample),
    ...(firstTurn && { firstTurn: { ...firstTurn, ...listTokens(firstTurn) } }),
  });
}

/** JSON would write typed arrays as objects. */
function listTokens({ tokenIds, logProbs }: Pick<EvaluationSample, "tokenIds" | "logProbs">) {
  return { tokenIds: Array.from(tokenIds), logProbs: Array.from(logProbs) };
}

/** Refuses a target that cannot become a file, before hours of work go into it. */
export function requireFileTarget(path: string): void {
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  throw new ImagineOpdError("invalid-argument", {
    where: "infer-node.evaluate",
    problem: `--out ${path} is a directory.`,
    remedy: "Name a file.",
  });
}

/** Writes all samples as JSON lines; the file is complete or not there. */
export async function writeSamples(path: string, samples: readonly EvaluationSample[]): Promise<void> {
  const lines = samples.map((sample) => `${sampleLine(sample)}\n`);
  await openDirectory(dirname(path)).write(basename(path), lines.join(""));
}
