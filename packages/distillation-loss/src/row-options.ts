/** Options that every loss takes. Wrong combinations do not compile. */
export type RowOptions = DistributionOptions & WeightOptions & ReductionOptions & SkipOptions;

/** What a row's distribution is. */
export interface DistributionOptions {
  /** Divides all logits, the student's and the teacher's. @default 1 */
  readonly temperature?: number;
  /** Token ids that are removed from every distribution. @default none */
  readonly banned?: Int32Array;
  /** Rows whose logits are in memory at once. @default as many as fit in 32 MiB, at least 1 */
  readonly chunkRows?: number;
}

export interface WeightOptions {
  /**
   * `[N]` weight w of each token, 0 = masked; a constant. Rows with weight 0 are never read: they may hold NaN or infinity.
   * @default 1 for every token
   */
  readonly tokenWeights?: Float32Array;
}

/**
 * How the tokens' values D become one number. Tokens count that have a weight above 0.
 *
 * - `token-mean`: Σ w·D / normalizer, the number of tokens unless given
 * - `sequence-mean`: Σ over sequences of (Σ w·D / the sequence's tokens) / normalizer, the number of sequences unless given
 * - `constant-length`: Σ w·D / (constantLength · normalizer), the number of sequences unless given
 * - `sum`: Σ w·D
 *
 * When a batch is split into micro-batches, give each of them the normalizer of the whole batch: then their losses and
 * gradients add up to the batch's.
 */
export type ReductionOptions =
  | {
      /** @default "token-mean" */
      readonly reduction?: "token-mean";
      /** Tokens of the whole batch. @default this call's tokens with a weight above 0 */
      readonly normalizer?: number;
    }
  | {
      readonly reduction: "sequence-mean";
      /** `[B]` tokens of each sequence, N = Σ; the sequences stand one after the other. */
      readonly lengths: Int32Array;
      /** Sequences of the whole batch. @default B, those without a token that counts included */
      readonly normalizer?: number;
    }
  | {
      readonly reduction: "constant-length";
      /** `[B]` tokens of each sequence. */
      readonly lengths: Int32Array;
      /** Tokens that every sequence is taken to have, for example the most that are sampled. */
      readonly constantLength: number;
      /** Sequences of the whole batch. @default B */
      readonly normalizer?: number;
    }
  | { readonly reduction: "sum"; readonly normalizer?: never };

/** Leaves out the first tokens of each sequence, where two prompts' seams may differ. */
export type SkipOptions =
  | { readonly skipFirst?: never }
  | {
      /** Tokens at the start of each sequence that count as masked. @default 0 */
      readonly skipFirst: number;
      /** `[B]` tokens of each sequence. */
      readonly lengths: Int32Array;
    };
