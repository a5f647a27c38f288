import { ImagineOpdError } from "@imagine-opd/protocol";

/** A low-rank change of one linear layer: its weight `W [out, in]` acts as `W + scale · B · A` (Hu et al., arXiv 2106.09685). */
export interface AdapterModule {
  /** Name of the layer inside the model, for example `model.text_model.layers.0.self_attn.q_proj`. */
  readonly name: string;
  readonly rank: number;
  readonly inSize: number;
  readonly outSize: number;
  /** `alpha / rank`, or `alpha / √rank` for a rank-stabilised adapter. */
  readonly scale: number;
  /** `[rank, in]` */
  readonly a: Float32Array;
  /** `[out, rank]` */
  readonly b: Float32Array;
}

/** A weight that the adapter replaces as a whole (PEFT's `modules_to_save`). */
export interface ReplacedWeight {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** What holds for every module of an adapter that does not deviate from it. */
export interface AdapterConfig {
  readonly rank: number;
  readonly alpha: number;
  /** How `scale` comes from `alpha` and `rank`; `alpha/sqrt(rank)` is PEFT's `use_rslora` (Kalajdzievski, arXiv 2312.03732). */
  readonly scaling: "alpha/rank" | "alpha/sqrt(rank)";
  /** The checkpoint that the adapter was made for, `undefined` when it is not known. */
  readonly baseModel: string | undefined;
}

/** Low-rank changes of a model's layers, by name. */
export interface Adapter {
  readonly modules: ReadonlyMap<string, AdapterModule>;
  /** Weights replaced as a whole, by parameter name, for example `lm_head.weight`. */
  readonly replaced: ReadonlyMap<string, ReplacedWeight>;
  readonly config: AdapterConfig;
}

/** The divisor of `alpha`: `scale = alpha / scaleDivisor(…)`. */
export function scaleDivisor(rank: number, scaling: AdapterConfig["scaling"]): number {
  return scaling === "alpha/rank" ? rank : Math.sqrt(rank);
}

/** Throws `mismatch` when the arrays do not have the sizes that the module states. */
export function checkModule({ name, rank, inSize, outSize, a, b }: AdapterModule, where: string): void {
  if (a.length === rank * inSize && b.length === outSize * rank) return;
  throw new ImagineOpdError("mismatch", {
    where,
    problem:
      `module "${name}" must have a [${rank}, ${inSize}] and b [${outSize}, ${rank}], ` +
      `got ${a.length} and ${b.length} numbers.`,
    details: { name, rank, inSize, outSize, a: a.length, b: b.length },
  });
}
