import type { EncodedPrompt } from "./processor.ts";

/** One completion that the student sampled. Typed arrays only: it can be logged, posted to a worker and replayed. */
export interface Rollout {
  readonly recordId: string;
  readonly prompt: EncodedPrompt;
  /** `[T]` token ids, the stop token included. */
  readonly completion: Int32Array;
  /** `[T]` raw log-probs in nats: log-softmax(logits / temperature) at the sampled id, before bans and truncation. */
  readonly logProbs: Float32Array;
  readonly stopReason: "stop" | "length" | "aborted";
  readonly seed: number;
}
