import { defaultClientConditions, defineConfig } from "vite";
import { fewWebgpuKernels } from "./webgpu-kernels.ts";

export default defineConfig({
  root: import.meta.dirname,
  base: "./",
  publicDir: "../train-node/base-model", // its files lie beside the page
  appType: "mpa", // a file that is not there is an error, not the page
  resolve: { conditions: ["@imagine-opd/source", ...defaultClientConditions] },
  plugins: [fewWebgpuKernels()],
  worker: {
    format: "es",
    plugins: () => [fewWebgpuKernels()],
    rolldownOptions: { output: { comments: { legal: false } } }, // as in the page itself
  },
  build: { target: "es2022", emptyOutDir: true },
  optimizeDeps: { entries: ["index.html", "page/worker.ts"] }, // what the worker imports is found at the start, not in a run
});
