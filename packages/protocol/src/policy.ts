import type { NamedTensorMap, Tensor, Tensor2D, Variable } from "@tensorflow/tfjs-core";
import type { EncodedPrompt, PatchGrid } from "./processor.ts";

/**
 * Which weights a call uses.
 *
 * - `student`: the trainable weights as they are now
 * - `base`: adapters off; an error for a policy without adapters
 * - `replaced`: the given tensors in place of trainable weights of the same names (every trainable name must be there)
 * - `merged`: dense weights in place of the adapted ones, adapters off
 */
export type WeightView =
  | { readonly kind: "student" }
  | { readonly kind: "base" }
  | { readonly kind: "replaced"; readonly trainable: NamedTensorMap }
  | { readonly kind: "merged"; readonly weights: NamedTensorMap };

/** Vision features on the device, held until `dispose()`. */
export interface ImageFeatures {
  readonly keys: readonly string[];
  dispose(): void;
}

/** A prompt and the completion that is scored after it. */
export interface ScoredSequence {
  readonly prompt: EncodedPrompt;
  /** `[T]` token ids. */
  readonly completion: Int32Array;
}

export interface PolicyCallOptions {
  /** @default { kind: "student" } */
  readonly weights?: WeightView;
  /**
   * Features from `encodeImages` under the same weights. Pictures that are not in it are encoded again, and so are, while
   * gradients are taken, those whose features depend on trainable weights.
   */
  readonly features?: ImageFeatures;
}

/** What samples and trains. */
export interface Policy {
  readonly vocabSize: number;
  /** Longest sequence, prompt and completion together, in tokens. */
  readonly contextLength: number;
  /** Every weight that training changes, by name. */
  readonly trainable: Readonly<Record<string, Variable>>;
  readonly head: Head;
  /** Vision features without gradient. The caller disposes the result. */
  encodeImages(patches: readonly PatchGrid[], options?: { readonly weights?: WeightView }): ImageFeatures;
  /** Prefills the prompts as one left-padded batch. */
  startDecoding(prompts: readonly EncodedPrompt[], options?: PolicyCallOptions): DecodingSession;
  /**
   * `[N, D]` hidden states that predict each completion token, sequences one after the other, `N = Σ T`.
   * Differentiable in `trainable`. Row `i` of a sequence stands at position `P - 1 + i`.
   */
  completionStates(sequences: readonly ScoredSequence[], options?: PolicyCallOptions): Tensor2D;
  dispose(): void;
}

/** The language-model head, apart from the body, so that losses walk `[N, D]` in chunks and never hold `[N, V]`. */
export interface Head {
  readonly vocabSize: number;
  /** Names (of `Policy.trainable`) that `backward` gives gradients for. */
  readonly trainable: readonly string[];
  /** `[N, to - from]` logits of the vocabulary slice. Not differentiable: gradients come from `backward`. */
  logits(
    states: Tensor2D,
    options?: { readonly weights?: WeightView; readonly from?: number; readonly to?: number },
  ): Tensor2D;
  /** Gradients of `Σ logits · dLogits` under the student's weights, for the vocabulary slice. `trainable` holds full-shape tensors. */
  backward(
    states: Tensor2D,
    dLogits: Tensor2D,
    options?: { readonly from?: number; readonly to?: number },
  ): { readonly states: Tensor2D; readonly trainable: Record<string, Tensor> };
}

/** A batch of sequences that grow by one token a call, with their key-value cache. */
export interface DecodingSession {
  /**
   * `[B, V]` logits for the next token of every row. The first call takes no ids (the prompts' last positions answer);
   * every later one takes `[B]` ids, appends them and answers for the position after. The caller disposes the result.
   */
  next(tokenIds?: Int32Array): Tensor2D;
  /** Keeps, reorders or repeats rows: `rows[i]` is the old row that becomes row `i`. */
  select(rows: Int32Array): void;
  /**
   * Prefills more prompts and adds them as the last rows. `[prompts, V]` logits for their first tokens; the caller disposes
   * them. The following `next(ids)` takes one id for every row, old and new.
   */
  append(prompts: readonly EncodedPrompt[]): Tensor2D;
  /** `[B]` tokens of each row so far, prompt included, pads not counted. */
  readonly lengths: Int32Array;
  dispose(): void;
}
