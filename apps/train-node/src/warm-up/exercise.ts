import type { Message } from "@imagine-opd/protocol";
import type { VisionLanguageProcessor } from "@imagine-opd/vision-language-model";

/** A stretch of a response that counts alike. */
export interface Piece {
  readonly text: string;
  /** Weight of each of its tokens in the loss; 0 leaves them unlearned. */
  readonly weight: number;
}

/** A prompt and the response that is learned for it. */
export interface Exercise {
  readonly messages: readonly Message[];
  readonly response: readonly Piece[];
}

/** An exercise in tokens. */
export interface EncodedExercise {
  readonly prompt: ReturnType<VisionLanguageProcessor["encode"]>;
  /** `[T]`, the end of the turn included. */
  readonly completion: Int32Array;
  /** `[T]` */
  readonly weights: Float32Array;
}

/**
 * Pieces begin with their space, so that the tokenizer cuts them as it cuts the whole text. The end of the turn weighs as
 * much as the last piece.
 */
export function encodeExercise({ messages, response }: Exercise, processor: VisionLanguageProcessor): EncodedExercise {
  const tokens: number[] = [];
  const weights: number[] = [];
  for (const { text, weight } of response) {
    for (const id of processor.tokenize(text)) {
      tokens.push(id);
      weights.push(weight);
    }
  }
  tokens.push(processor.stopTokenIds[0]!);
  weights.push(response.at(-1)!.weight);
  return {
    prompt: processor.encode(messages),
    completion: Int32Array.from(tokens),
    weights: Float32Array.from(weights),
  };
}
