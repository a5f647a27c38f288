import type { Plugin } from "vite";

/** The kernels of tfjs that opening, asking and training need. One that is missing is an error with its name when it is called. */
const kernels = `
  _FusedMatMul Abs Add AddN BatchMatMul Cast ClipByValue Concat Equal Exp ExpandDims Fill GatherV2 Greater GreaterEqual
  Identity Less Log LogicalAnd Max Maximum Mean Min Minimum Multiply Neg OnesLike Pack PadV2 Range RealDiv Reshape Rsqrt
  Select Sigmoid Slice Softmax Softplus SplitV Sqrt Square Step Sub Sum Tanh Tile Transpose Unpack UnsortedSegmentSum ZerosLike`
  .trim()
  .split(/\s+/);

const backend = "@tensorflow/tfjs-backend-webgpu";
const id = "\0webgpu-kernels";

function source(): string {
  const configOf = (kernel: string) => `${kernel.replace(/[A-Z]/, (first) => first.toLowerCase())}Config`;
  const imports = kernels.map(
    (kernel) => `import { ${configOf(kernel)} } from "${backend}/dist/kernels/${kernel}.js";`,
  );
  return [
    'import { registerKernel } from "@tensorflow/tfjs-core";',
    ...imports,
    `for (const kernel of [${kernels.map(configOf).join(", ")}]) registerKernel(kernel);`,
    `export * from "${backend}/dist/base.js";`,
  ].join("\n");
}

/** Puts tfjs's WebGPU backend with these kernels in the place of the one with all 162, which makes a bundle a quarter smaller. */
export function fewWebgpuKernels(): Plugin {
  return {
    name: "few-webgpu-kernels",
    enforce: "pre",
    apply: "build",
    resolveId: (name) => (name === backend ? id : undefined),
    load: (loaded) => (loaded === id ? { code: source(), moduleSideEffects: true } : undefined),
  };
}
