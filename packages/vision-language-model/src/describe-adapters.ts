import type { Tensor2D } from "@tensorflow/tfjs-core";
import { adapterNames } from "./model/weight-store.ts";
import type { VisionLanguageModel } from "./open-model.ts";

/** One adapted weight by name: `base + scale · b · a`. */
export interface DescribedAdapter {
  /** Name of the dense weight. */
  readonly name: string;
  /** `[out, in]` the weight without its adapter; the model's to dispose. */
  readonly base: Tensor2D;
  /** Name of the factor `[rank, in]`. */
  readonly a: string;
  /** Name of the factor `[out, rank]`. */
  readonly b: string;
  readonly scale: number;
}

/** The model's adapters as a teacher that averages their deltas takes them (`adapted` of privileged-teacher). */
export function describeAdapters({ adapter, store }: VisionLanguageModel): readonly DescribedAdapter[] {
  return [...(adapter?.modules.values() ?? [])].map(({ name, scale }) => {
    const [a, b] = adapterNames(name);
    return { name: `${name}.weight`, base: store.tensor(`${name}.weight`, { kind: "base" }) as Tensor2D, a, b, scale };
  });
}
