import { tokenLogProbs } from "@imagine-opd/distillation-loss";
import { parseAnswer } from "@imagine-opd/imagination-prompts";
import type { Policy } from "@imagine-opd/protocol/policy";
import type { SampledRollout } from "@imagine-opd/rollout-sampler";
import type { PromptKind } from "./ask-messages.ts";
import type { GeneratedAnswer } from "./generate-answer.ts";

/** One line of `--json`. */
export interface AnswerRecord {
  readonly text: string;
  /** What the answer tag holds; null when there is none. */
  readonly answer: string | null;
  readonly promptTokenIds: readonly number[];
  readonly tokenIds: readonly number[];
  /** Log-softmax of the unmodified logits at each token, nats: temperature 1, before bans and truncation. */
  readonly logProbs: readonly number[];
  readonly stopReason: SampledRollout["stopReason"];
  readonly prompt: PromptKind;
  readonly backend: string;
}

/** The log-probs at temperature 1. The sampler's are those of its own temperature; at another one the answer is scored again. */
async function unmodifiedLogProbs(
  policy: Policy,
  { prompt, completion, logProbs }: SampledRollout,
  temperature: number,
): Promise<Float32Array> {
  if (temperature === 0 || temperature === 1) return logProbs; // 0 takes the best token of temperature 1
  const states = policy.completionStates([{ prompt, completion }]);
  try {
    return (await tokenLogProbs(states, { head: policy.head, tokens: completion })).logProbs;
  } finally {
    states.dispose();
  }
}

/** Everything about an answer that a recount needs. */
export async function describeAnswer(
  policy: Policy,
  { text, rollout }: GeneratedAnswer,
  how: { readonly prompt: PromptKind; readonly temperature: number; readonly backend: string },
): Promise<AnswerRecord> {
  const logProbs = await unmodifiedLogProbs(policy, rollout, how.temperature);
  return {
    text,
    answer: parseAnswer(text).answer ?? null,
    promptTokenIds: Array.from(rollout.prompt.tokenIds),
    tokenIds: Array.from(rollout.completion),
    logProbs: Array.from(logProbs),
    stopReason: rollout.stopReason,
    prompt: how.prompt,
    backend: how.backend,
  };
}
