import { ImagineOpdError } from "@imagine-opd/protocol";
import type { Policy, ScoredSequence } from "@imagine-opd/protocol/policy";
import { compareContexts } from "./compare-contexts.ts";
import type { Teacher } from "./teacher.ts";

export interface SelfTestOptions {
  /** Largest mean KL(student‖teacher) that passes, nats a token. @default 1e-5 */
  readonly tolerance?: number;
  /** Largest |log-ratio| of one sampled token that passes, nats. @default 1e-4 */
  readonly ratioTolerance?: number;
  /** Rows of `[N, D]` that go through the head at once. @default that of distillation-loss */
  readonly chunkRows?: number;
}

export interface SelfTestResult {
  /** Mean over tokens of the full-vocabulary KL(student‖teacher), nats. */
  readonly kl: number;
  /** Largest |ln student − ln teacher| of a completion token, nats. */
  readonly maxAbsLogRatio: number;
}

/**
 * Scores the student's own contexts by student and teacher and finds a teacher that reads other positions, prompts or
 * weights than it should: with the same context and the same weights both must agree. It says something only before the
 * first update, and for a policy with adapters only while they still add nothing.
 * @throws mismatch when student and teacher disagree; invalid-argument without a completion token
 */
export async function selfTest(
  policy: Policy,
  teacher: Teacher,
  sequences: readonly ScoredSequence[],
  options: SelfTestOptions = {},
): Promise<SelfTestResult> {
  const { tolerance = 1e-5, ratioTolerance = 1e-4, ...chunking } = options;
  const { values, logRatio } = await compareContexts({ policy, sequences }, teacher, sequences, chunking);
  const result = {
    kl: values.reduce((sum, value) => sum + value, 0) / values.length,
    maxAbsLogRatio: logRatio.reduce((largest, ratio) => Math.max(largest, Math.abs(ratio)), 0),
  };
  // Written so that NaN fails as well.
  if (result.kl <= tolerance && result.maxAbsLogRatio <= ratioTolerance) return result;
  throw new ImagineOpdError("mismatch", {
    where: "privileged-teacher.selfTest",
    problem:
      `student and teacher disagree on the student's own contexts: mean KL ${result.kl} nats (at most ${tolerance}), ` +
      `largest log-ratio ${result.maxAbsLogRatio} (at most ${ratioTolerance}).`,
    remedy:
      "Run it before the first update, with a teacher made from this policy; else prompts or positions are shifted.",
    details: { ...result, tolerance, ratioTolerance },
  });
}
