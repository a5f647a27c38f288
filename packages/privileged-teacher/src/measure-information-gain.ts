import { ImagineOpdError } from "@imagine-opd/protocol";
import type { Policy, ScoredSequence } from "@imagine-opd/protocol/policy";
import { type CompareContextsOptions, compareContexts } from "./compare-contexts.ts";
import { privilegedInformationGain } from "./information-gain.ts";
import type { Teacher } from "./teacher.ts";

export interface MeasureInformationGainOptions extends CompareContextsOptions {
  /** The same completions behind the student's own prompts, for the divergence form. @default not measured */
  readonly student?: { readonly policy: Policy; readonly sequences: readonly ScoredSequence[] };
}

export interface InformationGain {
  /** Mean over tokens of u(right views) − u(wrong views), nats. */
  readonly gain: number;
  /** `[N]` nats, sequences one after the other. */
  readonly perToken: Float32Array;
  /** `[B]` completion tokens of each sequence. */
  readonly lengths: Int32Array;
  /**
   * Mean over tokens of KL(student‖teacher with wrong views) − KL(student‖teacher with right views), nats: what `gain`
   * estimates from one token at each place. Absent without `student`.
   */
  readonly divergenceGain?: number;
}

/**
 * Scores the student's completions twice, with the record's own views and with others in their place: what the views'
 * content, and not their mere presence, tells the teacher about the student's tokens.
 * @param right completions behind the teacher's prompts
 * @param wrong the same completions behind prompts with control views
 * @throws mismatch when the completions are not the same
 */
export async function measureInformationGain(
  teacher: Teacher,
  right: readonly ScoredSequence[],
  wrong: readonly ScoredSequence[],
  { student, ...options }: MeasureInformationGainOptions = {},
): Promise<InformationGain> {
  checkSameCompletions("wrong", right, wrong);
  if (student !== undefined) checkSameCompletions("student.sequences", right, student.sequences);
  const { chunkRows: _, ...distribution } = options;
  const ask = { want: "sampled", ...distribution } as const;
  const { logProbs: rightLogProbs, lengths } = await teacher.score(right, ask);
  const { logProbs: wrongLogProbs } = await teacher.score(wrong, ask);
  const measured = {
    gain: privilegedInformationGain(rightLogProbs, wrongLogProbs),
    perToken: rightLogProbs.map((logProb, i) => logProb - wrongLogProbs[i]!),
    lengths,
  };
  if (student === undefined) return measured;
  const { values: toRight } = await compareContexts(student, teacher, right, options);
  const { values: toWrong } = await compareContexts(student, teacher, wrong, options);
  return { ...measured, divergenceGain: privilegedInformationGain(toWrong, toRight) };
}

function checkSameCompletions(name: string, expected: readonly ScoredSequence[], got: readonly ScoredSequence[]): void {
  const differing = expected.findIndex(({ completion }, i) => completion.join() !== got[i]?.completion.join());
  if (differing < 0 && expected.length === got.length) return;
  const place = differing < 0 ? `${got.length} sequences for ${expected.length}` : `another completion at ${differing}`;
  throw new ImagineOpdError("mismatch", {
    where: "privileged-teacher.measureInformationGain",
    problem: `\`${name}\` must hold the same completions as \`right\`, got ${place}.`,
    remedy: "Pair the same rollouts with both prompts.",
    details: { name, index: differing },
  });
}
