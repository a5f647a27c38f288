import { requireShape, sizeOf } from "./check-inputs.ts";
import { defineElementwise, overElements } from "./elementwise.ts";
import type { FusedKernel } from "./fused-kernel.ts";

/** Below −87 the exponential would overflow, and WGSL leaves open what then comes out. */
const sigmoid = "fn sigmoid(x : f32) -> f32 { return 1 / (1 + exp(-max(x, -87))); }";

const root = Math.sqrt(2 / Math.PI);
const cubic = 0.044715;

/** `½(1 + tanh u) = σ(2u)`, so that the tanh form of GELU is `x · σ(2u)`. */
const twiceInner = `2 * ${root} * v * (1 + ${cubic} * v * v)`;

const gelu = defineElementwise("geluTanh", () => `let v = x[i]; result[i] = v * sigmoid(${twiceInner});`, sigmoid);

const geluGradient = defineElementwise(
  "geluTanhGradient",
  () => `
    let v = x[i];
    let s = sigmoid(${twiceInner});
    let slope = 2 * ${root} * (1 + ${3 * cubic} * v * v);
    result[i] = dy[i] * s * (1 + v * (1 - s) * slope);`,
  sigmoid,
);

const swiGlu = defineElementwise("swiGlu", () => "result[i] = gate[i] * sigmoid(gate[i]) * up[i];", sigmoid);

const swiGluGateGradient = defineElementwise(
  "swiGluGateGradient",
  () => "let s = sigmoid(gate[i]); result[i] = dy[i] * up[i] * s * (1 + gate[i] * (1 - s));",
  sigmoid,
);

const constants = {};

export const activationKernels: readonly FusedKernel[] = [
  {
    name: "OpdGeluTanh",
    run: (backend, [x]) =>
      gelu(backend, { constants, inputs: { x: x! }, ...overElements(sizeOf(x!.shape)), output: x!.shape }),
  },
  {
    name: "OpdGeluTanhGradient",
    run: (backend, [dy, x]) => {
      requireShape("OpdGeluTanhGradient", "dy", dy!, x!.shape);
      const inputs = { dy: dy!, x: x! };
      return geluGradient(backend, { constants, inputs, ...overElements(sizeOf(x!.shape)), output: x!.shape });
    },
  },
  {
    name: "OpdSwiGlu",
    run: (backend, [gate, up]) => {
      requireShape("OpdSwiGlu", "up", up!, gate!.shape);
      const inputs = { gate: gate!, up: up! };
      return swiGlu(backend, { constants, inputs, ...overElements(sizeOf(gate!.shape)), output: gate!.shape });
    },
  },
  {
    name: "OpdSwiGluGradient",
    run: (backend, [dy, gate, up]) => {
      requireShape("OpdSwiGluGradient", "dy", dy!, gate!.shape);
      requireShape("OpdSwiGluGradient", "up", up!, gate!.shape);
      const plan = { constants, ...overElements(sizeOf(gate!.shape)), output: gate!.shape };
      return [
        swiGluGateGradient(backend, { ...plan, inputs: { dy: dy!, gate: gate!, up: up! } }),
        // The product's other factor: silu(gate) · dy.
        swiGlu(backend, { ...plan, inputs: { gate: gate!, up: dy! } }),
      ];
    },
  },
];
