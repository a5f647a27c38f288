import * as tf from "@tensorflow/tfjs-core";
import { adamWUpdate } from "../../adamw-update.ts";
import type { ProbeCase } from "../probe-case.ts";
import { between, waves } from "../reference/numbers.ts";

const [beta1, beta2, epsilon, rate, decay, gradientScale] = [0.9, 0.999, 1e-8, 0.1, 0.05, 0.5];

const scalars = {
  gradientScale,
  decay: 1 - rate * decay,
  firstRate: 1 - beta1,
  secondKeep: beta2,
  secondRate: 1 - beta2,
  epsilon,
  stepSize: rate,
};

/** One update of AdamW: a variable is read, computed with and assigned; its new value, then both averages. */
export const optimiserUpdate: ProbeCase = {
  op: "AdamW update of a variable",
  inputs: [waves([3, 5]), waves([3, 5], 1), waves([3, 5], 2), between([3, 5], 0.1, 1)],
  run: (weight, gradient, first, second) => {
    const variable = tf.variable(weight!);
    const updated = adamWUpdate({ weight: variable, first: first!, second: second! }, gradient!, scalars);
    variable.assign(updated.weight);
    const all = tf.stack([tf.clone(variable), updated.first, updated.second]);
    variable.dispose();
    return all;
  },
  reference: (weight, gradient, first, second) => {
    const g = gradient!.map((x) => x * gradientScale);
    const m = first!.map((x, i) => beta1 * x + (1 - beta1) * g[i]!);
    const v = second!.map((x, i) => beta2 * x + (1 - beta2) * g[i]! ** 2);
    const w = weight!.map((x, i) => x * (1 - rate * decay) - (rate * m[i]!) / (Math.sqrt(v[i]!) + epsilon));
    return Float64Array.of(...w, ...m, ...v);
  },
  gradient: "not needed",
};
