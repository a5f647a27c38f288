import { crossEntropyThroughHead, type DistillationResult } from "@imagine-opd/distillation-loss";
import type { EncodedPrompt } from "@imagine-opd/protocol";
import { memoryFiles } from "@imagine-opd/test-kit";
import {
  type OpenModelOptions,
  openModel,
  readModelConfig,
  type VisionLanguageModel,
  writeRandomWeights,
} from "@imagine-opd/vision-language-model";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { backends, caseMessages, families, openFixture, readCases, useBackend } from "../family.ts";

type Recompute = NonNullable<OpenModelOptions["recompute"]>;

const choices: readonly [name: string, options: OpenModelOptions][] = [
  ["every weight", { trainable: { kind: "full", vision: "trainable" } }],
  ["the decoder", { trainable: { kind: "full", vision: "frozen" } }],
  ["a LoRA adapter", { trainable: { kind: "adapter" } }],
];

interface Step {
  readonly loss: number;
  readonly gradients: Readonly<Record<string, number[]>>;
  /** Bytes that the tape holds when the hidden states are there. */
  readonly heldBytes: number;
}

/** One cross-entropy step through the head, which shares the embedding where the checkpoint ties them. */
function takeStep({ policy }: VisionLanguageModel, prompt: EncodedPrompt, completion: Int32Array): Step {
  const { head, trainable } = policy;
  let heldBytes = 0;
  let result: DistillationResult | undefined;
  const step = tf.tidy(() => {
    const { value, grads } = tf.variableGrads(() => {
      const before = tf.memory().numBytes;
      const states = policy.completionStates([{ prompt, completion }]);
      heldBytes = tf.memory().numBytes - before;
      result = crossEntropyThroughHead(states, { head, trainable, tokens: completion });
      return result.loss;
    }, Object.values(trainable));
    const numbers = (variable: tf.Variable) => Array.from(grads[variable.name]!.dataSync());
    const gradients = Object.entries(trainable).map(([name, variable]) => [name, numbers(variable)] as const);
    return { loss: value.dataSync()[0]!, gradients: Object.fromEntries(gradients), heldBytes } as never;
  }) as Step;
  result?.dispose();
  return step;
}

/** A fixture's configuration with more decoder layers, and random weights for it. */
async function openDeepModel(layers: number, recompute: Recompute): Promise<VisionLanguageModel> {
  const files = openFixture("smolvlm");
  const names = ["tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "preprocessor_config.json"];
  const contents: [string, Uint8Array][] = [];
  for (const name of [...names, "processor_config.json"]) contents.push([name, await files.read(name)]);
  const config = JSON.parse(new TextDecoder().decode(await files.read("config.json")));
  config.text_config.num_hidden_layers = layers;
  const deep = memoryFiles({ ...Object.fromEntries(contents), "config.json": JSON.stringify(config) });
  await writeRandomWeights(deep, readModelConfig(config), { seed: 1 });
  return openModel(deep, { trainable: { kind: "full", vision: "frozen" }, recompute });
}

describe.each(backends)("%s", (backend) => {
  beforeAll(() => useBackend(backend));

  describe.each(families)("%s", (family) => {
    test.each(choices)("recomputed layers give the same loss and gradients: %s trains", async (_name, options) => {
      const completion = Int32Array.from(readCases(family).distill.response_ids as number[]);
      const steps: Step[] = [];
      for (const recompute of ["none", "layers"] as const) {
        const adapter = options.trainable?.kind === "adapter" ? { adapter: openFixture(`${family}/adapter`) } : {};
        const model = await openModel(openFixture(family), { ...options, ...adapter, recompute });
        steps.push(takeStep(model, model.processor.encode(await caseMessages(family, "student")), completion));
        model.dispose();
      }
      const [plain, recomputed] = steps as [Step, Step];
      expect(recomputed.loss).toBe(plain.loss);
      expect(Object.keys(plain.gradients).length).toBeGreaterThan(3);
      expect(
        Object.values(plain.gradients)
          .flat()
          .some((value) => value !== 0),
      ).toBe(true);
      for (const [name, gradient] of Object.entries(plain.gradients))
        expect(recomputed.gradients[name], name).toEqual(gradient); // bit for bit
      expect(recomputed.heldBytes).toBeLessThan(plain.heldBytes / 2);
    });
  });
});

/** Most bytes that there are at any time during a step, weights not counted. */
async function peakBytes(step: () => Step): Promise<number> {
  const before = tf.memory().numBytes;
  tf.env().set("CHECK_COMPUTATION_FOR_ERRORS", false); // which would read back every tensor
  const profile = await tf.profile(() => step() as never);
  return profile.peakBytes - before;
}

test("ten layers: fewer bytes on the tape and at the peak, and 20 steps leave nothing behind", async () => {
  await useBackend("wasm");
  const held: number[] = [];
  const peaks: number[] = [];
  for (const recompute of ["none", "layers"] as const) {
    const model = await openDeepModel(10, recompute);
    const prompt = model.processor.encode(await caseMessages("smolvlm", "text"));
    const step = () => takeStep(model, prompt, Int32Array.of(1, 2, 3));
    held.push(step().heldBytes);
    peaks.push(await peakBytes(step));
    const before = tf.memory().numTensors;
    for (let repeat = 0; repeat < (recompute === "layers" ? 20 : 1); repeat++) step();
    expect(tf.memory().numTensors).toBe(before);
    model.dispose();
  }
  expect(held[1]! * 6).toBeLessThan(held[0]!);
  expect(peaks[1]! * 2).toBeLessThan(peaks[0]!);
});
