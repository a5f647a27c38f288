/** One sampled completion: one line of `rollouts.jsonl`. */
export interface RolloutEntry {
  readonly step: number;
  readonly recordId: string;
  /** `0 … rollouts per prompt - 1`. */
  readonly rolloutIndex: number;
  readonly question: string;
  /** Decoded completion. */
  readonly text: string;
  /** What the answer tag holds; absent when there is none. */
  readonly answer?: string;
  readonly correct?: boolean;
  readonly stopReason: "stop" | "length" | "aborted";
  /** `[T]` */
  readonly tokenIds: ArrayLike<number>;
  /** `[T]` student's log-probs, nats. */
  readonly logProbs: ArrayLike<number>;
  /** `[T]` teacher's log-probs of the same tokens, nats. */
  readonly teacherLogProbs?: ArrayLike<number>;
}

/** One line of `rollouts.jsonl`, without its line break. Numbers that are not finite become `null`. */
export function formatRolloutLine(entry: RolloutEntry): string {
  const { step, recordId, rolloutIndex, question, text, answer, correct, stopReason } = entry;
  return JSON.stringify({
    step,
    recordId,
    rolloutIndex,
    question,
    text,
    answer,
    correct,
    stopReason,
    tokenIds: Array.from(entry.tokenIds),
    logProbs: Array.from(entry.logProbs, shortFloat),
    teacherLogProbs: entry.teacherLogProbs && Array.from(entry.teacherLogProbs, shortFloat),
  });
}

/** The shortest decimal that reads back as the same 32-bit float; other numbers stay as they are. */
function shortFloat(value: number): number {
  if (Math.fround(value) !== value) return value;
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return Number.isFinite(value) ? Number(value.toPrecision(9)) : value;
}
