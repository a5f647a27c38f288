// What our packages and their dependencies weigh in a page: npm run bundle-sizes
// Bundles two programs from sources, minified, and fails when one is over its limit. Everything is inside: TensorFlow.js, the
// tokenizer, the template engine.
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build, defaultClientConditions } from "vite";
import { fewWebgpuKernels } from "../apps/minimal-loop/webgpu-kernels.ts";

/** Kilobytes (1000 bytes) after gzip. */
const limits = { inference: 150, training: 200 } as const;
const kernels = { chosen: [fewWebgpuKernels()], all: [] } as const;

async function measure(program: keyof typeof limits, plugins: keyof typeof kernels) {
  const built = await build({
    configFile: false,
    logLevel: "error",
    resolve: { conditions: ["@imagine-opd/source", ...defaultClientConditions] },
    plugins: [...kernels[plugins]],
    build: {
      write: false,
      target: "es2022",
      rolldownOptions: { input: join("scripts/bundle-sizes", `${program}.ts`), output: { codeSplitting: false } },
    },
  });
  const files = [built].flat().flatMap((each) => ("output" in each ? each.output : []));
  const code = files.map((file) => (file.type === "chunk" ? file.code : "")).join("");
  const kilobytes = (bytes: number) => bytes / 1000;
  return { minified: kilobytes(Buffer.byteLength(code)), compressed: kilobytes(gzipSync(code, { level: 9 }).length) };
}

console.log("program     tfjs kernels    minified       gzip   limit");
for (const program of ["inference", "training"] as const) {
  for (const choice of ["chosen", "all"] as const) {
    const { minified, compressed } = await measure(program, choice);
    // The limit holds for pages that choose their kernels; the other row shows what that choice is worth.
    const limit = choice === "chosen" ? limits[program] : undefined;
    const sizes = [minified, compressed].map((size) => `${size.toFixed(1)} KB`.padStart(11)).join("");
    console.log(
      `${program.padEnd(12)}${choice.padEnd(15)}${sizes}${limit === undefined ? "" : `${limit} KB`.padStart(8)}`,
    );
    if (limit !== undefined && compressed > limit) {
      console.error(`${program} is over its limit of ${limit} KB.`);
      process.exitCode = 1;
    }
  }
}
