import { divergenceThroughHead } from "@imagine-opd/distillation-loss";
import type { Policy, ScoredSequence } from "@imagine-opd/protocol/policy";
import type { Tensor } from "@tensorflow/tfjs-core";
import { joinCompletions, scoreStates } from "./score-sequences.ts";
import type { Teacher } from "./teacher.ts";

export interface CompareContextsOptions {
  /** Divides all logits. @default 1 */
  readonly temperature?: number;
  /** Ids left out of both distributions. @default none */
  readonly banned?: Int32Array;
  /** Rows of `[N, D]` that go through the head at once. @default that of distillation-loss */
  readonly chunkRows?: number;
}

/** Each completion token's full-vocabulary KL(student‖teacher) and ln student − ln teacher, nats, `[N]`. */
export async function compareContexts(
  { policy, sequences }: { readonly policy: Policy; readonly sequences: readonly ScoredSequence[] },
  teacher: Teacher,
  teacherSequences: readonly ScoredSequence[],
  options: CompareContextsOptions = {},
): Promise<{ values: Float32Array; logRatio: Float32Array }> {
  const held: Tensor[] = [];
  try {
    const scored = await teacher.score(teacherSequences, { want: "states" });
    held.push(scored.states);
    const { states } = scoreStates(policy, sequences, { kind: "student" });
    held.push(states);
    const compared = divergenceThroughHead(states, {
      ...options,
      divergence: { kind: "reverse-kl" },
      head: policy.head,
      trainable: policy.trainable,
      tokens: joinCompletions(sequences),
      teacher: scored,
    });
    held.push(compared.loss);
    const { values, logRatio } = await compared.readTokens();
    return { values, logRatio: logRatio! };
  } finally {
    for (const tensor of held) tensor.dispose();
  }
}
