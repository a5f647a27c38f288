/**
 * The real dimensions: a model as large as SmolVLM-256M with random BF16 weights, written once to `.cache/smolvlm-256m`
 * (half a gigabyte). Loading, one answer, and one Imagine-OPD step on LoRA adapters with two evidence views, with the layers'
 * activations kept and recomputed; every part in a process of its own. Run it with
 * `node scripts/run.mjs bench/smolvlm-256m.ts [--backend NAME] [--max-tokens N]`.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { openBackend, openCheckpointDirectory } from "@imagine-opd/command-line";
import { writeDirectory } from "@imagine-opd/host/node";
import { createTeacher, studentPrompt } from "@imagine-opd/privileged-teacher";
import type { Example, Processor } from "@imagine-opd/protocol";
import { streamRollouts } from "@imagine-opd/rollout-sampler";
import { memoryFiles } from "@imagine-opd/test-kit";
import { createTrainer, presets } from "@imagine-opd/trainer";
import { readModelConfig, type VisionLanguageModel, writeRandomWeights } from "@imagine-opd/vision-language-model";
import * as tf from "@tensorflow/tfjs-core";
import { Option } from "commander";
import { writeTinyCheckpoint } from "../apps/train-node/src/tiny-model/write-tiny-checkpoint.ts";
import { type BenchCommandOptions, benchCommand, mebibytes } from "./measure.ts";
import { noisePicture } from "./noise-picture.ts";
import { printTable } from "./python-peer.ts";

const directory = ".cache/smolvlm-256m";
const tile = 512;
const parts = ["answer", "train, none", "train, layers"] as const;
type Part = (typeof parts)[number];

const dimensions = {
  text_config: {
    vocab_size: 49_280,
    hidden_size: 576,
    intermediate_size: 1536,
    num_hidden_layers: 30,
    num_attention_heads: 9,
    num_key_value_heads: 3,
    head_dim: 64,
    rms_norm_eps: 1e-5,
    rope_parameters: { rope_type: "default", rope_theta: 100_000 },
    max_position_embeddings: 8192,
  },
  vision_config: {
    hidden_size: 768,
    intermediate_size: 3072,
    num_hidden_layers: 12,
    num_attention_heads: 12,
    image_size: tile,
    patch_size: 16,
  },
};

/** The tiny model's tokenizer, whose ids are the first of the large vocabulary; pictures are one tile of 64 tokens. */
async function writeLargeCheckpoint(): Promise<void> {
  const tiny = memoryFiles();
  await writeTinyCheckpoint(tiny, { seed: 0 });
  const json = (name: string) => JSON.parse(new TextDecoder().decode(tiny.contents.get(name)));
  const { text_config: text, vision_config: vision, ...root } = json("config.json");
  const config = {
    ...root,
    scale_factor: 4,
    tie_word_embeddings: false,
    text_config: { ...text, ...dimensions.text_config, tie_word_embeddings: false },
    vision_config: { ...vision, ...dimensions.vision_config },
  };
  const size = { longest_edge: tile };
  await writeDirectory(directory, async (sink) => {
    for (const name of ["tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "generation_config.json"])
      await sink.write(name, tiny.contents.get(name)!);
    const images = { ...json("preprocessor_config.json"), size, max_image_size: size };
    await sink.write("preprocessor_config.json", JSON.stringify(images));
    await sink.write("processor_config.json", JSON.stringify({ ...json("processor_config.json"), image_seq_len: 64 }));
    await sink.write("config.json", JSON.stringify(config));
    await writeRandomWeights(sink, readModelConfig(config), { seed: 0, head: "untied", dtype: "BF16" });
  });
}

const example: Example = {
  id: "0",
  images: [noisePicture(tile, 0)],
  question: "what digit is on the red circle sign ?",
  answer: "7",
  views: [noisePicture(tile, 1), noisePicture(tile, 2)],
};

const seconds = (since: number): number => (performance.now() - since) / 1000;
const openLarge = (options: Parameters<typeof openCheckpointDirectory>[1]) =>
  openCheckpointDirectory(directory, { ...options, imageSplitting: "off" });

async function answer(maxTokens: number) {
  const started = performance.now();
  const { policy, processor, parameterCount } = await openLarge({});
  const loadSeconds = seconds(started);
  const prompt = studentPrompt(processor, example, { imagination: "on" });
  const asked = performance.now();
  const features = policy.encodeImages(prompt.patches);
  let firstTokenSeconds = 0;
  let tokens = 0;
  const options = { stopTokenIds: [], maxTokens, seed: 0, tokenLimit: processor.tokenCount, features };
  const sampling = { ...options, bannedTokenIds: processor.placeholderTokenIds };
  for await (const event of streamRollouts(policy, [{ recordId: "0", prompt }], sampling)) {
    if (event.type !== "token-sampled") continue;
    if (tokens === 0) firstTokenSeconds = seconds(asked);
    tokens += 1;
  }
  const tokensPerSecond = (tokens - 1) / (seconds(asked) - firstTokenSeconds);
  return { parameterCount, loadSeconds, promptTokens: prompt.tokenIds.length, firstTokenSeconds, tokensPerSecond };
}

async function trainOneStep(recompute: "none" | "layers", maxTokens: number) {
  const targetModules = /model\.text_model\..*\.(q|k|v|o|gate|up|down)_proj/.source;
  const trainable = { kind: "lora", rank: 16, alpha: 32, targetModules, seed: 0 } as const;
  const started = performance.now();
  const model: VisionLanguageModel = await openLarge({ trainable, recompute });
  const loadSeconds = seconds(started);
  const processor: Processor = { ...model.processor, stopTokenIds: [] };
  const trainer = createTrainer({
    policy: model.policy,
    processor,
    teacher: createTeacher(model.policy, { kind: "frozen", from: "base" }),
    examples: { size: 1, fingerprint: "noise", load: async () => example },
    settings: {
      ...presets["imagine-opd"].settings,
      sampling: { temperature: 1, maxTokens, rolloutsPerPrompt: 1 },
      batchSize: 1,
      microBatchSize: 1,
      seed: 0,
    },
  });
  const { metrics, applied } = await trainer.next();
  return { loadSeconds, applied, ...metrics.system, gradientNorm: metrics.optimiser?.gradientNorm };
}

type Outcome = Readonly<Record<string, unknown>>;

/** In a process of its own: memory starts empty, and running out of it ends only that process. */
function measureApart(part: Part, backend: string, maxTokens: string): Outcome {
  const words = ["--backend", backend, "--max-tokens", maxTokens, "--only", part];
  const { stdout, stderr, status } = spawnSync(process.execPath, [process.argv[1]!, ...words], { encoding: "utf8" });
  if (status === 0) return JSON.parse(stdout.trim().split("\n").at(-1)!);
  const reason = stderr.split("\n").find((line) => /memory|alloc|Error|abort/i.test(line)) ?? `exit code ${status}`;
  return { failed: reason.trim() };
}

interface Options extends BenchCommandOptions {
  readonly maxTokens: string;
  readonly only?: Part;
}

const { backend, maxTokens, only } = benchCommand("smolvlm-256m")
  .option("--max-tokens <n>", "length of the completion", "16")
  .addOption(new Option("--only <part>", "one part").choices(parts))
  .parse()
  .opts<Options>();

if (!existsSync(directory)) {
  console.error(`writing random weights to ${directory}`);
  await writeLargeCheckpoint();
}
if (only !== undefined) {
  const opened = await openBackend(backend);
  const tokens = Number(maxTokens);
  const result =
    only === "answer" ? await answer(tokens) : await trainOneStep(only === "train, none" ? "none" : "layers", tokens);
  const { wasm } = tf.backend() as unknown as { wasm?: { HEAPU8: Uint8Array } };
  const peakRssBytes = 1024 * process.resourceUsage().maxRSS;
  console.log(JSON.stringify({ backend: opened.name, ...result, peakRssBytes, heapBytes: wasm?.HEAPU8.byteLength }));
  process.exit(0);
}
const results = Object.fromEntries(parts.map((part) => [part, measureApart(part, backend, maxTokens)]));
const show = (value: unknown, name: string): string =>
  typeof value !== "number"
    ? String(value)
    : /bytes/i.test(name)
      ? `${mebibytes(value)} MiB`
      : String(Number(value.toPrecision(4)));
printTable(
  ["part", "measured", "value"],
  Object.entries(results).flatMap(([part, outcome]) =>
    Object.entries(outcome).map(([name, value]) => [part, name, show(value, name)]),
  ),
);
console.log(JSON.stringify({ bench: "smolvlm-256m", backend, maxTokens: Number(maxTokens), results }));
