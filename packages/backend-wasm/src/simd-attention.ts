import { ImagineOpdError } from "@imagine-opd/protocol";
import type { TensorInfo } from "@tensorflow/tfjs-core";
import { floatInputs, requireShape } from "./check-inputs.ts";
import type { WasmKernel } from "./kernel-registry.ts";
import type { SimdModule } from "./simd-module.ts";
import { addressOf, type WasmInternals } from "./wasm-internals.ts";

/** Sizes of an attention, and how far apart the bias's sequences, heads and queries lie (0 where it repeats). */
interface AttentionPlan {
  readonly sizes: readonly [batch: number, heads: number, kvHeads: number, length: number, keys: number, size: number];
  readonly biasSteps: readonly [batch: number, head: number, query: number];
}

function planAttention(name: string, q: TensorInfo, k: TensorInfo, v: TensorInfo, bias?: TensorInfo): AttentionPlan {
  const [batch, heads, length, size] = q.shape as [number, number, number, number];
  const [, kvHeads, keys] = k.shape as [number, number, number, number];
  requireShape(name, "k", k, [batch, kvHeads, keys, size]);
  requireShape(name, "v", v, k.shape);
  if (heads % kvHeads !== 0) throw refuse(name, `${heads} query heads do not share ${kvHeads} key heads.`);
  const sizes = [batch, heads, kvHeads, length, keys, size] as const;
  return {
    sizes,
    biasSteps: bias === undefined ? [0, 0, 0] : biasSteps(name, bias, [batch, heads, length, keys]),
  };
}

/** Distances in a bias that is broadcast to `[B, H, n, m]`. */
function biasSteps(name: string, bias: TensorInfo, full: readonly number[]): readonly [number, number, number] {
  const shape = [...Array<number>(Math.max(0, 4 - bias.shape.length)).fill(1), ...bias.shape];
  const fits = shape.length === 4 && shape.every((length, axis) => length === full[axis] || (length === 1 && axis < 3));
  if (!fits) throw refuse(name, `a bias of shape [${bias.shape}] does not repeat into [${full}].`);
  const [batch, heads, queries, keys] = shape as [number, number, number, number];
  return [batch === 1 ? 0 : heads * queries * keys, heads === 1 ? 0 : queries * keys, queries === 1 ? 0 : keys];
}

function refuse(name: string, problem: string): ImagineOpdError {
  return new ImagineOpdError("mismatch", { where: `backend-wasm.${name}`, problem });
}

/** Attention and its gradient; of the `[B, H, n, m]` scores only a block is ever in memory, and hidden keys cost nothing. */
export function simdAttention(backend: WasmInternals, simd: SimdModule): WasmKernel[] {
  const at = (tensor: TensorInfo | undefined): number => (tensor === undefined ? 0 : addressOf(backend, tensor));
  const forward: WasmKernel = {
    name: "OpdAttention",
    form: "simd",
    run: (inputs, attributes) => {
      const [q, k, v, bias] = floatInputs("OpdAttention", inputs);
      const { sizes, biasSteps } = planAttention("OpdAttention", q!, k!, v!, bias);
      const out = backend.makeOutput(q!.shape, "float32");
      const space = simd.workspace(simd.scoresLength(sizes[3], sizes[4]));
      const { scale } = attributes as { scale: number };
      simd.attention(at(q), at(k), at(v), at(bias), at(out), ...sizes, scale, ...biasSteps, space, simd.scratch);
      return out;
    },
  };
  const gradient: WasmKernel = {
    name: "OpdAttentionGradient",
    form: "simd",
    run: (inputs, attributes) => {
      const [dy, q, k, v, bias] = floatInputs("OpdAttentionGradient", inputs);
      requireShape("OpdAttentionGradient", "dy", dy!, q!.shape);
      const { sizes, biasSteps } = planAttention("OpdAttentionGradient", q!, k!, v!, bias);
      const out = [q!, k!, v!].map(({ shape }) => backend.makeOutput(shape, "float32"));
      const space = simd.workspace(2 * simd.scoresLength(sizes[3], sizes[4]));
      const [dq, dk, dv] = out.map(at) as [number, number, number];
      const given = [at(dy), at(q), at(k), at(v), at(bias)] as const;
      const { scale } = attributes as { scale: number };
      simd.attentionGradient(...given, dq, dk, dv, ...sizes, scale, ...biasSteps, space, simd.scratch);
      return out;
    },
  };
  return [forward, gradient];
}
