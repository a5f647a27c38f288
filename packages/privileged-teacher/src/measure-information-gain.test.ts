import "@tensorflow/tfjs-backend-cpu";
import type { ScoredSequence } from "@imagine-opd/protocol/policy";
import { createToyPolicy, toyPrompt } from "@imagine-opd/test-kit";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, expect, test } from "vitest";
import { createTeacher } from "./create-teacher.ts";
import { measureInformationGain } from "./measure-information-gain.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

const vocabSize = 7;
const behind = (pixels: number[] | undefined, completions: number[][]): ScoredSequence[] =>
  completions.map((ids) => ({ prompt: toyPrompt([1, 2], pixels), completion: Int32Array.from(ids) }));

test("the gain is the difference of the two scores, and its expectation under the student the difference of the KLs", async () => {
  const policy = createToyPolicy({ vocabSize, seed: 1 });
  const teacher = createTeacher(policy, { kind: "frozen", from: "snapshot" });
  // Every possible first token once: weighted with the student's probabilities it is the exact expectation.
  const completions = Array.from({ length: vocabSize }, (_, id) => [id]);
  const [right, wrong, plain] = [
    behind([0.9], completions),
    behind([-0.7], completions),
    behind(undefined, completions),
  ];
  const before = tf.memory().numTensors;
  const { gain, perToken, lengths, divergenceGain } = await measureInformationGain(teacher, right, wrong, {
    temperature: 1.3,
    student: { policy, sequences: plain },
  });
  expect(tf.memory().numTensors).toBe(before);
  const { logProbs: u } = await teacher.score(right, { want: "sampled", temperature: 1.3 });
  const { logProbs: w } = await teacher.score(wrong, { want: "sampled", temperature: 1.3 });
  expect([...perToken]).toEqual([...u.map((value, i) => value - w[i]!)]);
  expect(gain).toBeCloseTo(perToken.reduce((a, b) => a + b) / vocabSize, 6);
  expect(lengths).toEqual(new Int32Array(vocabSize).fill(1));
  const student = createTeacher(policy, { kind: "live" });
  const { logProbs: s } = await student.score(plain, { want: "sampled", temperature: 1.3 });
  const expectation = perToken.reduce((sum, value, id) => sum + Math.exp(s[id]!) * value, 0);
  expect(Math.abs(expectation)).toBeGreaterThan(1e-2);
  expect(divergenceGain).toBeCloseTo(expectation, 5);
  teacher.dispose();
  policy.dispose();
});

test("views that do not matter give no gain", async () => {
  const blind = createToyPolicy({ vocabSize, seed: 1, imageSensitive: false });
  const teacher = createTeacher(blind, { kind: "live" });
  const { gain, divergenceGain } = await measureInformationGain(teacher, behind([0.9], [[3]]), behind([-0.7], [[3]]));
  expect(gain).toBe(0);
  expect(divergenceGain).toBeUndefined();
});

test("other completions are refused", async () => {
  const teacher = createTeacher(createToyPolicy({ vocabSize, seed: 1 }), { kind: "live" });
  await expect(measureInformationGain(teacher, behind([1], [[3], [4]]), behind([2], [[3], [5]]))).rejects.toThrow(
    "privileged-teacher.measureInformationGain: `wrong` must hold the same completions as `right`, got another completion at 1.",
  );
  await expect(measureInformationGain(teacher, behind([1], [[3]]), behind([2], [[3], [5]]))).rejects.toThrow(
    "got 2 sequences for 1.",
  );
});
