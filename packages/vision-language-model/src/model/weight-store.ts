import { ImagineOpdError } from "@imagine-opd/protocol";
import type { WeightView } from "@imagine-opd/protocol/policy";
import * as tf from "@tensorflow/tfjs-core";

/** A linear map as the blocks take it: weights are explicit inputs, so that every one of them receives its gradient. */
export interface LinearWeights {
  /** `[out, in]` */
  readonly weight: tf.Tensor;
  /** `[out]` */
  readonly bias?: tf.Tensor;
  /** Low-rank correction `scale · b · a`. */
  readonly adapter?: { readonly a: tf.Tensor; readonly b: tf.Tensor; readonly scale: number };
}

/** All weights of a model: some frozen, some trainable, and the adapters' scales. Resolves names under a {@link WeightView}. */
export interface WeightStore {
  readonly trainable: Readonly<Record<string, tf.Variable>>;
  readonly frozen: ReadonlyMap<string, tf.Tensor>;
  /** Scale of each adapted module, by module name. */
  readonly adapterScales: ReadonlyMap<string, number>;
  has(name: string): boolean;
  tensor(name: string, view: WeightView): tf.Tensor;
  linear(module: string, view: WeightView): LinearWeights;
  dispose(): void;
}

export const adapterNames = (module: string): readonly [a: string, b: string] => [
  `${module}.lora_A.weight`,
  `${module}.lora_B.weight`,
];

/** The store takes over the tensors and disposes them. */
export function createWeightStore(
  trainable: Readonly<Record<string, tf.Variable>>,
  frozen: ReadonlyMap<string, tf.Tensor>,
  adapterScales: ReadonlyMap<string, number>,
): WeightStore {
  let disposed = false;
  const has = (name: string): boolean => trainable[name] !== undefined || frozen.has(name);
  const tensor = (name: string, view: WeightView): tf.Tensor => {
    if (disposed)
      throw new ImagineOpdError("disposed", {
        where: "vision-language-model",
        problem: "the model was used after dispose().",
      });
    const replacement =
      view.kind === "replaced" ? view.trainable[name] : view.kind === "merged" ? view.weights[name] : undefined;
    if (view.kind === "replaced" && replacement === undefined && trainable[name] !== undefined) {
      throw new ImagineOpdError("mismatch", {
        where: "vision-language-model",
        problem: `the replaced weights hold no "${name}".`,
        remedy: "Give a tensor for every trainable weight.",
      });
    }
    const found = replacement ?? trainable[name] ?? frozen.get(name);
    if (found === undefined) throw new Error(`vision-language-model: no weight "${name}"`);
    return found;
  };
  const checkBase = (view: WeightView): void => {
    if (view.kind === "base" && adapterScales.size === 0) {
      throw new ImagineOpdError("invalid-argument", {
        where: "vision-language-model",
        problem: 'the weight view "base" (adapters off) was asked of a model without adapters.',
        remedy: "Use a frozen copy of the weights instead.",
      });
    }
  };
  return {
    trainable,
    frozen,
    adapterScales,
    has,
    tensor(name, view) {
      checkBase(view);
      return tensor(name, view);
    },
    linear(module, view) {
      checkBase(view);
      const weight = tensor(`${module}.weight`, view);
      const bias = has(`${module}.bias`) ? tensor(`${module}.bias`, view) : undefined;
      const scale = adapterScales.get(module);
      if (scale === undefined || view.kind === "base" || view.kind === "merged")
        return { weight, ...(bias && { bias }) };
      const [a, b] = adapterNames(module);
      return { weight, ...(bias && { bias }), adapter: { a: tensor(a, view), b: tensor(b, view), scale } };
    },
    dispose() {
      if (disposed) return;
      disposed = true;
      tf.dispose(Object.values(trainable));
      tf.dispose([...frozen.values()]);
    },
  };
}
