import { registerCoreGradients } from "@imagine-opd/tensor-ops";
import { testDivergenceProperties } from "../../test/divergence-properties.ts";
import { testTokenLossProperties } from "../../test/token-loss-properties.ts";
import { failOnDeviceErrors, useWebgpu } from "../../test/webgpu.ts";
import { registerWebgpuKernels } from "./index.ts";

async function useKernels(): Promise<void> {
  await useWebgpu();
  registerWebgpuKernels();
  registerCoreGradients();
}

failOnDeviceErrors();
testDivergenceProperties("webgpu", useKernels);
testTokenLossProperties("webgpu", useKernels);
