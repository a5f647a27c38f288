import { defineOp } from "@imagine-opd/tensor-ops";
import type * as tf from "@tensorflow/tfjs-core";
import { type Comparison, compareRows } from "./compare-rows.ts";
import { neverOnTheTape } from "./never-on-the-tape.ts";
import { type StatisticName, stackColumns } from "./statistics.ts";
import { openVocabulary } from "./vocabulary.ts";

/** A comparison of whole distributions. */
export type RowComparisonAttributes = Omit<Comparison, "topK">;

/** What every divergence finds out about a row, in the order of `RowComparison`'s output. */
export function comparisonStatistics(entryLimit: number | undefined): readonly StatisticName[] {
  const always = [
    ...(["value", "pull", "defined", "studentShift", "studentLogSum", "teacherShift", "teacherLogSum"] as const),
    ...(["studentEntropy", "teacherEntropy", "studentTop", "teacherTop"] as const),
  ];
  return entryLimit === undefined ? always : [...always, "clippedEntries"];
}

/**
 * Kernel `RowComparison`: inputs student logits `[n, V]` and teacher logits `[n, V]`; output `[S, n]`, the rows
 * of {@link comparisonStatistics}. All that the forward pass of a divergence needs where the vocabulary is one slice.
 */
export const rowComparison = defineOp<RowComparisonAttributes>({
  name: "RowComparison",
  save: { inputs: false },
  compose: (logits, attributes) => {
    const whole = { from: 0, to: logits[0]!.shape[1]! };
    const vocabulary = openVocabulary([whole], () => logits as readonly tf.Tensor2D[]);
    return stackColumns(comparisonStatistics(attributes.entryLimit), compareRows(vocabulary, attributes));
  },
  gradient: () => neverOnTheTape("RowComparison"),
});
