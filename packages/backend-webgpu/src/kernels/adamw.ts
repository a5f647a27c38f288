import type { AdamWScalars } from "@imagine-opd/tensor-ops";
import { requireShape, sizeOf } from "./check-inputs.ts";
import { defineElementwise, overElements } from "./elementwise.ts";
import type { FusedKernel } from "./fused-kernel.ts";

const constants = {};

const updateFirst = defineElementwise(
  "adamWFirst",
  () => "result[i] = first[i] + (uniforms.gradientScale * gradient[i] - first[i]) * uniforms.firstRate;",
);

const updateSecond = defineElementwise(
  "adamWSecond",
  () => `
    let g = uniforms.gradientScale * gradient[i];
    result[i] = second[i] * uniforms.secondKeep + g * g * uniforms.secondRate;`,
);

const updateWeight = defineElementwise(
  "adamWWeight",
  () => `
    let change = first[i] / (sqrt(second[i]) + uniforms.epsilon) * uniforms.stepSize;
    result[i] = weight[i] * uniforms.decay - change;`,
);

/** One update as `adamWUpdate` of `tensor-ops` defines it. A shader has one output, so it takes three. */
export const adamWKernel: FusedKernel = {
  name: "OpdAdamW",
  run: (backend, [weight, gradient, first, second], attributes) => {
    const { shape } = weight!;
    const others = { "the gradient": gradient!, "the first average": first!, "the second average": second! };
    for (const [what, tensor] of Object.entries(others)) requireShape("OpdAdamW", what, tensor, shape);
    const scalars = attributes as unknown as AdamWScalars;
    const { gradientScale, decay, firstRate, secondKeep, secondRate, epsilon, stepSize } = scalars;
    const plan = { constants, ...overElements(sizeOf(shape)), output: shape };
    const newFirst = updateFirst(backend, {
      ...plan,
      inputs: { gradient: gradient!, first: first! },
      floats: { gradientScale, firstRate },
    });
    const newSecond = updateSecond(backend, {
      ...plan,
      inputs: { gradient: gradient!, second: second! },
      floats: { gradientScale, secondKeep, secondRate },
    });
    const newWeight = updateWeight(backend, {
      ...plan,
      inputs: { weight: weight!, first: newFirst, second: newSecond },
      floats: { decay, epsilon, stepSize },
    });
    return [newWeight, newFirst, newSecond];
  },
};
