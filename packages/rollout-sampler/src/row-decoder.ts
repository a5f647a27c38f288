import { type EncodedPrompt, ImagineOpdError } from "@imagine-opd/protocol";
import type { DecodingSession } from "@imagine-opd/protocol/policy";
import type { Tensor2D } from "@tensorflow/tfjs-core";
import type { DecodingPolicy, SamplingOptions } from "./sampling-options.ts";

/** A decoding session that opens with its first row and closes with its last one; logits come out on the host, `[V]` a row. */
export interface RowDecoder {
  /** Adds one row for each prompt as the last rows; a prompt that occurs more than once is prefilled once. */
  enter(prompts: readonly EncodedPrompt[]): Promise<Float32Array[]>;
  /** Appends one token to every row. */
  advance(tokenIds: Int32Array): Promise<Float32Array[]>;
  /** Keeps only these rows, ascending. */
  keep(rows: readonly number[]): void;
  dispose(): void;
}

/** A decoder without rows. `dispose` may be called at any time, and again. */
export function createRowDecoder(
  policy: DecodingPolicy,
  { weights, features }: Pick<SamplingOptions, "weights" | "features">,
): RowDecoder {
  let session: DecodingSession | undefined;
  let rowCount = 0;
  const dispose = (): void => {
    session?.dispose();
    session = undefined;
    rowCount = 0;
  };
  return {
    async enter(prompts) {
      const distinct = [...new Set(prompts)];
      let logits: Tensor2D;
      if (session === undefined) {
        session = policy.startDecoding(distinct, { weights, features });
        logits = session.next();
      } else {
        logits = session.append(distinct);
      }
      const prefilled = await readRows(logits, distinct.length, policy.vocabSize);
      const sources = prompts.map((prompt) => distinct.indexOf(prompt));
      if (distinct.length < prompts.length) {
        const earlier = Array.from({ length: rowCount }, (_, row) => row);
        session.select(Int32Array.of(...earlier, ...sources.map((source) => rowCount + source)));
      }
      rowCount += prompts.length;
      return sources.map((source) => prefilled[source]!);
    },
    advance: (tokenIds) => readRows(session!.next(tokenIds), rowCount, policy.vocabSize),
    keep(rows) {
      if (rows.length === 0) dispose();
      else if (rows.length < rowCount) session!.select(Int32Array.from(rows));
      rowCount = rows.length;
    },
    dispose,
  };
}

/** Reads `[B, V]` logits back and disposes them. */
async function readRows(logits: Tensor2D, rows: number, vocabSize: number): Promise<Float32Array[]> {
  try {
    if (logits.shape[0] !== rows || logits.shape[1] !== vocabSize) {
      throw new ImagineOpdError("mismatch", {
        where: "rollout-sampler.streamRollouts",
        problem: `the decoding session must give logits of shape [${rows}, ${vocabSize}] (rows, vocabSize), got [${logits.shape.join(", ")}].`,
        remedy: "Correct the policy's `next` and `append`, or its `vocabSize`.",
      });
    }
    const values = await logits.data<"float32">();
    return Array.from({ length: rows }, (_, row) => values.subarray(row * vocabSize, (row + 1) * vocabSize));
  } finally {
    logits.dispose();
  }
}
