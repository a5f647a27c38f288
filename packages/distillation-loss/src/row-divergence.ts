import { defineOp } from "@imagine-opd/tensor-ops";
import * as tf from "@tensorflow/tfjs-core";
import { type ComparedRows, type DivergenceForm, formOf } from "./divergence-form.ts";
import type { Divergence } from "./divergence-kind.ts";
import { impossibleLogit, limitLogits } from "./limit-logits.ts";
import { neverOnTheTape } from "./never-on-the-tape.ts";
import { logProbsFrom } from "./row-score.ts";
import { pickColumn, pickStatistics, type StatisticName, type StatisticsTable } from "./statistics.ts";
import { boundColumns, findMembers } from "./support-mass.ts";
import { choose, type TopK } from "./top-k.ts";
import type { VocabularyPass } from "./vocabulary.ts";

export interface RowDivergenceAttributes {
  readonly divergence: Divergence;
  readonly temperature: number;
  /** Compares these ids and, with `tail`, their complement. Absent: all ids. */
  readonly topK?: TopK;
  /** Cuts off the terms of single ids above it. */
  readonly entryLimit?: number;
  /** First id of the slice. */
  readonly from: number;
}

/** What the comparison of two rows needs to know of them beforehand; the second half with a top-k support alone. */
export function comparedColumns(topK: TopK | undefined) {
  const scores = ["studentShift", "studentLogSum", "teacherShift", "teacherLogSum"] as const;
  return topK === undefined ? scores : ([...scores, ...boundColumns, "studentPart", "teacherPart"] as const);
}

/**
 * Kernel `RowDivergence`: inputs student logits `[n, c]`, teacher logits `[n, c]` and `[C, n]` numbers (see
 * {@link comparedColumns}); output `[3, n]`: the divergence, its pull Σ S·g and the number of entries that are cut off, each
 * summed over the columns; the tail bucket of a top-k support is not among them.
 */
const rowDivergence = defineOp<RowDivergenceAttributes>({
  name: "RowDivergence",
  save: { inputs: false },
  compose: ([student, teacher, numbers], attributes) => {
    const { divergence, entryLimit } = attributes;
    const form = formOf(divergence);
    const rows = freeSteps(() => compareInside(openRows(student!, teacher!, numbers!, attributes)));
    const slopes = tf.tidy(() => tf.sum(slopesOf(form, rows, entryLimit), 1));
    const terms = tf.tidy(() => form.terms(rows));
    if (entryLimit === undefined) return tf.stack([tf.sum(terms, 1), slopes, tf.zerosLike(slopes)]);
    return tf.stack([tf.sum(tf.minimum(terms, entryLimit), 1), slopes, tf.sum(isCut(terms, entryLimit), 1)]);
  },
  gradient: () => neverOnTheTape("RowDivergence"),
});

export interface RowDivergenceGradientAttributes extends RowDivergenceAttributes {
  /** What the rows of the statistics are. */
  readonly statistics: readonly StatisticName[];
}

/**
 * Kernel `RowDivergenceGradient`: inputs student logits `[n, c]`, teacher logits `[n, c]`, statistics `[S, n]` and coefficients
 * k `[n]`; output `[n, c]` k · ∂D/∂(student logits) = (k/τ)·S·(g − pull), 0 in rows that are not defined.
 */
const rowDivergenceGradient = defineOp<RowDivergenceGradientAttributes>({
  name: "RowDivergenceGradient",
  save: { inputs: false },
  compose: ([student, teacher, tensor, coefficients], attributes) => {
    const { divergence, entryLimit, temperature, topK } = attributes;
    const measured = { names: attributes.statistics, tensor: tensor as tf.Tensor2D };
    const numbers = pickStatistics(measured, comparedColumns(topK));
    const rows = freeSteps(() => compareEverywhere(openRows(student!, teacher!, numbers, attributes)));
    const slopes = tf.tidy(() => slopesOf(formOf(divergence), rows, entryLimit));
    const pulled = tf.tidy(() => tf.sub(slopes, tf.mul(rows.student, pickColumn(measured, "pull"))));
    const factors = tf.mul(tf.reshape(coefficients!, [coefficients!.size, 1]), pickColumn(measured, "defined"));
    return tf.mul(pulled, tf.div(factors, temperature));
  },
  gradient: () => neverOnTheTape("RowDivergenceGradient"),
});

/** The `[3, n]` result of `RowDivergence` over the whole vocabulary. */
export function divergencePass(
  numbers: tf.Tensor2D,
  attributes: Omit<RowDivergenceAttributes, "from">,
): VocabularyPass {
  return {
    read: ([student, teacher], { from }) =>
      rowDivergence([student!, teacher!, numbers], { ...attributes, from }) as tf.Tensor2D,
    merge: (left, right) => tf.add(left, right),
  };
}

/** `[n, c]` the gradient in one slice of the student's logits; `coefficients` `[n]` are those of rows that are defined. */
export function differentiateRows(
  [student, teacher]: readonly tf.Tensor2D[],
  { names, tensor }: StatisticsTable,
  coefficients: tf.Tensor1D,
  attributes: RowDivergenceAttributes,
): tf.Tensor2D {
  const inputs = [student!, teacher!, tensor, coefficients];
  return rowDivergenceGradient(inputs, { ...attributes, statistics: names }) as tf.Tensor2D;
}

interface OpenedRows {
  /** `[n, c]` ln S and ln T. */
  readonly student: tf.Tensor;
  readonly teacher: tf.Tensor;
  /** `[n, c]` 1 on the support, else 0. */
  readonly support?: tf.Tensor;
  readonly mass?: TopK["mass"];
  /** `[n, 1]` logarithms of the masses of {@link TopK.mass}. */
  readonly parts?: { readonly student: tf.Tensor; readonly teacher: tf.Tensor };
}

function openRows(
  student: tf.Tensor,
  teacher: tf.Tensor,
  numbers: tf.Tensor,
  { topK, temperature, from }: RowDivergenceAttributes,
): OpenedRows {
  const names: readonly StatisticName[] = comparedColumns(topK);
  const columns = tf.split(tf.transpose(numbers), numbers.shape[0]!, 1);
  const column = (name: StatisticName) => columns[names.indexOf(name)]!;
  const logProbsOf = (logits: tf.Tensor, model: "student" | "teacher") => {
    const score = { shift: column(`${model}Shift`), logSum: column(`${model}LogSum`) };
    return tf.tidy(() => logProbsFrom(limitLogits(logits), score, temperature));
  };
  const logProbs = { student: logProbsOf(student, "student"), teacher: logProbsOf(teacher, "teacher") };
  if (topK === undefined) return logProbs;
  const support = tf.tidy(() => findMembers([limitLogits(student), limitLogits(teacher)], column, topK, from).support);
  const parts = { student: column("studentPart"), teacher: column("teacherPart") };
  return { ...logProbs, support, mass: topK.mass, parts };
}

/** What the sums run over: all ids, or those on the support, alone or as they are. */
function compareInside({ student, teacher, support, mass, parts }: OpenedRows): ComparedRows {
  if (support === undefined) return exponentiate(student, teacher);
  const inside = (logProbs: tf.Tensor, part: tf.Tensor) =>
    choose(support, mass === "tail" ? logProbs : tf.sub(logProbs, part), impossibleLogit);
  return exponentiate(inside(student, parts!.student), inside(teacher, parts!.teacher));
}

/**
 * What the gradient compares. An id in the tail counts as if the teacher gave it the student's share of the teacher's tail:
 * then its log-ratio is that of the two tails, and the gradient of the full divergence is that of the tail form.
 */
function compareEverywhere(rows: OpenedRows): ComparedRows {
  const { student, teacher, support, mass, parts } = rows;
  if (support === undefined || mass !== "tail") return compareInside(rows);
  const tailRatio = tf.sub(parts!.student, parts!.teacher);
  return {
    student: tf.exp(student),
    teacher: tf.exp(choose(support, teacher, tf.sub(student, tailRatio))),
    logRatio: choose(support, tf.sub(student, teacher), tailRatio),
  };
}

function exponentiate(student: tf.Tensor, teacher: tf.Tensor): ComparedRows {
  return { student: tf.exp(student), teacher: tf.exp(teacher), logRatio: tf.sub(student, teacher) };
}

/** S·g without its constant or, where terms are cut off, all of S·g of those that are not: only a whole sum loses the constant. */
function slopesOf(form: DivergenceForm, rows: ComparedRows, entryLimit: number | undefined): tf.Tensor {
  if (entryLimit === undefined) return form.slopes(rows);
  const slopes = tf.add(form.slopes(rows), tf.mul(rows.student, form.slopeOffset));
  return tf.mul(slopes, tf.sub(1, isCut(form.terms(rows), entryLimit)));
}

function isCut(terms: tf.Tensor, entryLimit: number): tf.Tensor {
  return tf.step(tf.sub(terms, entryLimit));
}

/** Keeps the compared rows alone of all that is computed on the way to them. */
function freeSteps(compare: () => ComparedRows): ComparedRows {
  return tf.tidy(() => ({ ...compare() }) as unknown as tf.NamedTensorMap) as unknown as ComparedRows;
}
