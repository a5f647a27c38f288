import type { Message } from "./message.ts";

/** The pixels of one picture as the vision tower takes them. */
export interface PatchGrid {
  /** Hash of the pixels and of the processor's settings: equal keys mean equal values. */
  readonly key: string;
  /** Normalised patch rows, `[grid[0] * grid[1] * grid[2], channels * patch area]`, row-major. */
  readonly values: Float32Array;
  /** Tiles (or frames), patch rows and patch columns of one tile. */
  readonly grid: readonly [number, number, number];
}

/** A prompt ready for the model. */
export interface EncodedPrompt {
  /** `[P]` token ids; every image's placeholder tokens are expanded. */
  readonly tokenIds: Int32Array;
  /** One entry for each image, in the order of the placeholders. */
  readonly patches: readonly PatchGrid[];
}

/** Turns messages into what a policy takes, and ids back into text. */
export interface Processor {
  /** Renders the chat template with a generation prompt, expands image placeholders, tokenises. */
  encode(messages: readonly Message[]): EncodedPrompt;
  /** Text of the ids; special tokens are left out. */
  decode(ids: ArrayLike<number>): string;
  /** Ids that end a completion. */
  readonly stopTokenIds: readonly number[];
  /** Ids that stand for image features and must never be sampled. */
  readonly placeholderTokenIds: readonly number[];
  /** Number of ids that the tokenizer knows; the head may have more rows, and those ids must never be sampled. */
  readonly tokenCount: number;
  /** Hash of everything that decides the result: template, tokenizer, image settings. */
  readonly fingerprint: string;
}
