import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseLines, runCommand } from "./run-command.mjs";

/** Largest absolute difference of logits and log-probs between here and PyTorch. */
export const tolerance = 1e-4;

/** Trained and saved here, opened by transformers and PEFT: the same ids and logits. */
export async function* checkSavedModels({ python }) {
  const folder = await mkdtemp(join(tmpdir(), "verify-saved-"));
  try {
    await runCommand("node", ["scripts/run.mjs", "scripts/verify/save-models.ts", folder]);
    const lines = parseLines(await runCommand(python, ["-B", "scripts/verify/saved_logits.py", folder]));
    for (const { name, idsEqual, difference } of lines) {
      const ids = idsEqual ? "ids equal" : "ids DIFFER";
      yield {
        outcome: idsEqual && difference <= tolerance ? "passed" : "failed",
        name: `saved and opened in Python: ${name}`,
        detail: `${ids}, logits within ${difference.toExponential(1)}`,
      };
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}
