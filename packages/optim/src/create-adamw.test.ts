import { readFileSync } from "node:fs";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import { beforeEach, expect, test } from "vitest";
import type { AdamW } from "./adamw.ts";
import { createAdamW } from "./create-adamw.ts";

interface TorchRun {
  readonly betas: [number, number];
  readonly epsilon: number;
  readonly weightDecay: number;
  readonly rates: number[];
  readonly scales: number[];
  readonly result: Record<string, { weights: number[]; first: number[]; second: number[] }>;
}
const reference = new URL("../test/torch_adamw.json", import.meta.url);
const torch: { shapes: Record<string, number[]>; runs: TorchRun[] } = JSON.parse(readFileSync(reference, "utf8"));
const names = Object.keys(torch.shapes);

const fill = (shape: number[], number: (i: number) => number) =>
  tf.tensor(
    Float32Array.from({ length: tf.util.sizeFromShape(shape) }, (_, i) => number(i)),
    shape,
  );

/** The start of `test/torch_adamw.py`. */
function createVariables() {
  const start = (i: number) => (((i * 29 + 7) % 31) - 15) / 16;
  return Object.fromEntries(names.map((name) => [name, tf.variable(fill(torch.shapes[name]!, start))]));
}

/** The gradients of `test/torch_adamw.py`. */
function gradientsAt(step: number) {
  const gradient = (index: number) => (i: number) => (((i * 37 + step * 11 + index * 5) % 23) - 11) / 8;
  return Object.fromEntries(names.map((name, index) => [name, fill(torch.shapes[name]!, gradient(index))]));
}

function takeSteps(optimizer: AdamW, from: number, to: number, options?: Parameters<AdamW["step"]>[1]) {
  tf.tidy(() => {
    for (let step = from; step < to; step++) optimizer.step(gradientsAt(step), options);
  });
}

/** Compares in units of float32's relative precision at the wanted value, or at `floor` where that is larger. */
function expectNear(got: ArrayLike<number>, wanted: ArrayLike<number>, units: number, floor: number) {
  expect(got.length).toBe(wanted.length);
  const errors = Array.from(got, (value, i) => Math.abs(value - wanted[i]!) / Math.max(floor, Math.abs(wanted[i]!)));
  expect(Math.max(...errors)).toBeLessThanOrEqual(units * 2 ** -24);
}

beforeEach(async () => {
  tf.disposeVariables();
  await tf.setBackend("cpu");
});

const cases = ["cpu", "wasm"].flatMap((backend) => torch.runs.map((run, i) => [backend, i, run] as const));
test.each(cases)("%s: run %i ends as in PyTorch", async (backend, _i, run) => {
  await tf.setBackend(backend);
  const variables = createVariables();
  const { betas, epsilon, weightDecay, rates, scales } = run;
  const optimizer = createAdamW(variables, { betas, epsilon, weightDecay });
  for (const [step, learningRate] of rates.entries()) {
    takeSteps(optimizer, step, step + 1, { learningRate, gradientScale: scales[step]! });
  }
  expect(optimizer.stepCount).toBe(rates.length);
  const { moments } = await optimizer.exportState();
  for (const name of names) {
    const { weights, first, second } = run.result[name]!;
    expectNear(variables[name]!.dataSync(), weights, 4, 1);
    expectNear(moments[name]!.first, first, 4, 0.125);
    expectNear(moments[name]!.second, second, 8, 2 ** -20);
    expect(moments[name]!.shape).toEqual(torch.shapes[name]);
  }
});

test("the defaults are PyTorch's: rate 1e-3, betas 0.9 and 0.999, epsilon 1e-8, decay 0.01", () => {
  const [plain, explicit] = [createVariables(), createVariables()];
  takeSteps(createAdamW(plain), 0, 3);
  const options = { learningRate: 1e-3, betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0.01 } as const;
  takeSteps(createAdamW(explicit, options), 0, 3);
  for (const name of names) expect(plain[name]!.dataSync()).toEqual(explicit[name]!.dataSync());
});

test("the first step moves a weight by the rate against its gradient's sign, after the decay", () => {
  const variable = tf.variable(tf.tensor1d([2, 2, 2]));
  createAdamW({ variable }, { weightDecay: 0.5 }).step({ variable: tf.tensor1d([3, -1e-3, 0]) }, { learningRate: 0.1 });
  const [down, up, still] = variable.dataSync();
  expect(down).toBeCloseTo(1.9 - 0.1, 6);
  expect(up).toBeCloseTo(1.9 + 0.1, 5);
  expect(still).toBeCloseTo(1.9, 6);
});

test("a run continued from an exported state equals an uninterrupted one, bit for bit", async () => {
  const whole = createVariables();
  const wholeOptimizer = createAdamW(whole, { learningRate: 0.01 });
  takeSteps(wholeOptimizer, 0, 6);

  const before = createVariables();
  const first = createAdamW(before, { learningRate: 0.01 });
  takeSteps(first, 0, 2);
  const state = await first.exportState();
  expect(state.step).toBe(2);
  const after = Object.fromEntries(names.map((name) => [name, tf.variable(before[name]!)]));
  const second = createAdamW(after, { learningRate: 0.01 });
  takeSteps(second, 3, 4); // what was there before the import does not matter
  for (const name of names) after[name]!.assign(before[name]!);
  second.importState(state);
  expect(second.stepCount).toBe(2);
  takeSteps(second, 2, 6);
  for (const name of names) expect(after[name]!.dataSync()).toEqual(whole[name]!.dataSync());
  expect(await second.exportState()).toEqual(await wholeOptimizer.exportState());
});

test("an exported state is a copy, and so is an imported one", async () => {
  const optimizer = createAdamW(createVariables());
  takeSteps(optimizer, 0, 1);
  const exported = optimizer.exportState();
  takeSteps(optimizer, 1, 2); // while the export is under way
  const state = await exported;
  expect(state.step).toBe(1);
  expectNear(state.moments.scalar!.first, [0.1 * gradientsAt(0).scalar!.dataSync()[0]!], 1, 0);
  const later = await optimizer.exportState();
  const value = later.moments.scalar!.first[0]!;
  later.moments.scalar!.first.fill(99);
  expect((await optimizer.exportState()).moments.scalar!.first[0]).toBe(value);
  later.moments.scalar!.first.fill(3);
  optimizer.importState(later);
  later.moments.scalar!.first.fill(99);
  expect((await optimizer.exportState()).moments.scalar!.first[0]).toBe(3);
});

test("steps and state keep the number of tensors; dispose frees the moments and nothing else", async () => {
  const before = tf.memory().numTensors;
  const variables = createVariables();
  let optimizer!: AdamW;
  tf.tidy(() => {
    optimizer = createAdamW(variables);
  });
  const alive = tf.memory().numTensors;
  takeSteps(optimizer, 0, 3, { gradientScale: 0.5 });
  expect(tf.memory().numTensors).toBe(alive);
  optimizer.importState(await optimizer.exportState());
  takeSteps(optimizer, 0, 1);
  expect(tf.memory().numTensors).toBe(alive);
  const gradients = gradientsAt(0);
  optimizer.step(gradients);
  expect(gradients.matrix!.isDisposed).toBe(false);
  tf.dispose(gradients);
  optimizer.dispose();
  optimizer.dispose();
  expect(tf.memory().numTensors).toBe(alive - 2 * names.length);
  expect(variables.matrix!.isDisposed).toBe(false);
  tf.dispose(variables);
  expect(tf.memory().numTensors).toBeLessThanOrEqual(before + names.length); // the sources of the variables
});

test("composed of core operations, a step takes 13 kernels a variable, 14 with a gradient scale", async () => {
  const count = async (options?: Parameters<AdamW["step"]>[1]) => {
    const optimizer = createAdamW(createVariables());
    const gradients = gradientsAt(0);
    const { kernels } = await tf.profile(() => optimizer.step(gradients, options));
    // The composed form itself is listed under its name, beside what it is made of.
    return kernels.filter(({ name }) => name !== "OpdAdamW").length / names.length;
  };
  expect(await count()).toBe(13);
  expect(await count({ gradientScale: 0.5 })).toBe(14);
});

test("gradients of other names or shapes are refused before anything changes", () => {
  const variable = tf.variable(tf.tensor2d([[1, 2]]));
  const other = tf.variable(tf.tensor1d([1]));
  const optimizer = createAdamW({ variable, other });
  const good = { variable: tf.tensor2d([[1, 1]]), other: tf.tensor1d([1]) };
  expect(() => optimizer.step({ variable: good.variable })).toThrow(/optim\.step: there is no gradient for "other"/);
  expect(() => optimizer.step({ ...good, bias: good.other })).toThrow(/a gradient for "bias", which is unknown/);
  expect(() => optimizer.step({ ...good, variable: tf.tensor1d([1, 1]) })).toThrow(
    /the gradient for "variable" must have shape \[1, 2\], got \[2\]/,
  );
  expect(() => optimizer.step(good, { learningRate: Number.NaN })).toThrow(
    /`learningRate` must be a finite number, got NaN/,
  );
  expect(() => optimizer.step(good, { learningRate: -1 })).toThrow(
    /`learningRate` must be a finite number from 0, got -1/,
  );
  expect(() => optimizer.step(good, { gradientScale: Number.POSITIVE_INFINITY })).toThrow(
    /`gradientScale` must be a finite number, got Infinity/,
  );
  expect(optimizer.stepCount).toBe(0);
  expect([...variable.dataSync()]).toEqual([1, 2]);
});

test("a state of other names, shapes or lengths is refused before anything changes", async () => {
  const optimizer = createAdamW(createVariables());
  takeSteps(optimizer, 0, 1);
  const state = await optimizer.exportState();
  const { matrix, ...rest } = state.moments;
  const changed = (change: object) => ({ ...state, moments: { ...state.moments, matrix: { ...matrix!, ...change } } });
  expect(() => optimizer.importState({ ...state, moments: rest })).toThrow(
    /optim\.importState: there is no moment for "matrix"/,
  );
  expect(() => optimizer.importState({ ...state, moments: { ...state.moments, x: matrix! } })).toThrow(
    /moment for "x"/,
  );
  expect(() => optimizer.importState(changed({ shape: [5, 3] }))).toThrow(/must have shape \[3, 5\], got \[5, 3\]/);
  expect(() => optimizer.importState(changed({ second: new Float32Array(14) }))).toThrow(
    /`second` of "matrix" must hold 15 numbers, got 14/,
  );
  expect(() => optimizer.importState({ ...state, step: -1 })).toThrow(/`step` must be an integer from 0, got -1/);
  expect(await optimizer.exportState()).toEqual(state);
});

test("options out of range, no variables and use after dispose are refused", async () => {
  const variables = createVariables();
  expect(() => createAdamW({})).toThrow(/optim\.createAdamW: `variables` is empty/);
  expect(() => createAdamW(variables, { betas: [1, 0.9] })).toThrow(/`betas\[0\]` must be from 0, below 1, got 1/);
  expect(() => createAdamW(variables, { epsilon: -1 })).toThrow(/`epsilon` must be a finite number from 0, got -1/);
  expect(() => createAdamW(variables, { weightDecay: Number.NaN })).toThrow(/`weightDecay` must be .* got NaN/);
  expect(() => createAdamW(variables, { learningRate: Number.POSITIVE_INFINITY })).toThrow(/`learningRate` must be/);
  const optimizer = createAdamW(variables);
  optimizer.dispose();
  expect(() => optimizer.step(gradientsAt(0))).toThrow(/optim\.step: the optimiser was disposed/);
  expect(() => optimizer.importState({ step: 0, moments: {} })).toThrow(/was disposed/);
  await expect(optimizer.exportState()).rejects.toMatchObject({ code: "disposed" });
});
