import * as tf from "@tensorflow/tfjs-core";
import type { ProbeCase } from "../probe-case.ts";
import { between, waves } from "../reference/numbers.ts";

const [beta1, beta2, epsilon, rate, decay] = [0.9, 0.999, 1e-8, 0.1, 0.05];

/** One update of AdamW: a variable is read, computed with and assigned. */
export const optimiserUpdate: ProbeCase = {
  op: "AdamW update of a variable",
  inputs: [waves([3, 4]), waves([3, 4], 1), waves([3, 4], 2), between([3, 4], 0.1, 1)],
  run: (weight, gradient, first, second) => {
    const variable = tf.variable(weight!);
    const m = tf.add(first!, tf.mul(tf.sub(gradient!, first!), 1 - beta1));
    const v = tf.add(tf.mul(second!, beta2), tf.mul(tf.square(gradient!), 1 - beta2));
    const change = tf.mul(tf.div(m, tf.add(tf.sqrt(v), epsilon)), rate);
    variable.assign(tf.sub(tf.mul(variable, 1 - rate * decay), change));
    const updated = tf.clone(variable);
    variable.dispose();
    return updated;
  },
  reference: (weight, gradient, first, second) =>
    weight!.map((w, i) => {
      const g = gradient![i]!;
      const m = beta1 * first![i]! + (1 - beta1) * g;
      const v = beta2 * second![i]! + (1 - beta2) * g * g;
      return w * (1 - rate * decay) - (rate * m) / (Math.sqrt(v) + epsilon);
    }),
  gradient: "not needed",
};
