import type { ImageFeatures, Policy, WeightView } from "@imagine-opd/protocol/policy";

/** What the sampler needs of a policy. Every `Policy` has it; a stranger's model needs no more than this. */
export type DecodingPolicy = Pick<Policy, "vocabSize" | "contextLength" | "startDecoding">;

/**
 * Order of the processors: repetition penalty, presence penalty, temperature, bans (with `tokenLimit` and `minTokens`), top-k,
 * top-p, min-p, typical. Each works on what the one before left.
 */
export interface SamplingOptions {
  /** Ids that end a completion; the one that was drawn is its last token. May be empty. */
  readonly stopTokenIds: readonly number[];
  /** Longest completion T, tokens. */
  readonly maxTokens: number;
  /** Tokens before which no stop token may be drawn and no stop string ends a completion. @default 0 */
  readonly minTokens?: number;
  /** Integer. Equal seeds give equal tokens, whatever else is in the batch. */
  readonly seed: number;
  /** Integer ≥ 0, part of the random key, so that each optimiser step draws anew. @default 0 */
  readonly step?: number;
  /** Completions of each prompt, from one prefill. @default 1 */
  readonly rolloutsPerPrompt?: number;
  /**
   * Divides the logits. 0 takes the most probable token, ties to the lower id; raw log-probs and entropy are then those of
   * temperature 1. @default 1
   */
  readonly temperature?: number;
  /** Keeps the k most probable tokens, ties to the lower id. @default off */
  readonly topK?: number;
  /** Keeps the smallest set of most probable tokens whose mass is at least p, 0 < p ≤ 1: the token that crosses p is in. @default off */
  readonly topP?: number;
  /** Keeps tokens of at least this share of the most probable token's probability, 0 to 1. @default off */
  readonly minP?: number;
  /**
   * Keeps the smallest set of tokens whose −ln probability is closest to the entropy with mass at least p, 0 < p ≤ 1
   * (typical sampling). @default off
   */
  readonly typicalP?: number;
  /**
   * Divides logits above 0, and multiplies the others, of every id that occurs in prompt or completion, as transformers does.
   * Above 1 repeats less. @default 1
   */
  readonly repetitionPenalty?: number;
  /** Subtracted from the logit of every id that occurs in the completion, as in vLLM. Above 0 repeats less. @default 0 */
  readonly presencePenalty?: number;
  /** Ids that are never drawn. @default [] */
  readonly bannedTokenIds?: readonly number[];
  /** Ids from here on are never drawn: rows of the head beyond the tokenizer. @default the policy's vocabSize */
  readonly tokenLimit?: number;
  /** Texts that end a completion, wherever token borders fall; the token that completes one is the last. Needs `decode`. @default [] */
  readonly stopStrings?: readonly string[];
  /** Text of a completion so far, called after every token when there are stop strings. */
  readonly decode?: (tokenIds: Int32Array) => string;
  /**
   * Most rows in flight. Rows that end leave, and waiting rollouts take their places; those of one prompt enter together and
   * share its prefill, so multiples of `rolloutsPerPrompt` leave no row idle. @default all rollouts at once
   */
  readonly batchSize?: number;
  /** @default { kind: "student" } */
  readonly weights?: WeightView;
  /** Features of the prompts' pictures under the same weights. The sampler does not dispose them. */
  readonly features?: ImageFeatures;
  /** Ends the stream: rollouts in flight come out with stop reason `aborted`, then the stream throws `aborted`. */
  readonly signal?: AbortSignal;
}
