// Imagine-OPD by hand, without the trainer: one file that shows the whole algorithm (arXiv 2606.08719).
// Run it on the data and the checkpoint that `npm start` makes:
//   npm run minimal-loop -- --model data/tiny-random-seed0 --scenes data/scenes-seed0-160-64 --steps 5
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openWasmBackend } from "@imagine-opd/backend-wasm";
import { type DistillationResult, sampledReverseKlThroughHead } from "@imagine-opd/distillation-loss";
import { decodeImage, openDirectory, writeDirectory } from "@imagine-opd/host/node";
import { clipScale, createAdamW, globalNorm } from "@imagine-opd/optim";
import { createTeacher, pairContexts, studentPrompt, teacherPrompt } from "@imagine-opd/privileged-teacher";
import type { Example } from "@imagine-opd/protocol";
import { cropRegions } from "@imagine-opd/region-cropper";
import { type RegionRecord, readVisualCot } from "@imagine-opd/region-datasets";
import { sampleRollouts } from "@imagine-opd/rollout-sampler";
import { openModel, saveCheckpoint } from "@imagine-opd/vision-language-model";
import * as tf from "@tensorflow/tfjs-core";

const { values: options } = parseArgs({
  options: {
    model: { type: "string" },
    scenes: { type: "string" },
    out: { type: "string" },
    steps: { type: "string", default: "5" },
    batch: { type: "string", default: "4" },
    lr: { type: "string", default: "1e-4" },
    "max-tokens": { type: "string", default: "24" },
  },
});
if (options.model === undefined || options.scenes === undefined) {
  console.error(
    "usage: minimal-loop --model DIR --scenes DIR [--out DIR] [--steps N] [--batch N] [--lr X] [--max-tokens N]",
  );
  process.exit(2);
}

await openWasmBackend();
const { policy, processor, ...model } = await openModel(openDirectory(options.model), {
  trainable: { kind: "full", vision: "frozen" },
});

// 1. Data: pictures with annotated regions; each region becomes a zoomed evidence view.
const lines = (await readFile(join(options.scenes, "train.jsonl"), "utf8")).split("\n");
const { records } = await readVisualCot(lines);
const tile = processor.imageSettings.tileSize;

async function loadExample(record: RegionRecord): Promise<Example> {
  const { image } = await decodeImage(join(options.scenes!, "images", record.images[0]!.ref));
  const { views } = cropRegions(image, record.regions, {
    shape: "square",
    output: { kind: "fixed", width: tile, height: tile },
  });
  return {
    id: record.id,
    images: [image],
    question: record.question,
    ...(record.answer && { answer: record.answer.text }),
    views: views.map((view) => view.image),
  };
}

// 2. The teacher is the same model with its weights frozen as they are now.
const teacher = createTeacher(policy, { kind: "frozen", from: "snapshot" });
const optimizer = createAdamW(policy.trainable, { weightDecay: 0.01 });
const nameOf = new Map(Object.entries(policy.trainable).map(([name, variable]) => [variable.name, name]));
const batchSize = Number(options.batch);

for (let step = 1; step <= Number(options.steps); step++) {
  const batch = Array.from({ length: batchSize }, (_, i) => records[((step - 1) * batchSize + i) % records.length]!);
  const examples = await Promise.all(batch.map(loadExample));
  const studentPrompts = examples.map((example) => studentPrompt(processor, example, { imagination: "on" }));
  const reveal = { evidence: true, groundTruth: true };
  const teacherPrompts = examples.map((example) => teacherPrompt(processor, example, { reveal }));
  // Student and teacher look at the same picture first; its features are computed once.
  const features = policy.encodeImages([...studentPrompts, ...teacherPrompts].flatMap(({ patches }) => [...patches]));

  // 3. The student samples its own rollout from the plain prompt.
  const rollouts = await sampleRollouts(
    policy,
    examples.map(({ id }, i) => ({ recordId: id, prompt: studentPrompts[i]! })),
    {
      stopTokenIds: processor.stopTokenIds,
      bannedTokenIds: processor.placeholderTokenIds,
      tokenLimit: processor.tokenCount,
      maxTokens: Number(options["max-tokens"]),
      seed: 0,
      step,
      features,
    },
  );

  // 4. The teacher scores exactly those tokens under the privileged prompt.
  const { placeholderTokenIds } = processor;
  const contexts = pairContexts(rollouts, teacherPrompts, { placeholderTokenIds, contextLength: policy.contextLength });
  const { logProbs: teacherLogProbs } = await teacher.score(contexts, { want: "sampled", features });

  // 5. Per-token reverse KL: advantage = log-prob(teacher) − log-prob(student), without gradient.
  const tokens = Int32Array.from(rollouts.flatMap(({ completion }) => [...completion]));
  let result: DistillationResult | undefined;
  const { value, grads } = tf.variableGrads(() => {
    const states = policy.completionStates(rollouts, { features });
    result = sampledReverseKlThroughHead(states, {
      head: policy.head,
      trainable: policy.trainable,
      tokens,
      teacherLogProbs,
    });
    return result.loss;
  }, Object.values(policy.trainable));

  // 6. Clip, update.
  const gradients = Object.fromEntries(Object.entries(grads).map(([name, gradient]) => [nameOf.get(name)!, gradient]));
  const norm = await globalNorm(gradients);
  optimizer.step(gradients, { learningRate: Number(options.lr), gradientScale: clipScale(norm, 1) });
  teacher.afterUpdate();

  const { values: k1 } = await result!.readTokens();
  const mean = k1.reduce((sum, ratio) => sum + ratio, 0) / k1.length;
  console.log(
    `step ${step}: k1 ${mean.toFixed(5)} nats/token over ${k1.length} tokens, gradient norm ${norm.toPrecision(3)}`,
  );
  features.dispose();
  tf.dispose([value, ...Object.values(grads)]);
}

if (options.out !== undefined)
  await writeDirectory(options.out, (sink) => saveCheckpoint({ policy, processor, ...model }, sink));
optimizer.dispose();
teacher.dispose();
policy.dispose();
