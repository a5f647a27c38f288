import type { DecodingSession, Policy, PolicyCallOptions, ScoredSequence } from "@imagine-opd/protocol/policy";
import * as tf from "@tensorflow/tfjs-core";

/** A policy with something to score, and how closely numbers must agree. */
export interface PolicyTrial {
  readonly policy: Policy;
  /** At least two, with equally many completion tokens, at least three. */
  readonly sequences: readonly ScoredSequence[];
  /** Of logits, relative to the largest of them. */
  readonly tolerance: number;
  /** Of gradients, relative. */
  readonly gradientTolerance: number;
  readonly seed: number;
}

/** Copies a tensor to the host and disposes it. */
export async function readTensor(tensor: tf.Tensor): Promise<Float32Array> {
  try {
    return (await tensor.data<"float32">()).slice();
  } finally {
    tensor.dispose();
  }
}

/** `[N · V]` logits of the completions by teacher forcing. */
export function scoreLogits(
  policy: Policy,
  sequences: readonly ScoredSequence[],
  options: PolicyCallOptions = {},
): Promise<Float32Array> {
  const { weights } = options;
  return readTensor(
    tf.tidy(() => policy.head.logits(policy.completionStates(sequences, options), weights && { weights })),
  );
}

/** Runs `use` with a session and disposes it, whatever happens. */
export async function withSession<Result>(
  policy: Policy,
  sequences: readonly ScoredSequence[],
  options: PolicyCallOptions,
  use: (session: DecodingSession) => Promise<Result>,
): Promise<Result> {
  const session = policy.startDecoding(
    sequences.map(({ prompt }) => prompt),
    options,
  );
  try {
    return await use(session);
  } finally {
    session.dispose();
  }
}

/** `[N · V]` logits of the completions by cached decoding, sequences one after the other. */
export function decodeLogits(
  policy: Policy,
  sequences: readonly ScoredSequence[],
  options: PolicyCallOptions = {},
): Promise<Float32Array> {
  return withSession(policy, sequences, options, async (session) => {
    const length = sequences[0]!.completion.length;
    const steps: Float32Array[] = [];
    for (let t = 0; t < length; t++)
      steps.push(await readTensor(session.next(t === 0 ? undefined : idsAt(sequences, t - 1))));
    return joinRows(sequences.flatMap((_, row) => steps.map((logits) => takeRow(logits, row, policy.vocabSize))));
  });
}

/** `[B]` ids of the completions at one position. */
export function idsAt(sequences: readonly ScoredSequence[], position: number): Int32Array {
  return Int32Array.from(sequences, ({ completion }) => completion[position]!);
}

export function takeRow(logits: Float32Array, row: number, width: number): Float32Array {
  return logits.subarray(row * width, (row + 1) * width);
}

export function joinRows(rows: readonly Float32Array[]): Float32Array {
  const joined = new Float32Array(rows.reduce((sum, { length }) => sum + length, 0));
  let from = 0;
  for (const row of rows) {
    joined.set(row, from);
    from += row.length;
  }
  return joined;
}

/** Largest difference relative to the largest expected number, at least 1; infinite for NaN and for other lengths. */
export function compareNumbers(actual: Float32Array, expected: Float32Array): number {
  if (actual.length !== expected.length) return Infinity;
  let difference = 0;
  let size = 1;
  for (let i = 0; i < expected.length; i++) {
    const distance = Math.abs(actual[i]! - expected[i]!);
    if (!(distance <= difference)) difference = Number.isNaN(distance) ? Infinity : distance;
    if (Math.abs(expected[i]!) > size) size = Math.abs(expected[i]!);
  }
  return difference / size;
}
