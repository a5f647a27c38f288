import type { NamedTensorMap } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import type { ExpectedLogits } from "./check-decoding.ts";
import { violate } from "./policy-report.ts";
import { compareNumbers, decodeLogits, joinRows, type PolicyTrial, scoreLogits, takeRow } from "./policy-trial.ts";

/** Features that were encoded beforehand against pictures that are encoded on the way; 0 when there is no picture. */
export async function compareFeatures({ policy, sequences }: PolicyTrial, expected: ExpectedLogits): Promise<number> {
  const patches = sequences.flatMap(({ prompt }) => prompt.patches);
  if (patches.length === 0) return 0;
  const features = policy.encodeImages(patches);
  try {
    const missing = patches.find(({ key }) => !features.keys.includes(key));
    if (missing !== undefined) violate("image features", `encodeImages lost the picture "${missing.key}".`);
    const scored = compareNumbers(await scoreLogits(policy, sequences, { features }), joinRows(expected));
    return Math.max(scored, compareNumbers(await decodeLogits(policy, sequences, { features }), joinRows(expected)));
  } finally {
    features.dispose();
  }
}

/** `replaced` weights that are half as large, and no longer 0 where an adapter begins at 0, change scores and sessions alike, and leave the student as it was. */
export async function compareViews({ policy, sequences }: PolicyTrial, expected: ExpectedLogits): Promise<number> {
  const names = Object.keys(policy.trainable);
  if (names.length === 0) return 0;
  const moved = (name: string) => tf.tidy(() => tf.add(tf.mul(policy.trainable[name]!, 0.5), 0.05));
  const others: NamedTensorMap = Object.fromEntries(names.map((name) => [name, moved(name)]));
  try {
    const weights = { kind: "replaced", trainable: others } as const;
    const scored = await scoreLogits(policy, sequences, { weights });
    if (compareNumbers(scored, joinRows(expected)) === 0)
      violate("weight view", "completionStates and head.logits give the student's numbers under replaced weights.");
    const sessions = compareNumbers(await decodeLogits(policy, sequences, { weights }), scored);
    return Math.max(sessions, compareNumbers(await scoreLogits(policy, sequences), joinRows(expected)));
  } finally {
    tf.dispose(others);
  }
}

/** Mean KL(student‖copy), nats a token, for a copy of the weights given as `replaced`. */
export async function measureDivergence({ policy, sequences }: PolicyTrial): Promise<number> {
  const names = Object.keys(policy.trainable);
  if (names.length === 0) return 0;
  const copies: NamedTensorMap = Object.fromEntries(names.map((name) => [name, tf.mul(policy.trainable[name]!, 1)]));
  try {
    const student = await scoreLogits(policy, sequences);
    const copy = await scoreLogits(policy, sequences, { weights: { kind: "replaced", trainable: copies } });
    const rows = student.length / policy.vocabSize;
    let sum = 0;
    for (let row = 0; row < rows; row++) {
      sum += divergenceOf(takeRow(student, row, policy.vocabSize), takeRow(copy, row, policy.vocabSize));
    }
    return Math.abs(sum / rows);
  } finally {
    tf.dispose(copies);
  }
}

/** KL(softmax(student)‖softmax(teacher)) in float64, nats. */
function divergenceOf(student: Float32Array, teacher: Float32Array): number {
  const s = logSoftmax(student);
  const t = logSoftmax(teacher);
  return s.reduce((sum, logProb, id) => sum + Math.exp(logProb) * (logProb - t[id]!), 0);
}

function logSoftmax(logits: Float32Array): Float64Array {
  const max = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const total = logits.reduce((sum, logit) => sum + Math.exp(logit - max), 0);
  return Float64Array.from(logits, (logit) => logit - max - Math.log(total));
}
