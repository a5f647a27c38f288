import "@tensorflow/tfjs-backend-cpu";
import { isImagineOpdError } from "@imagine-opd/protocol";
import type { Policy, ScoredSequence } from "@imagine-opd/protocol/policy";
import { createToyPolicy, toyPrompt } from "@imagine-opd/test-kit";
import * as tf from "@tensorflow/tfjs-core";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createTeacher } from "./create-teacher.ts";
import { selfTest } from "./self-test.ts";
import type { Teacher } from "./teacher.ts";
import type { TeacherKind } from "./teacher-kind.ts";

const sequences: ScoredSequence[] = [
  { prompt: toyPrompt([1, 2, 3], [0.2, 0.4]), completion: Int32Array.of(4, 5, 2) },
  { prompt: toyPrompt([6, 8]), completion: Int32Array.of(7) },
];
const snapshot: TeacherKind = { kind: "frozen", from: "snapshot" };

/** A teacher that is given other sequences than it was asked about. */
function misread(teacher: Teacher, change: (sequence: ScoredSequence) => ScoredSequence): Teacher {
  return { ...teacher, weights: teacher.weights, score: (asked, ask) => teacher.score(asked.map(change), ask) };
}

let policy: Policy;
let teacher: Teacher;
let before: number;
beforeAll(async () => {
  await tf.setBackend("cpu");
});
beforeEach(() => {
  policy = createToyPolicy({ vocabSize: 11, seed: 3 });
  teacher = createTeacher(policy, snapshot);
  before = tf.memory().numTensors;
});
afterEach(() => {
  expect(tf.memory().numTensors).toBe(before);
  teacher.dispose();
  policy.dispose();
});

describe("selfTest", () => {
  test.each<TeacherKind>([snapshot, { kind: "live" }])("passes for %j before the first update", async (kind) => {
    const own = createTeacher(policy, kind);
    const { kl, maxAbsLogRatio } = await selfTest(policy, own, sequences, { chunkRows: 2 });
    expect(Math.abs(kl)).toBeLessThanOrEqual(1e-5);
    expect(maxAbsLogRatio).toBeLessThanOrEqual(1e-5);
    own.dispose();
  });

  test.each<[string, (sequence: ScoredSequence) => ScoredSequence]>([
    [
      "a prompt shifted by one token",
      ({ prompt, completion }) => ({ prompt: { ...prompt, tokenIds: prompt.tokenIds.slice(1) }, completion }),
    ],
    ["a missing picture", ({ prompt, completion }) => ({ prompt: { ...prompt, patches: [] }, completion })],
    ["other completion ids", ({ prompt, completion }) => ({ prompt, completion: completion.map((id) => id + 1) })],
  ])("finds %s", async (_, change) => {
    await expect(selfTest(policy, misread(teacher, change), sequences)).rejects.toThrow(
      "privileged-teacher.selfTest: student and teacher disagree on the student's own contexts",
    );
  });

  test("gives the KL and the largest log-ratio of a student that has changed", async () => {
    const head = policy.trainable.head!;
    const changed = tf.tidy(() => tf.mul(head, 1.2));
    head.assign(changed as tf.Tensor);
    changed.dispose();
    const loose = { tolerance: 1, ratioTolerance: 5 };
    const { kl, maxAbsLogRatio } = await selfTest(policy, teacher, sequences, loose);
    const rows = tf.tidy(() => policy.head.logits(policy.completionStates(sequences)).arraySync());
    const logSoftmax = (row: readonly number[]) => {
      const logSum = Math.log(row.reduce((sum, value) => sum + Math.exp(value), 0));
      return row.map((value) => value - logSum);
    };
    const student = rows.map(logSoftmax);
    const frozen = rows.map((row) => logSoftmax(row.map((value) => value / 1.2)));
    const kls = student.map((row, i) => row.reduce((sum, s, id) => sum + Math.exp(s) * (s - frozen[i]![id]!), 0));
    const tokens = sequences.flatMap(({ completion }) => [...completion]);
    const ratios = tokens.map((id, i) => Math.abs(student[i]![id]! - frozen[i]![id]!));
    expect(kl).toBeCloseTo(kls.reduce((sum, value) => sum + value, 0) / kls.length, 6);
    expect(maxAbsLogRatio).toBeCloseTo(Math.max(...ratios), 5);
    expect(kl).toBeGreaterThan(1e-3);
    await expect(selfTest(policy, teacher, sequences, { ...loose, tolerance: kl / 2 })).rejects.toThrow("disagree");
    await expect(selfTest(policy, teacher, sequences, { ...loose, ratioTolerance: 1e-3 })).rejects.toThrow("disagree");
  });

  test("fails on NaN", async () => {
    const head = policy.trainable.head!;
    const broken = tf.fill(head.shape, Number.NaN);
    head.assign(broken);
    broken.dispose();
    await expect(selfTest(policy, teacher, sequences)).rejects.toSatisfy(
      (error) => isImagineOpdError(error) && error.code === "mismatch" && Number.isNaN(error.details.kl),
    );
  });

  test("frees the teacher's states when the student fails", async () => {
    const broken: Policy = {
      ...policy,
      completionStates: () => {
        throw new Error("no body");
      },
    };
    await expect(selfTest(broken, teacher, sequences)).rejects.toThrow("no body");
  });

  test("refuses no sequences", async () => {
    await expect(selfTest(policy, teacher, [])).rejects.toThrow("expected at least one completion token");
  });
});
