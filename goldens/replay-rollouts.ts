import type { EncodedPrompt } from "@imagine-opd/protocol";
import type { DecodingSession, Policy } from "@imagine-opd/protocol/policy";
import * as tf from "@tensorflow/tfjs-core";

/** One-hot logits from the host, far enough apart that the sampler has no choice. */
function certain(ids: readonly number[], vocabSize: number): tf.Tensor2D {
  const logits = new Float32Array(ids.length * vocabSize);
  for (const [row, id] of ids.entries()) logits[row * vocabSize + id] = 1e3;
  return tf.tensor2d(logits, [ids.length, vocabSize]);
}

interface Row {
  readonly said: Int32Array;
  at: number;
}

/** The policy with rollouts that were made before: its sampler says what `completionOf` gives, token by token. */
export function replayRollouts(policy: Policy, completionOf: (prompt: EncodedPrompt) => Int32Array): Policy {
  const open = (prompt: EncodedPrompt): Row => ({ said: completionOf(prompt), at: 0 });
  const say = (rows: readonly Row[]) =>
    certain(
      rows.map(({ said, at }) => said[at]!),
      policy.vocabSize,
    );
  const startDecoding = (prompts: readonly EncodedPrompt[]): DecodingSession => {
    let rows = prompts.map(open);
    return {
      next(ids) {
        if (ids !== undefined) for (const row of rows) row.at += 1;
        return say(rows);
      },
      select(kept) {
        rows = Array.from(kept, (row) => ({ ...rows[row]! }));
      },
      append(more) {
        const added = more.map(open);
        rows = [...rows, ...added];
        return say(added);
      },
      get lengths() {
        return Int32Array.from(rows, ({ at }) => at);
      },
      dispose() {},
    };
  };
  return { ...policy, startDecoding };
}
