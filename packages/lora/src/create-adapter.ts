import { ImagineOpdError } from "@imagine-opd/protocol";
import { randomStream } from "@imagine-opd/random-streams";
import type { Adapter, AdapterModule } from "./adapter.ts";

const where = "lora.createAdapter";

/** A linear layer that gets an adapter. */
export interface LinearLayer {
  /** Name inside the model. */
  readonly name: string;
  readonly inSize: number;
  readonly outSize: number;
}

export interface CreateAdapterOptions {
  /** Inner size of the factors, an integer from 1. */
  readonly rank: number;
  /** The change is scaled by `alpha / rank`. */
  readonly alpha: number;
  /** The start of a module depends on this number and on the module's name only. */
  readonly seed: number;
}

function requirePositive(what: string, value: number, kind: "integer" | "number"): void {
  if (value > 0 && (kind === "integer" ? Number.isSafeInteger(value) : Number.isFinite(value))) return;
  throw new ImagineOpdError("invalid-argument", {
    where,
    problem: `${what} must be ${kind === "integer" ? "an integer from 1" : "a finite number above 0"}, got ${value}.`,
  });
}

/** `[rank, in]`, uniform in ±1/√in: PyTorch's `kaiming_uniform_(a=√5)`, PEFT's start of A. */
function drawFactor({ name, inSize }: LinearLayer, { rank, seed }: CreateAdapterOptions): Float32Array {
  const stream = randomStream(seed, "lora", name);
  const bound = 1 / Math.sqrt(inSize);
  return Float32Array.from({ length: rank * inSize }, () => (2 * stream.uniform() - 1) * bound);
}

/**
 * A fresh adapter that changes nothing yet: A uniform in ±1/√in, B zero, so that `B · A = 0`.
 *
 * @param layers the layers to touch
 * @throws invalid-argument for no layer, a name given twice, or a size, rank or alpha that is not positive
 */
export function createAdapter(layers: readonly LinearLayer[], options: CreateAdapterOptions): Adapter {
  const { rank, alpha } = options;
  requirePositive("`rank`", rank, "integer");
  requirePositive("`alpha`", alpha, "number");
  const modules = new Map<string, AdapterModule>();
  for (const layer of layers) {
    const { name, inSize, outSize } = layer;
    requirePositive(`\`inSize\` of "${name}"`, inSize, "integer");
    requirePositive(`\`outSize\` of "${name}"`, outSize, "integer");
    if (modules.has(name)) {
      throw new ImagineOpdError("invalid-argument", { where, problem: `layer "${name}" was given twice.` });
    }
    const a = drawFactor(layer, options);
    const b = new Float32Array(outSize * rank);
    modules.set(name, { name, rank, inSize, outSize, scale: alpha / rank, a, b });
  }
  if (modules.size === 0) {
    throw new ImagineOpdError("invalid-argument", {
      where,
      problem: "`layers` is empty.",
      remedy: "Choose layers with `matchModules`.",
    });
  }
  return { modules, replaced: new Map(), config: { rank, alpha, scaling: "alpha/rank", baseModel: undefined } };
}
