/**
 * What one Imagine-OPD step costs with the tiny random model, against the length of the completions, the batch, the number
 * of evidence views and the decoder's layers; one varies at a time. Run it with
 * `node scripts/run.mjs bench/cost-curves.ts [--backend NAME]`.
 */
import { openBackend } from "@imagine-opd/command-line";
import { createTeacher } from "@imagine-opd/privileged-teacher";
import type { Example, Processor } from "@imagine-opd/protocol";
import { memoryFiles } from "@imagine-opd/test-kit";
import { createTrainer, presets, type TrainSettings } from "@imagine-opd/trainer";
import { openModel, readModelConfig, writeRandomWeights } from "@imagine-opd/vision-language-model";
import { tinyTile, writeTinyCheckpoint } from "../apps/train-node/src/tiny-model/write-tiny-checkpoint.ts";
import { type BenchCommandOptions, benchCommand, fitLine } from "./measure.ts";
import { noisePicture } from "./noise-picture.ts";
import { printTable } from "./python-peer.ts";

interface Point {
  readonly completion: number;
  readonly batch: number;
  readonly views: number;
  readonly layers: number;
}

const base: Point = { completion: 16, batch: 4, views: 1, layers: 3 };
const curves: { readonly [Name in keyof Point]: readonly number[] } = {
  completion: [8, 16, 32, 64],
  batch: [1, 2, 4, 8],
  views: [1, 2, 3, 4],
  layers: [1, 2, 4, 8],
};
const steps = 5;

async function openTinyModel(layers: number) {
  const files = memoryFiles();
  await writeTinyCheckpoint(files, { seed: 0 });
  const config = JSON.parse(new TextDecoder().decode(files.contents.get("config.json")));
  config.text_config.num_hidden_layers = layers;
  await files.write("config.json", JSON.stringify(config));
  await writeRandomWeights(files, readModelConfig(config), { seed: 0 });
  return openModel(files, { trainable: { kind: "full", vision: "frozen" } });
}

function makeExample(index: number, views: number): Example {
  return {
    id: String(index),
    images: [noisePicture(tinyTile, index)],
    question: "what digit is on the red circle sign ?",
    answer: "7",
    views: Array.from({ length: views }, (_, view) => noisePicture(tinyTile, 1000 * (view + 1) + index)),
  };
}

/** Milliseconds of a step, the shortest of several after one to warm up, and of its parts. */
async function measure({ completion, batch, views, layers }: Point) {
  const model = await openTinyModel(layers);
  const teacher = createTeacher(model.policy, { kind: "frozen", from: "snapshot" });
  // No token ends a completion, so that all have the length that is asked for.
  const processor: Processor = { ...model.processor, stopTokenIds: [] };
  const settings: TrainSettings = {
    ...presets["imagine-opd"].settings,
    sampling: { temperature: 1, maxTokens: completion, rolloutsPerPrompt: 1 },
    batchSize: batch,
    microBatchSize: batch,
    seed: 0,
  };
  const size = batch * (steps + 1);
  const load = async (index: number) => makeExample(index, views);
  const examples = { size, fingerprint: "noise", load };
  const trainer = createTrainer({ policy: model.policy, processor, teacher, examples, settings });
  const times: Record<string, number>[] = [];
  for (let step = 0; step <= steps; step++) {
    const { metrics, rollouts } = await trainer.next();
    if (rollouts.some(({ tokenIds }) => tokenIds.length !== completion)) throw new Error("a completion ended early");
    const { seconds, rolloutSeconds, teacherSeconds, updateSeconds } = metrics.system as Record<string, number>;
    times.push({ step: seconds!, rollout: rolloutSeconds!, teacher: teacherSeconds!, update: updateSeconds! });
  }
  trainer.dispose();
  teacher.dispose();
  model.dispose();
  const best = times.slice(1).reduce((a, b) => (b.step! < a.step! ? b : a));
  return Object.fromEntries(Object.entries(best).map(([name, seconds]) => [name, 1000 * seconds]));
}

const { backend } = benchCommand("cost-curves").parse().opts<BenchCommandOptions>();
await openBackend(backend);
await measure(base); // the first kernels of a process are slow

const results: Record<string, unknown> = {};
for (const [name, values] of Object.entries(curves)) {
  const points: { readonly value: number; readonly milliseconds: Record<string, number> }[] = [];
  for (const value of values) points.push({ value, milliseconds: await measure({ ...base, [name]: value }) });
  const line = fitLine(points.map(({ value, milliseconds }) => [value, milliseconds.step!]));
  results[name] = { points, line };
  printTable(
    [name, "step ms", "rollout", "teacher", "update"],
    points.map(({ value, milliseconds }) => [
      String(value),
      ...["step", "rollout", "teacher", "update"].map((part) => milliseconds[part]!.toFixed(0)),
    ]),
  );
  const { intercept, slope, rSquared } = line;
  console.error(`${intercept.toFixed(0)} ms + ${slope.toFixed(1)} ms × ${name} (R² ${rSquared.toFixed(3)})\n`);
}
console.log(JSON.stringify({ bench: "cost-curves", backend, base, steps, results }));
