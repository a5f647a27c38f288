import type { Policy, WeightView } from "@imagine-opd/protocol/policy";
import * as tf from "@tensorflow/tfjs-core";
import { type AdaptedWeight, checkAdapted, currentDelta } from "./adapted-weight.ts";
import { createWeightCopies } from "./weight-copies.ts";
import type { WeightSource } from "./weight-source.ts";

/**
 * The average of what adapters add, exactly: φ ← (1 − rate)·φ + rate·(scale·B·A) on dense deltas, kept apart from the base
 * weights so that small changes are not rounded away. Averaging A and B themselves is something else, because their product
 * is not linear in both. Other trainable weights are averaged as they are. Holds two dense tensors an adapter.
 */
export function averagedDeltas(
  policy: Policy,
  rate: number,
  given: readonly AdaptedWeight[] | undefined,
): WeightSource {
  const adapted = checkAdapted(policy, given);
  const factors = new Set(adapted.flatMap(({ a, b }) => [a, b]));
  const others = Object.entries(policy.trainable).filter(([name]) => !factors.has(name));
  const deltas = adapted.map((weight) => [weight.name, () => currentDelta(policy, weight)] as const);
  const averages = createWeightCopies(Object.fromEntries([...deltas, ...others]));
  const merge = (): tf.NamedTensorMap =>
    Object.fromEntries(adapted.map(({ name, base }) => [name, tf.add(base, averages.tensors[name]!)]));
  let merged = merge();
  const mergeAgain = (): void => {
    tf.dispose(merged);
    merged = merge();
  };
  return {
    get view(): WeightView {
      return { kind: "merged", weights: { ...averages.tensors, ...merged } };
    },
    afterUpdate() {
      averages.blend(rate);
      mergeAgain();
    },
    distanceToStudent: averages.distance,
    exportWeights: averages.exportWeights,
    importWeights(weights) {
      averages.importWeights(weights);
      mergeAgain();
    },
    dispose() {
      averages.dispose();
      tf.dispose(merged);
    },
  };
}
