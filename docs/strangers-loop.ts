// On-policy self-distillation of a model that is not ours, with the four packages and nothing else of ours:
//   node scripts/run.mjs docs/strangers-loop.ts
import "@tensorflow/tfjs-backend-cpu";
import { type DistillationResult, divergenceThroughHead } from "@imagine-opd/distillation-loss";
import { createTeacher, pairContexts, selfTest } from "@imagine-opd/privileged-teacher";
import type { RgbImage } from "@imagine-opd/protocol";
import { cropRegions } from "@imagine-opd/region-cropper";
import { checkPolicy, sampleRollouts } from "@imagine-opd/rollout-sampler";
import { registerCoreGradients } from "@imagine-opd/tensor-ops";
import * as tf from "@tensorflow/tfjs-core";
import { encode, openBagOfWords, words } from "./strangers-policy.ts";

await tf.setBackend("cpu");
registerCoreGradients();

const side = 64;
function paint(channel: number): RgbImage {
  const image = { width: side, height: side, data: new Uint8Array(3 * side * side).fill(128) };
  for (let y = 40; y < 44; y++)
    for (let x = 20; x < 24; x++)
      image.data.set(
        [0, 1, 2].map((c) => (c === channel ? 255 : 60)),
        3 * (y * side + x),
      );
  return image;
}
// A small coloured thing on grey. The student gets the whole picture, the teacher the evidence view as well.
const records = ["kite", "leaf", "boat"].map((word, channel) => {
  const image = paint(channel);
  const { views } = cropRegions(image, [{ box: [20, 40, 24, 44], space: "pixel" }], {
    padding: 0,
    minSide: 4,
    output: { kind: "fixed", width: 16, height: 16 },
  });
  const student = encode(word, [image]);
  return { id: word, answer: 4 + channel, student, teacher: encode(word, [image, ...views.map((view) => view.image)]) };
});

// Saturated colours push the model towards their names; it has not learnt that yet for colours seen from afar.
const policy = openBagOfWords(
  words.length,
  [4, 5, 6].map((name) => words.map((_, id) => (id === name ? 3 : 0))),
);
await checkPolicy(policy, [records[0]!.student, records[1]!.teacher]);
const teacher = createTeacher(policy, { kind: "ema", rate: 0.02, average: "weights" });
const optimizer = tf.train.adam(0.05);
/** Share of completions whose first word is the colour, and KL(student‖teacher) in nats a token, one entry a step. */
export const history: { readonly right: number; readonly divergence: number }[] = [];

for (let step = 1; step <= 20; step++) {
  const requests = records.map(({ id, student }) => ({ recordId: id, prompt: student }));
  const options = { stopTokenIds: [0], maxTokens: 2, rolloutsPerPrompt: 16, seed: 1, step };
  const rollouts = await sampleRollouts(policy, requests, options);
  const recordOf = (id: string) => records.find((record) => record.id === id)!;
  const prompts = rollouts.map(({ recordId }) => recordOf(recordId).teacher);
  const contexts = pairContexts(rollouts, prompts, { placeholderTokenIds: [], contextLength: policy.contextLength });
  if (step === 1) await selfTest(policy, teacher, rollouts);
  const scored = await teacher.score(contexts, { want: "states" });
  let result: DistillationResult | undefined;
  const { value, grads } = tf.variableGrads(() => {
    result = divergenceThroughHead(policy.completionStates(rollouts), {
      divergence: { kind: "reverse-kl" },
      head: policy.head,
      trainable: policy.trainable,
      teacher: scored,
    });
    return result.loss;
  });
  optimizer.applyGradients(Object.entries(grads).map(([name, tensor]) => ({ name, tensor })));
  teacher.afterUpdate();
  const right = rollouts.filter(({ recordId, completion }) => completion[0] === recordOf(recordId).answer).length;
  history.push({ right: right / rollouts.length, divergence: (await value.data())[0]! });
  result!.dispose();
  tf.dispose([value, scored.states, ...Object.values(grads)]);
}
for (const step of [1, 5, 10, 20]) {
  const { right, divergence } = history[step - 1]!;
  // biome-ignore lint/suspicious/noConsole: the program's result
  console.log(
    `step ${step}: ${Math.round(100 * right)} % name the colour, ${divergence.toFixed(3)} nats a token to the teacher`,
  );
}
optimizer.dispose();
teacher.dispose();
policy.dispose();
