import { ImagineOpdError } from "@imagine-opd/protocol";
import * as tf from "@tensorflow/tfjs-core";
import type { TeacherState } from "./teacher.ts";

/** Tensors of the teacher's own that stand for others by name, in float32. */
export interface WeightCopies {
  readonly tensors: tf.NamedTensorMap;
  /** φ ← (1 − rate)·φ + rate·θ for every weight. Rate 1 copies, rate 0 keeps, both bit for bit. */
  blend(rate: number): void;
  /** √Σ(φ − θ)² over all weights. */
  distance(): Promise<number>;
  exportWeights(): Promise<TeacherState["weights"]>;
  importWeights(weights: TeacherState["weights"]): void;
  dispose(): void;
}

/**
 * Copies taken from memory: a path or a hub id would miss what was trained before.
 * @param originals the weights that are followed; a getter is asked anew each time and its result disposed
 */
export function createWeightCopies(originals: Readonly<Record<string, tf.Tensor | (() => tf.Tensor)>>): WeightCopies {
  const names = Object.keys(originals);
  /** Runs inside a tidy: a made tensor goes with it, a variable stays. */
  const current = (name: string): tf.Tensor => {
    const original = originals[name]!;
    return typeof original === "function" ? original() : original;
  };
  // `tf.clone` shares its buffer with a variable, and an optimiser's kernel may write into that; times one is bit-equal.
  let tensors: tf.NamedTensorMap = mapNames(names, (name) => tf.tidy(() => tf.mul(current(name), 1)));
  const replaceAll = (next: tf.NamedTensorMap): void => {
    tf.dispose(tensors);
    tensors = next;
  };
  return {
    get tensors() {
      return tensors;
    },
    blend(rate) {
      replaceAll(
        mapNames(names, (name) => tf.tidy(() => tf.add(tf.mul(tensors[name]!, 1 - rate), tf.mul(current(name), rate)))),
      );
    },
    async distance() {
      const squares = tf.tidy(() =>
        tf.stack(
          names.map((name) => {
            const difference = tf.sub(tensors[name]!, current(name));
            return tf.sum(tf.mul(difference, difference));
          }),
        ),
      );
      try {
        return Math.sqrt((await squares.data<"float32">()).reduce((sum, square) => sum + square, 0));
      } finally {
        squares.dispose();
      }
    },
    async exportWeights() {
      const values = await Promise.all(names.map((name) => tensors[name]!.data<"float32">()));
      // `data()` may hand out the backend's own buffer.
      return mapNames(names, (_, index) => values[index]!.slice());
    },
    importWeights(weights) {
      checkNames(Object.keys(weights), names);
      for (const name of names) checkLength(name, weights[name]!.length, tensors[name]!.size);
      replaceAll(mapNames(names, (name) => tf.tensor(weights[name]!.slice(), tensors[name]!.shape, "float32")));
    },
    dispose: () => tf.dispose(tensors),
  };
}

function mapNames<Value>(
  names: readonly string[],
  value: (name: string, index: number) => Value,
): Record<string, Value> {
  return Object.fromEntries(names.map((name, index) => [name, value(name, index)]));
}

/** @throws mismatch when a state does not hold exactly the expected weights */
export function checkNames(got: readonly string[], expected: readonly string[]): void {
  const missing = expected.filter((name) => !got.includes(name));
  const unknown = got.filter((name) => !expected.includes(name));
  if (missing.length + unknown.length === 0) return;
  throw new ImagineOpdError("mismatch", {
    where: "privileged-teacher.importState",
    problem: `expected ${expected.length} weights of this policy; missing: [${missing}], unknown: [${unknown}].`,
    remedy: "Load the state into a teacher of the policy that it was exported from.",
    details: { missing, unknown },
  });
}

function checkLength(name: string, got: number, expected: number): void {
  if (got === expected) return;
  throw new ImagineOpdError("mismatch", {
    where: "privileged-teacher.importState",
    problem: `expected ${expected} values of "${name}", got ${got}.`,
    remedy: "Load the state into a teacher of the policy that it was exported from.",
    details: { name, expected, got },
  });
}
