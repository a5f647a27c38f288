/** What every objective's loss is told, whatever its form. */
export type LossSettings = LossShape & Reduction;

/**
 * How the tokens' values become the loss, over the tokens or completions of the whole step, so that micro-batches add up.
 *
 * - `token-mean`: mean over all tokens that count
 * - `sequence-mean`: mean over completions of the mean over each one's tokens that count
 * - `constant-length`: sum over tokens / (`constantLength` · completions)
 * - `sum`: sum over tokens
 */
type Reduction =
  | { readonly reduction: "token-mean" | "sequence-mean" | "sum"; readonly constantLength?: never }
  | {
      readonly reduction: "constant-length";
      /** Tokens that every completion is taken to have, for example `sampling.maxTokens`. */
      readonly constantLength: number;
    };

interface LossShape {
  /** Divides the logits of student and teacher; `sft` knows none. @default sampling.temperature */
  readonly temperature?: number;
  /**
   * Ids that are never drawn and that the loss removes from both distributions. Divergences between distributions always remove
   * placeholders and ids beyond the tokenizer as well; `sampled-reverse-kl`, `grpo` and `sft` keep the whole vocabulary unless
   * this is given, be it an empty list.
   * @default none
   */
  readonly bannedTokenIds?: readonly number[];
  /** Rows of logits in memory at once. @default as many as fit in 32 MiB */
  readonly chunkRows?: number;
  /** Ids whose logits are in memory at once; less than V costs further products with the head. @default V */
  readonly chunkVocabulary?: number;
}
