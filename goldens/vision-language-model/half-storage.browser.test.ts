import { closeWebgpuBackend, openWebgpuBackend } from "@imagine-opd/backend-webgpu";
import { type Divergence, divergenceThroughHead } from "@imagine-opd/distillation-loss";
import { createAdamW } from "@imagine-opd/optim";
import type { FileSource } from "@imagine-opd/protocol";
import { type OpenModelOptions, openModel, type VisionLanguageModel } from "@imagine-opd/vision-language-model";
import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { browserFixtures } from "../browser-fixtures.ts";
import { expectGradient, largestDifference } from "../compare.ts";
import { families } from "../open-fixtures.ts";

const { caseMessages, openExpected, openFixture, readCases } = browserFixtures;
const jsd: Divergence = { kind: "jsd", beta: 0.5 };
const embedding = "model.text_model.embed_tokens.weight";
const positions = "model.vision_model.embeddings.position_embedding.weight";

beforeAll(async () => {
  await openWebgpuBackend();
});
afterAll(() => closeWebgpuBackend());

/** Of tensors alone: what commands not yet submitted keep is let go first. */
function bytesOnDevice(): number {
  const backend = tf.backend() as WebGPUBackend;
  backend.ensureCommandEncoderReady();
  backend.endComputePassEncoder();
  backend.submitQueue();
  return backend.memory().numBytesInGPU;
}

/** A checkpoint whose weights, BF16 as they are stored, are changed in place. */
async function changeWeights(
  files: FileSource,
  change: (name: string, bits: Uint16Array) => void,
): Promise<FileSource> {
  const bytes = (await files.read("model.safetensors")).slice();
  const start = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, start)));
  for (const [name, entry] of Object.entries<{ data_offsets: [number, number] }>(header)) {
    if (name === "__metadata__") continue;
    const [from, to] = entry.data_offsets;
    change(name, new Uint16Array(bytes.buffer, start + from, (to - from) / 2));
  }
  const read: FileSource["read"] = async (name, range) =>
    name === "model.safetensors" ? bytes.slice(range?.from, range?.to) : files.read(name, range);
  return { ...files, read };
}

/** To 16 bits and back, by the browser. A BF16 number loses low bits at most, so that it stays one. */
function roundToHalves(bits: Uint16Array): void {
  const { f16round } = Math as unknown as { f16round(value: number): number };
  const values = new Float32Array(Uint32Array.from(bits, (each) => each << 16).buffer);
  const rounded = new Uint32Array(values.map(f16round).buffer);
  rounded.forEach((each, i) => {
    expect(each & 0xffff).toBe(0);
    bits[i] = each >>> 16;
  });
}

const isMatrix = (shape: readonly number[], name: string) => shape.length > 1 && name !== positions;

describe.each(families)("%s with frozen weights in 16 bits", (family) => {
  let rounded: FileSource;
  beforeAll(async () => {
    const files = openFixture(family);
    const { weights, ...model } = await openModel(files);
    // A table that stays on the host is not rounded.
    const onHost = weights.shapes.has("lm_head.weight") ? [embedding] : [];
    rounded = await changeWeights(files, (name, bits) => {
      const shape = weights.shapes.get(name);
      if (shape !== undefined && isMatrix(shape, name) && !onHost.includes(name)) roundToHalves(bits);
    });
    model.dispose();
  });

  test("its matrices take two bytes a number on the device, all of which are given back", async () => {
    const before = { tensors: tf.memory().numTensors, bytes: bytesOnDevice() };
    const model = await openModel(openFixture(family), { frozenStorage: "f16" });
    const matrices = [...model.store.frozen].filter(([name, { shape }]) => isMatrix(shape, name));
    const numbers = matrices.reduce((sum, [, { size }]) => sum + size, 0);
    expect(numbers).toBeGreaterThan(60_000);
    // Everything else is uploaded when it is first used.
    expect(bytesOnDevice() - before.bytes).toBe(2 * numbers);
    model.dispose();
    expect({ tensors: tf.memory().numTensors, bytes: bytesOnDevice() }).toEqual(before);
  });

  test("the logits of decoding steps are those of rounded weights, and PyTorch's", async () => {
    const { generated_ids: ids } = (await readCases(family)).cases.student;
    const decode = async (files: FileSource, options: OpenModelOptions) => {
      const model = await openModel(files, options);
      const prompts = [model.processor.encode(await caseMessages(family, "student"))];
      const session = model.policy.startDecoding(prompts);
      const steps: Float32Array[] = [];
      for (const next of [undefined, ...(ids as number[]).slice(0, 3)]) {
        const logits = session.next(next === undefined ? undefined : Int32Array.of(next));
        steps.push((await logits.data()) as Float32Array);
        logits.dispose();
      }
      session.dispose();
      model.dispose();
      return steps;
    };
    const before = tf.memory().numTensors;
    const inHalf = await decode(openFixture(family), { frozenStorage: "f16" });
    expect(tf.memory().numTensors).toBe(before);
    const expected = await decode(rounded, {});
    inHalf.forEach((logits, step) => {
      expect(largestDifference(logits, expected[step]!), `step ${step}`).toBeLessThan(2e-5);
    });
    const published = (await (await openExpected(family)).read("student/logits_last8")).slice(-416);
    expect(largestDifference(inHalf[0]!, published)).toBeLessThan(1e-3);
  });

  test("LoRA: losses and gradients of two steps are those of rounded weights, and the losses PyTorch's", async () => {
    const before = tf.memory().numTensors;
    const inHalf = await trainAdapters(openFixture(family), { frozenStorage: "f16" });
    expect(tf.memory().numTensors).toBe(before);
    const expected = await trainAdapters(rounded, {});
    const { losses_over_adamw_steps: published } = (await readCases(family)).lora;
    inHalf.forEach(({ loss, gradients }, step) => {
      expect(Math.abs(loss - expected[step]!.loss)).toBeLessThan(1e-6);
      expect(Math.abs(loss - published[step])).toBeLessThan(1e-4);
      if (step > 0) return;
      expect(gradients.size).toBe(6);
      for (const [name, gradient] of gradients) expectGradient(name, gradient, expected[0]!.gradients.get(name)!, 1e-5);
    });
  });

  interface Step {
    readonly loss: number;
    readonly gradients: ReadonlyMap<string, Float32Array>;
  }

  /** Two steps from the stored adapters. The teacher is the model without them. */
  async function trainAdapters(files: FileSource, options: OpenModelOptions): Promise<Step[]> {
    const { lora, distill } = await readCases(family);
    const trainable = { kind: "lora", rank: lora.r, alpha: lora.alpha, targetModules: lora.targets, seed: 0 } as const;
    const model = await openModel(files, { ...options, trainable });
    const stored = await openExpected(family);
    for (const [name, variable] of Object.entries(model.policy.trainable)) {
      const start = await stored.read(`lora/${name}`);
      tf.tidy(() => variable.assign(tf.tensor(start, variable.shape)));
    }
    const { betas, eps: epsilon, weight_decay: weightDecay, lr: learningRate } = lora.adamw;
    const optimizer = createAdamW(model.policy.trainable, { betas, epsilon, weightDecay });
    const steps: Step[] = [];
    for (let step = 0; step < 2; step++) {
      const { loss, grads } = await differentiate(model, Int32Array.from(distill.response_ids as number[]));
      const read = Object.entries(grads).map(async ([name, x]) => [name, (await x.data()) as Float32Array] as const);
      steps.push({ loss, gradients: new Map(await Promise.all(read)) });
      optimizer.step(grads, { learningRate });
      tf.dispose(grads);
    }
    optimizer.dispose();
    model.dispose();
    return steps;
  }

  async function differentiate({ policy, processor }: VisionLanguageModel, completion: Int32Array) {
    const { head, trainable } = policy;
    const [student, teacher] = await Promise.all(
      ["student", "teacher"].map(async (name) => processor.encode(await caseMessages(family, name))),
    );
    const base = { weights: { kind: "base" } } as const;
    const states = policy.completionStates([{ prompt: teacher!, completion }], base);
    const { value, grads } = tf.variableGrads(() => {
      const result = divergenceThroughHead(policy.completionStates([{ prompt: student!, completion }]), {
        head,
        trainable,
        divergence: jsd,
        teacher: { states, ...base },
        // The head's rows are taken in parts, which stay in 16 bits.
        chunkVocabulary: 160,
      });
      result.dispose();
      return result.loss;
    }, Object.values(trainable));
    const loss = (await value.data())[0]!;
    tf.dispose([value, states]);
    const names = Object.entries(trainable).map(([name, variable]) => [name, grads[variable.name]!] as const);
    return { loss, grads: Object.fromEntries(names) };
  }
});

test("a weight that 16 bits do not hold is refused by name, and nothing stays behind", async () => {
  const name = "model.text_model.layers.1.mlp.up_proj.weight";
  const files = await changeWeights(openFixture("smolvlm"), (each, bits) => {
    if (each === name) bits[5] = 0x4789;
  });
  const before = { tensors: tf.memory().numTensors, bytes: bytesOnDevice() };
  await expect(openModel(files, { frozenStorage: "f16" })).rejects.toMatchObject({
    code: "limit-exceeded",
    message: expect.stringContaining(`number 5 of ${name} is 70144, and 16 bits hold numbers from -65504 to 65504.`),
  });
  expect({ tensors: tf.memory().numTensors, bytes: bytesOnDevice() }).toEqual(before);
});
