/**
 * Where the time of an Imagine-OPD step and of decoding goes, kernel by kernel. Run it with
 * `node scripts/run.mjs bench/kernel-profile.ts [--backend NAME] [--work opd-step|decode] [--shapes]`.
 */
import { openBackend } from "@imagine-opd/command-line";
import { rawMessages } from "@imagine-opd/imagination-prompts";
import { sampleRollouts } from "@imagine-opd/rollout-sampler";
import * as tf from "@tensorflow/tfjs-core";
import { Option } from "commander";
import { type BenchCommandOptions, benchCommand } from "./measure.ts";
import { printTable } from "./python-peer.ts";
import { sceneExamples, withTinyModel } from "./tiny-batch.ts";
import { createTinyStep } from "./tiny-step.ts";

interface Share {
  count: number;
  /** Without the kernels that it ran itself. */
  milliseconds: number;
}

/** Time of every kernel while `record` runs. Kernels of the CPU backends end before they return. */
function timeKernels(describe: (name: string, inputs: tf.NamedTensorInfoMap) => string) {
  const shares = new Map<string, Share>();
  const backendName = tf.getBackend();
  let recording = false;
  /** Milliseconds of the kernels that the running ones called. */
  let nested = 0;
  for (const config of tf.getKernelsForBackend(backendName)) {
    const { kernelName: name, kernelFunc } = config;
    tf.unregisterKernel(name, backendName);
    tf.registerKernel({
      ...config,
      kernelFunc: (parameters) => {
        if (!recording) return kernelFunc(parameters);
        const outside = nested;
        nested = 0;
        const start = performance.now();
        const result = kernelFunc(parameters);
        const whole = performance.now() - start;
        const key = describe(name, parameters.inputs);
        const share = shares.get(key) ?? { count: 0, milliseconds: 0 };
        shares.set(key, { count: share.count + 1, milliseconds: share.milliseconds + whole - nested });
        nested = outside + whole;
        return result;
      },
    });
  }
  return {
    shares,
    async record(run: () => Promise<unknown>): Promise<number> {
      recording = true;
      const start = performance.now();
      await run();
      recording = false;
      return performance.now() - start;
    },
  };
}

const rounds = 5;
const { backend, work, shapes } = benchCommand("kernel-profile")
  .addOption(new Option("--work <name>", "what is profiled").choices(["opd-step", "decode"]).default("opd-step"))
  .option("--shapes", "tell kernels of different shapes apart")
  .parse()
  .opts<BenchCommandOptions & { readonly work: "opd-step" | "decode"; readonly shapes?: true }>();

/** What is profiled, once warmed up; one run after the other. */
type Work = (round: number) => Promise<unknown>;

await openBackend(backend);
await withTinyModel({ kind: "full", vision: "trainable" }, async (model) => {
  const { policy, processor } = model;
  const step = createTinyStep(model);
  const prompts = sceneExamples(32, 64).map(({ images, question }) => processor.encode(rawMessages(images, question)));
  const works: Readonly<Record<typeof work, Work>> = {
    "opd-step": (round) => step.run(round + 1),
    decode: () =>
      sampleRollouts(
        policy,
        prompts.map((prompt, i) => ({ recordId: String(i), prompt })),
        { stopTokenIds: [], bannedTokenIds: processor.placeholderTokenIds, maxTokens: 64, seed: 0, temperature: 0 },
      ),
  };
  // Composed operations are registered under their names at their first use.
  for (let round = 0; round < 2; round++) await works[work](round);
  const describe = (name: string, inputs: tf.NamedTensorInfoMap): string => {
    const list = Object.values(inputs).flat() as unknown as tf.TensorInfo[];
    return shapes ? `${name} ${list.map(({ shape }) => `[${shape}]`).join(" ")}` : name;
  };
  const { shares, record } = timeKernels(describe);
  let milliseconds = 0;
  for (let round = 0; round < rounds; round++) milliseconds += (await record(() => works[work](round + 2))) / rounds;
  step.dispose();

  const rows = [...shares]
    .map(([name, share]) => ({ name, count: share.count / rounds, milliseconds: share.milliseconds / rounds }))
    .sort((a, b) => b.milliseconds - a.milliseconds);
  const inside = rows.reduce((sum, row) => sum + row.milliseconds, 0);
  printTable(
    [`${work} on ${backend}`, "runs", "ms", "%"],
    [...rows.slice(0, 30), { name: "outside kernels", count: 1, milliseconds: milliseconds - inside }]
      .map((row) => [
        row.name,
        row.count.toFixed(0),
        row.milliseconds.toFixed(1),
        (100 * row.milliseconds) / milliseconds,
      ])
      .map((cells) => cells.map((cell) => (typeof cell === "number" ? cell.toFixed(1) : cell))),
  );
  console.log(
    JSON.stringify({ bench: "kernel-profile", backend, work, milliseconds, outside: milliseconds - inside, rows }),
  );
});
