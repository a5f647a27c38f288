import * as tf from "@tensorflow/tfjs-core";
import type { Range } from "./row-plan.ts";

/** The logits of a chunk of rows, slice by slice of the vocabulary. */
export interface Vocabulary {
  readonly slices: readonly Range[];
  /** Frees what `visit` makes of a slice's `[n, c]` logits (student's, then the teacher's), but for its result. */
  read<Result extends tf.TensorContainer>(slice: Range, visit: (logits: readonly tf.Tensor2D[]) => Result): Result;
  /** Frees the logits; nothing is read any more. */
  close(): void;
}

/** Logits that are computed slice by slice. A single slice is computed once and held; of several, each at every reading. */
export function openVocabulary(
  slices: readonly Range[],
  compute: (slice: Range) => readonly tf.Tensor2D[],
): Vocabulary {
  if (slices.length > 1)
    return { slices, read: (slice, visit) => tf.tidy(() => visit(compute(slice))), close: () => {} };
  const logits = compute(slices[0]!);
  return { slices, read: (_, visit) => tf.tidy(() => visit(logits)), close: () => tf.dispose([...logits]) };
}

/** A reduction over the vocabulary: of one slice, and of the results of two neighbouring ones. */
export interface VocabularyPass {
  read(logits: readonly tf.Tensor2D[], slice: Range): tf.Tensor2D;
  /** The result for both together; `left` has the lower ids. */
  merge(left: tf.Tensor2D, right: tf.Tensor2D): tf.Tensor2D;
}

/** Several reductions in one reading of the vocabulary. */
export function reduceVocabulary(vocabulary: Vocabulary, passes: readonly VocabularyPass[]): tf.Tensor2D[] {
  let totals: tf.Tensor2D[] | undefined;
  for (const slice of vocabulary.slices) {
    const parts = vocabulary.read(slice, (logits) => passes.map((pass) => pass.read(logits, slice)));
    const lefts = totals;
    totals = lefts === undefined ? parts : tf.tidy(() => passes.map((pass, i) => pass.merge(lefts[i]!, parts[i]!)));
    if (lefts !== undefined) tf.dispose([lefts, parts]);
  }
  return totals!;
}
