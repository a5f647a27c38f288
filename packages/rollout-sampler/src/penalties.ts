export interface PenaltyOptions {
  readonly repetitionPenalty?: number;
  readonly presencePenalty?: number;
}

/** What a rollout has read and written so far. */
export interface SeenTokens {
  readonly prompt: Int32Array;
  readonly completion: readonly { readonly tokenId: number }[];
}

/** `[V]` logits after penalties, in a buffer that the next call overwrites. */
export type Penalties = (logits: Float32Array, seen: SeenTokens) => Float32Array;

/**
 * Penalties on the logits, before the temperature; `undefined` when both are off. First repetition (Keskar et al. 2019,
 * arXiv 1909.05858; as in transformers: every id of prompt and completion, once): a logit above 0 is divided by the
 * penalty, another multiplied. Then presence (as in vLLM: every id of the completion, once): subtracted.
 */
export function createPenalties(
  vocabSize: number,
  { repetitionPenalty = 1, presencePenalty = 0 }: PenaltyOptions,
): Penalties | undefined {
  if (repetitionPenalty === 1 && presencePenalty === 0) return undefined;
  const penalised = new Float32Array(vocabSize);
  return (logits, { prompt, completion }) => {
    penalised.set(logits);
    const written = new Set(completion.map(({ tokenId }) => tokenId));
    for (const id of new Set([...prompt, ...written])) {
      const logit = logits[id]!;
      penalised[id] = logit > 0 ? logit / repetitionPenalty : logit * repetitionPenalty;
    }
    for (const id of written) penalised[id]! -= presencePenalty;
    return penalised;
  };
}
