import type { TensorInfo } from "@tensorflow/tfjs-core";
import { refuseMismatch, requireShape, sizeOf } from "./check-inputs.ts";
import { defineElementwise, overElements } from "./elementwise.ts";
import type { FusedKernel } from "./fused-kernel.ts";

/** The rotation, and its transpose for the gradient. An element is made of itself and of its partner, half a row away. */
const rotate = defineElementwise<{ transposed: boolean }>(
  "rotary",
  ({ transposed }) => `
    let column = i % uniforms.columns;
    let angle = (i / uniforms.perSequence) * uniforms.angleStep + i % uniforms.perHead;
    let reach = select(-1, 1, column < uniforms.columns / 2) * uniforms.columns / 2;
    let turned = x[i + reach] * ${transposed ? "sin[angle + reach]" : "sin[angle]"};
    result[i] = x[i] * cos[angle] ${transposed ? "+" : "-"} select(-turned, turned, reach > 0);`,
);

const kernel = (name: string, transposed: boolean): FusedKernel => ({
  name,
  run: (backend, [x, cos, sin]) => {
    const { columns, perHead, perSequence, angleStep } = planAngles(name, x!, cos!, sin!);
    const { integers, workgroups } = overElements(sizeOf(x!.shape));
    return rotate(backend, {
      constants: { transposed },
      inputs: { x: x!, cos: cos!, sin: sin! },
      integers: { ...integers, columns, perHead, perSequence, angleStep },
      workgroups,
      output: x!.shape,
    });
  },
});

function planAngles(name: string, x: TensorInfo, cos: TensorInfo, sin: TensorInfo) {
  const [batch, heads, length, columns] = x.shape as [number, number, number, number];
  if (columns % 2 !== 0) refuseMismatch(name, `the last axis must be even, got [${x.shape}].`);
  const angles = [cos.shape[0] === 1 ? 1 : batch, 1, length, columns];
  requireShape(name, "cos", cos, angles);
  requireShape(name, "sin", sin, angles);
  const perHead = length * columns;
  return { columns, perHead, perSequence: heads * perHead, angleStep: angles[0] === 1 ? 0 : perHead };
}

/** Rotary position embedding and its gradient in the states. */
export const rotaryKernels: readonly FusedKernel[] = [kernel("OpdRotary", false), kernel("OpdRotaryGradient", true)];
