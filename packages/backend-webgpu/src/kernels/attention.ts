import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import type { TensorInfo } from "@tensorflow/tfjs-core";
import { type AttentionPart, attentionParts } from "./attention-parts.ts";
import { type AttentionPlan, planAttention } from "./attention-plan.ts";
import { attentionProgram } from "./attention-program.ts";
import { tilingOf } from "./attention-tiles.ts";
import { requireShape } from "./check-inputs.ts";
import type { FusedKernel } from "./fused-kernel.ts";

/** All tensors that a part may read. */
type Given = Readonly<Record<string, TensorInfo | undefined>>;

/** Runs parts of one attention, each on those of the given tensors that it reads. */
function partRunner(backend: WebGPUBackend, { sizes, biasSteps, size }: AttentionPlan, scale: number) {
  return (part: AttentionPart, given: Given, output: readonly number[]): TensorInfo => {
    const { side, held, tiles } = attentionParts[part];
    const usesStatistics = side === "keys" || part === "queries";
    const names = [...new Set([...held, ...tiles, "bias", ...(usesStatistics ? ["statistics"] : [])])];
    const present = names.flatMap((name) => (given[name] === undefined ? [] : [[name, given[name]] as const]));
    const heldHeads = side === "keys" ? sizes.kvHeads : sizes.heads;
    const heldRows = side === "keys" ? sizes.keys : sizes.queries;
    return attentionProgram(backend, {
      constants: { part, size, bias: given.bias !== undefined },
      inputs: Object.fromEntries(present),
      integers: { ...sizes, ...biasSteps },
      floats: { scale },
      workgroups: sizes.batch * heldHeads * Math.ceil(heldRows / tilingOf(size).rows),
      output,
    });
  };
}

const forward: FusedKernel = {
  name: "OpdAttention",
  run: (backend, [q, k, v, bias], attributes) => {
    const plan = planAttention("OpdAttention", q!, k!, v!, bias);
    return partRunner(backend, plan, attributes.scale as number)("output", { q, k, v, bias }, q!.shape);
  },
};

/** Nothing but three numbers a query stands between the inputs and the three gradients. */
const gradient: FusedKernel = {
  name: "OpdAttentionGradient",
  run: (backend, [dy, q, k, v, bias], attributes) => {
    requireShape("OpdAttentionGradient", "dy", dy!, q!.shape);
    const plan = planAttention("OpdAttentionGradient", q!, k!, v!, bias);
    const run = partRunner(backend, plan, attributes.scale as number);
    const statistics = run("statistics", { dy, q, k, v, bias }, [...q!.shape.slice(0, 3), 3]);
    const given = { dy, q, k, v, bias, statistics };
    const gradients = [run("queries", given, q!.shape), run("keys", given, k!.shape), run("values", given, v!.shape)];
    backend.disposeData(statistics.dataId);
    return gradients;
  },
};

/** Attention and its gradient in memory that grows with n + m, not with n · m. */
export const attentionKernels: readonly FusedKernel[] = [forward, gradient];
