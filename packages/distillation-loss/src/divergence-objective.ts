import type * as tf from "@tensorflow/tfjs-core";
import { takeActiveTokens } from "./active-rows.ts";
import { type Comparison, compareRows } from "./compare-rows.ts";
import { checkDivergence } from "./divergence-kind.ts";
import { tokenPass } from "./pick-tokens.ts";
import { comparisonStatistics, rowComparison } from "./row-comparison.ts";
import { differentiateRows } from "./row-divergence.ts";
import type { RowObjective } from "./row-objective.ts";
import type { RowPlan } from "./row-plan.ts";
import { logProbsFrom } from "./row-score.ts";
import { appendColumns, pickStatistic, type StatisticName, stackColumns } from "./statistics.ts";
import { boundColumns } from "./support-mass.ts";
import { checkTopK } from "./top-k.ts";
import { reduceVocabulary, type Vocabulary } from "./vocabulary.ts";

export interface ObjectiveOptions extends Omit<Comparison, "temperature"> {
  readonly tokens?: Int32Array;
}

/** The objective of a divergence. With tokens it also reads both models' log-probs of them. */
export function divergenceObjective(plan: RowPlan, { tokens, ...choice }: ObjectiveOptions): RowObjective {
  checkDivergence(plan.where, choice.divergence);
  if (choice.topK !== undefined) checkTopK(plan.where, choice.topK);
  const comparison: Comparison = { ...choice, temperature: plan.temperature };
  const { topK, entryLimit } = comparison;
  const ids = tokens === undefined ? undefined : takeActiveTokens(plan, tokens);
  const statistics: readonly StatisticName[] = [
    ...comparisonStatistics(entryLimit),
    ...(topK === undefined ? [] : ([...boundColumns, "studentPart", "teacherPart", "overlap"] as const)),
    ...(ids === undefined ? [] : tokenStatistics),
  ];
  return {
    ...(topK && { topK }),
    statistics,
    measure(vocabulary, { from, to }) {
      const chunkIds = ids?.subarray(from, to);
      if (topK === undefined && vocabulary.slices.length === 1) return compareWhole(vocabulary, comparison, chunkIds);
      return stackColumns(statistics, compareRows(vocabulary, comparison, chunkIds));
    },
    differentiate: ({ logits, slice, measured, coefficients }) =>
      differentiateRows(logits, measured, coefficients, { ...comparison, from: slice.from }),
  };
}

const tokenStatistics = ["studentLogProb", "teacherLogProb"] as const;

/** All ids at once: one kernel, and the tokens beside it. */
function compareWhole(vocabulary: Vocabulary, comparison: Comparison, tokens: Int32Array | undefined): tf.Tensor2D {
  const tensor = vocabulary.read(
    vocabulary.slices[0]!,
    ([student, teacher]) => rowComparison([student!, teacher!], comparison) as tf.Tensor2D,
  );
  if (tokens === undefined) return tensor;
  const measured = { names: comparisonStatistics(comparison.entryLimit), tensor };
  const picked = reduceVocabulary(vocabulary, [tokenPass(0, tokens), tokenPass(1, tokens)]);
  const logProbs = (["student", "teacher"] as const).map((model, i) => {
    const score = {
      shift: pickStatistic(measured, `${model}Shift`),
      logSum: pickStatistic(measured, `${model}LogSum`),
    };
    return logProbsFrom(picked[i]!, score, comparison.temperature);
  });
  return appendColumns(tensor, logProbs);
}
