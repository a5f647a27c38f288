import type { Completion } from "./collect-completions.ts";

/** Some of a step's completions, which go through the model together. */
export interface MicroBatch {
  readonly completions: readonly Completion[];
  /** Index of the first completion in the step. */
  readonly first: number;
  /** The completions' tokens are `fromToken <= i < toToken` of the step's. */
  readonly fromToken: number;
  readonly toToken: number;
  /** `[N]` ids. */
  readonly tokens: Int32Array;
}

/** Cuts a step's completions into micro-batches, in order. */
export function splitCompletions(completions: readonly Completion[], size: number): readonly MicroBatch[] {
  const batches: MicroBatch[] = [];
  let fromToken = 0;
  for (let first = 0; first < completions.length; first += size) {
    const own = completions.slice(first, first + size);
    const tokens = Int32Array.from(own.flatMap((completion) => Array.from(completion.tokens)));
    batches.push({ completions: own, first, fromToken, toToken: fromToken + tokens.length, tokens });
    fromToken += tokens.length;
  }
  return batches;
}
