import { ImagineOpdError } from "@imagine-opd/protocol";
import { getKernel, type KernelConfig } from "@tensorflow/tfjs-core";

const backend = "@tensorflow/tfjs-backend-webgpu";

/**
 * A kernel of tfjs's WebGPU backend, which `operation` runs; a page that registers chosen kernels may lack it.
 * @throws missing-part with the kernel's name
 */
export function requireKernel(name: string, operation: string): KernelConfig {
  const kernel = getKernel(name, "webgpu");
  if (kernel !== undefined) return kernel;
  const config = `${name.replace(/[A-Z]/, (first) => first.toLowerCase())}Config`;
  throw new ImagineOpdError("missing-part", {
    where: `backend-webgpu.${operation}`,
    problem: `it runs the kernel ${name} of tfjs, which is not registered for the WebGPU backend.`,
    remedy: `Import "${backend}" whole, or pass \`${config}\` of "${backend}/dist/kernels/${name}.js" to registerKernel of tfjs-core.`,
    details: { kernel: name },
  });
}
