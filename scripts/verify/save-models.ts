// Trains the tiny checkpoints for a few steps, saves them in every way and writes beside them what they compute then:
// node scripts/run.mjs scripts/verify/save-models.ts DIR, from the root. saved_logits.py opens the same files in Python.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { openWasmBackend } from "@imagine-opd/backend-wasm";
import { crossEntropyThroughHead } from "@imagine-opd/distillation-loss";
import { decodeImage, openDirectory, writeDirectory } from "@imagine-opd/host/node";
import { createAdamW } from "@imagine-opd/optim";
import type { FileSink } from "@imagine-opd/protocol";
import type { ScoredSequence } from "@imagine-opd/protocol/policy";
import {
  type OpenModelOptions,
  openModel,
  saveAdapter,
  saveCheckpoint,
  type VisionLanguageModel,
} from "@imagine-opd/vision-language-model";
import * as tf from "@tensorflow/tfjs-core";

const out = process.argv[2]!;
const fixtures = "goldens/fixtures";
const question = "What is left of the 2 stones?";
const images = ["a.png", "mode_P.png", "turned.jpg"].map((file) => join(fixtures, "common/images", file));
const completion = Int32Array.of(70, 101, 12, 300, 44, 261, 9, 187);

/** One way of training and saving: what trains, and where the whole weights and the adapter are found afterwards. */
interface Way {
  readonly name: string;
  readonly options: (checkpoint: string) => OpenModelOptions;
  readonly save: "F32 checkpoint" | "BF16 checkpoint" | "adapter";
}

const full = { trainable: { kind: "full", vision: "trainable" } } as const;
const targetModules = ["q_proj", "o_proj", "fc1", "down_proj", "proj"];
const ways: readonly Way[] = [
  { name: "every weight", options: () => full, save: "F32 checkpoint" },
  { name: "every weight, as BF16", options: () => full, save: "BF16 checkpoint" },
  {
    name: "fresh LoRA",
    options: () => ({ trainable: { kind: "lora", rank: 3, alpha: 6, targetModules, seed: 5 } }),
    save: "adapter",
  },
  {
    name: "loaded adapter",
    options: (checkpoint) => ({
      trainable: { kind: "adapter" },
      adapter: openDirectory(join(checkpoint, "adapter")),
    }),
    save: "adapter",
  },
];

async function encodeSequence(model: VisionLanguageModel): Promise<ScoredSequence> {
  const pictures = await Promise.all(images.map(async (file) => (await decodeImage(file)).image));
  const content = [
    ...pictures.map((image) => ({ type: "image" as const, image })),
    { type: "text" as const, text: question },
  ];
  return { prompt: model.processor.encode([{ role: "user", content }]), completion };
}

/** Three steps of supervised training: every trainable weight moves, and LoRA's B leaves zero. */
function train({ policy }: VisionLanguageModel, sequence: ScoredSequence): void {
  const { head, trainable } = policy;
  const optimizer = createAdamW(trainable, { learningRate: 0.01 });
  for (let step = 0; step < 3; step++) {
    const { value, grads } = tf.variableGrads(() => {
      const states = policy.completionStates([sequence]);
      return crossEntropyThroughHead(states, { head, trainable, tokens: completion }).loss;
    }, Object.values(trainable));
    optimizer.step(
      Object.fromEntries(Object.entries(trainable).map(([name, variable]) => [name, grads[variable.name]!])),
    );
    tf.dispose([value, ...Object.values(grads)]);
  }
  optimizer.dispose();
}

/** `[T * V]` logits for the completion's tokens. */
function scoreCompletion({ policy }: VisionLanguageModel, sequence: ScoredSequence): number[] {
  return tf.tidy(() => Array.from(policy.head.logits(policy.completionStates([sequence])).dataSync()));
}

/** BF16 rounds the weights, so the logits to compare are those of the rounded ones, read back. */
async function scoreSaved(path: string, sequence: ScoredSequence): Promise<number[]> {
  const model = await openModel(openDirectory(path));
  const logits = scoreCompletion(model, sequence);
  model.dispose();
  return logits;
}

async function saveTrained(family: string, { name, options, save }: Way) {
  const checkpoint = join(fixtures, family);
  const path = join(out, `${family} ${name}`.replaceAll(/[ ,]+/g, "-"));
  const model = await openModel(openDirectory(checkpoint), options(checkpoint));
  const sequence = await encodeSequence(model);
  const before = scoreCompletion(model, sequence);
  train(model, sequence);
  const write = (sink: FileSink) =>
    save === "adapter"
      ? saveAdapter(model, sink, { baseModel: checkpoint })
      : saveCheckpoint(model, sink, { dtype: save === "BF16 checkpoint" ? "BF16" : "F32" });
  await writeDirectory(path, write);
  const logits = save === "BF16 checkpoint" ? await scoreSaved(path, sequence) : scoreCompletion(model, sequence);
  model.dispose();
  const change = Math.max(...logits.map((logit, i) => Math.abs(logit - before[i]!)));
  if (!(change > 0.1)) throw new Error(`${family}, ${name}: training changed the logits by ${change} only`);
  const where = save === "adapter" ? { model: checkpoint, adapter: path } : { model: path };
  const promptTokenIds = [...sequence.prompt.tokenIds];
  return {
    name: `${family}, ${name}`,
    ...where,
    images,
    question,
    promptTokenIds,
    completion: [...completion],
    logits,
  };
}

await openWasmBackend();
const saved: unknown[] = [];
for (const family of ["idefics3", "smolvlm"]) {
  for (const way of ways) saved.push(await saveTrained(family, way));
}
writeFileSync(join(out, "saved.json"), JSON.stringify(saved));
