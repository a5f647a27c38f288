// On-policy self-distillation of a model that is not ours: node scripts/run.mjs docs/strangers-loop.ts
import "@tensorflow/tfjs-backend-cpu";
import { type DistillationResult, divergenceThroughHead } from "@imagine-opd/distillation-loss";
import { createTeacher, pairContexts, selfTest } from "@imagine-opd/privileged-teacher";
import type { RgbImage } from "@imagine-opd/protocol";
import { cropRegions } from "@imagine-opd/region-cropper";
import { checkPolicy, sampleRollouts } from "@imagine-opd/rollout-sampler";
import * as tf from "@tensorflow/tfjs-core";
import { openLinearModel } from "./strangers-policy.ts";

await tf.setBackend("cpu");
const words = [".", "kite", "leaf", "boat", "red", "green", "blue"];

/** A prompt of one word. Of a picture the model sees which share of it is red, green and blue. */
function encode(word: number, pictures: RgbImage[]) {
  const shareOf = ({ data }: RgbImage, c: number) => data.filter((v, i) => i % 3 === c && v > 128).length / data.length;
  const seen = (picture: RgbImage) => Float32Array.from([0, 1, 2], (c) => 3 * shareOf(picture, c));
  const patches = pictures.map((each) => ({ key: each.data.join(), values: seen(each), grid: [1, 1, 1] as const }));
  return { tokenIds: Int32Array.of(word), patches };
}

// A small coloured thing on grey. The student gets the whole picture, the teacher the evidence view as well.
const records = [0, 1, 2].map((colour) => {
  const picture = { width: 64, height: 64, data: new Uint8Array(3 * 64 * 64).fill(128) };
  for (let i = 0; i < 16; i++) picture.data[3 * (64 * (40 + (i >> 2)) + 20 + (i & 3)) + colour] = 255;
  const size = { padding: 0, minSide: 4, output: { kind: "fixed", width: 16, height: 16 } } as const;
  const { views } = cropRegions(picture, [{ box: [20, 40, 24, 44], space: "pixel" }], size);
  return [[picture], [picture, views[0]!.image]].map((pictures) => encode(1 + colour, pictures));
}) as [student: ReturnType<typeof encode>, teacher: ReturnType<typeof encode>][];

// Near colours push the model towards their names. That things seen from afar have one it has still to learn.
const policy = openLinearModel([...words, 4, 5, 6].map((name) => words.map((_, word) => (word === name ? 8 : 0))));
await checkPolicy(policy, records[0]!);
const teacher = createTeacher(policy, { kind: "ema", rate: 0.02, average: "weights" });
const optimizer = tf.train.adam(0.1);

for (let step = 1; step <= 20; step++) {
  const requests = records.map(([student], i) => ({ recordId: `${i}`, prompt: student }));
  const options = { stopTokenIds: [0], maxTokens: 2, rolloutsPerPrompt: 16, seed: 1, step };
  const rollouts = await sampleRollouts(policy, requests, options);
  const prompts = rollouts.map(({ recordId }) => records[Number(recordId)]![1]);
  const contexts = pairContexts(rollouts, prompts, { placeholderTokenIds: [], contextLength: policy.contextLength });
  if (step === 1) await selfTest(policy, teacher, rollouts);
  const scored = await teacher.score(contexts, { want: "states" });
  let result: DistillationResult;
  optimizer.minimize(() => {
    const options = { divergence: { kind: "reverse-kl" }, head: policy.head, trainable: policy.trainable } as const;
    result = divergenceThroughHead(policy.completionStates(rollouts), { ...options, teacher: scored });
    return result.loss;
  });
  teacher.afterUpdate();
  scored.states.dispose();
  const { values } = await result!.readTokens();
  const nats = values.reduce((sum, value) => sum + value, 0) / values.length;
  const right = rollouts.filter(({ recordId, completion }) => completion[0] === 4 + Number(recordId)).length;
  // biome-ignore lint/suspicious/noConsole: the program's result
  if (step % 5 === 0 || step === 1) console.log(`step ${step}: ${right} of 48 right, ${nats.toFixed(3)} nats a token`);
}
for (const each of [optimizer, teacher, policy]) each.dispose();
