import * as tf from "@tensorflow/tfjs-core";
import { formOf } from "./divergence-form.ts";
import type { Divergence } from "./divergence-kind.ts";
import { tokenPass } from "./pick-tokens.ts";
import { comparedColumns, divergencePass } from "./row-divergence.ts";
import { hasPossibleToken, logProbsFrom, scorePass, splitScore } from "./row-score.ts";
import { type Columns, stackColumns } from "./statistics.ts";
import { boundColumns, supportMassPass } from "./support-mass.ts";
import { findBounds, type TopK, topKPass } from "./top-k.ts";
import { reduceVocabulary, type Vocabulary } from "./vocabulary.ts";

/** How rows are compared. */
export interface Comparison {
  readonly divergence: Divergence;
  readonly temperature: number;
  readonly topK?: TopK;
  readonly entryLimit?: number;
}

/** Everything a divergence finds out about rows, with two readings of the vocabulary; three with a top-k support. */
export function compareRows(vocabulary: Vocabulary, comparison: Comparison, tokens?: Int32Array): Columns {
  const { topK } = comparison;
  const scored = scoreModels(vocabulary, comparison, tokens);
  const columns = topK === undefined ? scored : { ...scored, ...weighSupport(vocabulary, scored, topK, comparison) };
  const numbers = stackColumns(comparedColumns(topK), columns);
  const [sums] = reduceVocabulary(vocabulary, [divergencePass(numbers, comparison)]);
  return { ...columns, ...addTail(sums!, columns, comparison) };
}

/** First reading of the vocabulary: each model by itself. */
function scoreModels(
  vocabulary: Vocabulary,
  { temperature, topK }: Comparison,
  tokens: Int32Array | undefined,
): Columns {
  const models = [0, 1];
  const results = reduceVocabulary(vocabulary, [
    ...models.map((model) => scorePass(model, temperature)),
    ...(tokens === undefined ? [] : models.map((model) => tokenPass(model, tokens))),
    ...(topK === undefined ? [] : models.map((model) => topKPass(model, topK.k))),
  ]);
  const [s, t] = [splitScore(results.shift()!), splitScore(results.shift()!)];
  const tokenColumns = tokens !== undefined && {
    studentLogProb: logProbsFrom(results.shift()!, s, temperature),
    teacherLogProb: logProbsFrom(results.shift()!, t, temperature),
  };
  const [ofStudent, ofTeacher] = results.map(findBounds);
  return {
    ...{ studentShift: s.shift, studentLogSum: s.logSum, studentEntropy: s.entropy, studentTop: s.top },
    ...{ teacherShift: t.shift, teacherLogSum: t.logSum, teacherEntropy: t.entropy, teacherTop: t.top },
    defined: tf.mul(hasPossibleToken(s.shift), hasPossibleToken(t.shift)),
    ...tokenColumns,
    ...(ofStudent && { studentFloor: ofStudent.floor, studentLast: ofStudent.last }),
    ...(ofTeacher && { teacherFloor: ofTeacher.floor, teacherLast: ofTeacher.last }),
  };
}

/** Reading between the two, for a top-k support: how much mass lies on it or outside. */
function weighSupport(vocabulary: Vocabulary, scored: Columns, topK: TopK, { temperature }: Comparison): Columns {
  const bounds = stackColumns(boundColumns, scored);
  const [masses] = reduceVocabulary(vocabulary, [supportMassPass(bounds, topK, temperature)]);
  const [studentShift, studentSum, teacherShift, teacherSum, overlap] = tf.unstack(masses!);
  const logMass = (shift: tf.Tensor, logSum: tf.Tensor, model: "student" | "teacher") => {
    const score = { shift: scored[`${model}Shift`]!, logSum: scored[`${model}LogSum`]! };
    return tf.add(logProbsFrom(shift, score, temperature), logSum);
  };
  // Renormalised, a row needs a token on the support that is possible for both.
  const possible = tf.mul(hasPossibleToken(studentShift!), hasPossibleToken(teacherShift!));
  return {
    studentPart: logMass(studentShift!, studentSum!, "student"),
    teacherPart: logMass(teacherShift!, teacherSum!, "teacher"),
    overlap: overlap!,
    ...(topK.mass === "renormalise" && { defined: tf.mul(scored.defined!, possible) }),
  };
}

/** Value and pull from the sums over the vocabulary; the tail of a top-k support is one id more. */
function addTail(sums: tf.Tensor2D, columns: Columns, { divergence, topK, entryLimit }: Comparison): Columns {
  const [value, pull, clippedEntries] = tf.unstack(sums);
  const form = formOf(divergence);
  const constant = entryLimit === undefined ? form.constantPull : undefined;
  const constantPull = constant !== undefined && { pull: tf.fill(value!.shape, constant) };
  if (topK?.mass !== "tail") return { value: value!, pull: pull!, clippedEntries: clippedEntries!, ...constantPull };
  const [studentPart, teacherPart] = [columns.studentPart!, columns.teacherPart!];
  const tail = {
    student: tf.exp(studentPart),
    teacher: tf.exp(teacherPart),
    logRatio: tf.sub(studentPart, teacherPart),
  };
  return { value: tf.add(value!, form.terms(tail)), pull: tf.add(pull!, form.slopes(tail)), ...constantPull };
}
