/**
 * Whether training on WebGPU ends where it ends on wasm: both learn from the same completions, which a run on wasm sampled, with
 * the same optimiser and frozen teacher; then both students answer the same held-out scenes, on wasm. What rounding alone does
 * in so many steps shows a third run, on wasm in micro-batches of half the size. Run it with
 * `node scripts/run.mjs bench/webgpu-accuracy.ts [--model DIR] [--steps N] [--batch N] [--evaluate N] [--seed N]` where Node
 * finds a Vulkan driver (or Metal, or Direct3D 12).
 */
import { closeWasmBackend, openWasmBackend } from "@imagine-opd/backend-wasm";
import { closeWebgpuBackend, openWebgpuBackend } from "@imagine-opd/backend-webgpu";
import {
  chooseCrop,
  createProgress,
  createSceneSource,
  openCheckpointDirectory,
  readCheckpointPrompts,
} from "@imagine-opd/command-line";
import { createTeacher } from "@imagine-opd/privileged-teacher";
import type { ExampleSource, RgbImage } from "@imagine-opd/protocol";
import { createTrainer, deviate, getPreset } from "@imagine-opd/trainer";
import * as tf from "@tensorflow/tfjs-core";
import { Command } from "commander";
import { experimentScenes } from "../apps/train-node/src/experiment/arm.ts";
import { maxCompletion, measureScenes } from "../apps/train-node/src/scenes/measure-scenes.ts";
import { type StartOptions, startCommand } from "../apps/train-node/src/start-options.ts";
import { replayRollouts } from "../goldens/replay-rollouts.ts";
import { printTable } from "./python-peer.ts";

const { model, ...numbers } = new Command("webgpu-accuracy")
  .option("--model <dir>", "what both begin from", "apps/train-node/base-model")
  .option("--steps <n>", "optimiser steps", Number, 100)
  .option("--batch <n>", "scenes of a step", Number, 8)
  .option("--evaluate <n>", "held-out scenes", Number, 500)
  .option("--seed <n>", "decides scenes, their order and every sampled token", Number, 0)
  .parse()
  .opts<{ model: string } & Record<"steps" | "batch" | "evaluate" | "seed", number>>();
const { steps, batch, evaluate, seed } = numbers;

// The scenes of the main job and its form of the objective.
const scenes = experimentScenes({ ...startCommand().opts<StartOptions>(), evaluate, seed });
const changes = ["divergence=reverse-kl", "lr=5e-4", "warmup=20", "reveal=views", `maxTokens=${maxCompletion}`];
const { settings, teacher: teacherKind } = deviate(getPreset("imagine-opd"), changes).preset;
const templates = readCheckpointPrompts(model);

/** What was said about a picture, by its key. */
type Completions = ReadonlyMap<string, Int32Array>;

interface Training {
  readonly losses: readonly number[];
  readonly completions: Completions;
  readonly weights: Readonly<Record<string, tf.TypedArray>>;
  readonly seconds: number;
}

const openStudent = () => openCheckpointDirectory(model, { trainable: { kind: "full", vision: "trainable" } });

/** Trains on completions that were made before, or on the student's own. */
async function trainStudent(label: string, said?: Completions, microBatchSize = batch): Promise<Training> {
  const student = await openStudent();
  const { processor } = student;
  const policy =
    said === undefined ? student.policy : replayRollouts(student.policy, ({ patches }) => said.get(patches[0]!.key)!);
  const keyOf = (image: RgbImage) =>
    processor.encode([{ role: "user", content: [{ type: "image", image }] }]).patches[0]!.key;
  const source = createSceneSource(scenes.train(batch * steps), chooseCrop({}, student));
  const keys = new Map<string, string>();
  const load: ExampleSource["load"] = async (index, signal) => {
    const example = await source.load(index, signal);
    keys.set(example.id, keyOf(example.images[0]!));
    return example;
  };
  const teacher = createTeacher(policy, teacherKind);
  const trainer = createTrainer({
    policy,
    processor,
    teacher,
    examples: { ...source, load },
    settings: { ...settings, templates, batchSize: batch, microBatchSize, seed },
  });
  const [losses, completions, started] = [[] as number[], new Map<string, Int32Array>(), performance.now()];
  const progress = createProgress(label, steps);
  while (trainer.step < steps) {
    const { metrics, rollouts } = await trainer.next();
    losses.push(metrics.optimiser!.loss!);
    for (const { recordId, tokenIds } of rollouts) completions.set(keys.get(recordId)!, Int32Array.from(tokenIds));
    progress.update(trainer.step, `loss ${losses.at(-1)!.toFixed(5)}`);
  }
  progress.stop();
  const seconds = (performance.now() - started) / 1000;
  const read = async ([name, weight]: [string, tf.Variable]) => [name, await weight.data()] as const;
  const weights = Object.fromEntries(await Promise.all(Object.entries(policy.trainable).map(read)));
  trainer.dispose();
  teacher.dispose();
  student.dispose();
  return { losses, completions, weights, seconds };
}

/** Refuses to compare what did not learn from the same tokens. */
function requireSame(replayed: Completions, said: Completions): void {
  for (const [key, tokens] of said)
    if (replayed.get(key)?.join() !== tokens.join()) throw new Error("a replay said something else than was recorded");
}

/** Answers of the untrained model and of each trained one. */
async function evaluateStudents(trainings: Readonly<Record<string, Training>>) {
  const student = await openStudent();
  const source = createSceneSource(scenes.heldOut, chooseCrop({}, student));
  const measure = async (label: string) => {
    const progress = createProgress(label, evaluate);
    const onProgress = (done: number) => progress.update(done);
    const { correct, total, accuracy, interval, samples } = await measureScenes(student, source, {
      mode: "imagine",
      templates,
      onProgress,
    });
    progress.stop();
    return { student: label, correct, total, accuracy, interval, texts: samples.map(({ text }) => text) };
  };
  const measured = [await measure("untrained")];
  for (const [label, { weights }] of Object.entries(trainings)) {
    for (const [name, weight] of Object.entries(student.policy.trainable))
      tf.tidy(() => weight.assign(tf.tensor(weights[name]!, weight.shape)));
    measured.push(await measure(`trained on ${label}`));
  }
  student.dispose();
  return measured;
}

await openWasmBackend();
const { completions } = await trainStudent("sampling on wasm");
const wasm = await trainStudent("replay on wasm", completions);
const rounded = await trainStudent("replay on wasm, half micro-batches", completions, Math.ceil(batch / 2));
closeWasmBackend();
const { adapter } = await openWebgpuBackend();
// Dawn asks the device for news at every turn of Node's event loop, which takes the processor from an adapter that is one.
const poll = (ask: () => void) => setTimeout(ask, 2);
if (adapter.software) Object.assign(globalThis, { setImmediate: poll });
const webgpu = await trainStudent("replay on webgpu", completions);
closeWebgpuBackend();
for (const { completions: replayed } of [wasm, rounded, webgpu]) requireSame(replayed, completions);
await openWasmBackend();
const measured = await evaluateStudents({ wasm, "wasm, half micro-batches": rounded, webgpu });

/** By how much a training's losses differ from those on wasm, relative. */
const differences = ({ losses }: Training) =>
  wasm.losses.map((loss, i) => Math.abs(losses[i]! - loss) / Math.abs(loss));
const [lossErrors, roundingErrors] = [differences(webgpu), differences(rounded)];
const [, onWasm, onRounded, onWebgpu] = measured;
const countSame = (texts: readonly string[]) => onWasm!.texts.filter((text, i) => text === texts[i]).length;
const [sameAnswers, sameRounded] = [countSame(onWebgpu!.texts), countSame(onRounded!.texts)];
const { low, high } = onWasm!.interval;
const withinInterval = low <= onWebgpu!.accuracy && onWebgpu!.accuracy <= high;
const name = [adapter.description, adapter.device, adapter.architecture].filter(Boolean).join(", ");
console.error(`adapter: ${name}; ${steps} steps of ${batch} scenes, ${evaluate} held-out scenes`);
printTable(
  ["step", "loss on wasm", "on webgpu", "relative difference", "of half micro-batches"],
  lossErrors.flatMap((error, i) =>
    i < 5 || error === Math.max(...lossErrors.slice(5)) || roundingErrors[i] === Math.max(...roundingErrors.slice(5))
      ? [
          [
            String(i + 1),
            ...[wasm, webgpu].map(({ losses }) => losses[i]!.toFixed(6)),
            ...[error, roundingErrors[i]!].map((each) => each.toExponential(1)),
          ],
        ]
      : [],
  ),
);
/** Median and largest of a range of steps. */
function describeRange(errors: readonly number[], from: number, to: number): string {
  const sorted = errors.slice(from - 1, to).sort((x, y) => x - y);
  const middle = (sorted[Math.floor((sorted.length - 1) / 2)]! + sorted[Math.floor(sorted.length / 2)]!) / 2;
  return `${middle.toExponential(1)} (${sorted.at(-1)!.toExponential(1)})`;
}
const half = Math.floor(steps / 2);
const ranges = [
  [1, Math.min(5, steps)],
  [6, half],
  [Math.max(6, half + 1), steps],
] as const;
printTable(
  ["steps", "webgpu, median (largest)", "half micro-batches, median (largest)"],
  ranges
    .filter(([from, to]) => from <= to)
    .map(([from, to]) => [
      `${from} to ${to}`,
      ...[lossErrors, roundingErrors].map((errors) => describeRange(errors, from, to)),
    ]),
);
printTable(
  ["student", "right", "accuracy", "95 % interval"],
  measured.map(({ student, correct, total, accuracy, interval }) => [
    student,
    `${correct} of ${total}`,
    accuracy.toFixed(3),
    `${interval.low.toFixed(3)} to ${interval.high.toFixed(3)}`,
  ]),
);
console.error(
  `answers equal to wasm's: ${sameAnswers} on webgpu, ${sameRounded} in half micro-batches; within its interval: ${withinInterval}`,
);
console.log(
  JSON.stringify({
    bench: "webgpu-accuracy",
    adapter,
    ...numbers,
    lossErrors,
    roundingErrors,
    seconds: { wasm: wasm.seconds, webgpu: webgpu.seconds },
    students: measured.map(({ texts, ...rest }) => rest),
    sameAnswers,
    sameRounded,
    withinInterval,
  }),
);
process.exit(0);
