import "@tensorflow/tfjs-backend-cpu";
import type { Head, Policy, WeightView } from "@imagine-opd/protocol/policy";
import { randomStream } from "@imagine-opd/random-streams";
import { createToyPolicy, toyPrompt } from "@imagine-opd/test-kit";
import * as tf from "@tensorflow/tfjs-core";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { AdaptedWeight } from "./adapted-weight.ts";
import { createTeacher } from "./create-teacher.ts";
import type { TeacherKind } from "./teacher-kind.ts";

const vocabSize = 9;
const hidden = 8;
const rank = 2;
const scale = 1.5;
const deltas = (rate: number): TeacherKind => ({ kind: "ema", rate, average: "deltas" });
const sequences = [{ prompt: toyPrompt([1, 2], [0.3]), completion: Int32Array.of(3, 4, 5) }];

/** The toy policy with a low-rank adapter on its head: W + scale · B · A, B = 0 at the start. */
function openAdapted(): { policy: Policy; adapted: AdaptedWeight[]; dispose(): void } {
  const inner = createToyPolicy({ vocabSize, hidden, seed: 2 });
  const stream = randomStream(1, "factors");
  const a = tf.variable(
    tf.tensor2d(
      Float32Array.from({ length: rank * hidden }, () => stream.normal()),
      [rank, hidden],
    ),
  );
  const b = tf.variable(tf.zeros<tf.Rank.R2>([vocabSize, rank]));
  const base = inner.trainable.head as tf.Tensor as tf.Tensor2D;
  const matrix = (view: WeightView = { kind: "student" }): tf.Tensor2D => {
    if (view.kind === "merged") return view.weights.head as tf.Tensor2D;
    const [fa, fb] = view.kind === "replaced" ? [view.trainable.a!, view.trainable.b!] : [a, b];
    return view.kind === "base" ? base : tf.add(base, tf.mul(tf.matMul(fb as tf.Tensor2D, fa as tf.Tensor2D), scale));
  };
  const head: Head = {
    ...inner.head,
    trainable: [],
    logits: (states, { weights } = {}) => tf.tidy(() => tf.matMul(states, matrix(weights), false, true)),
  };
  const { embed } = inner.trainable;
  const policy: Policy = {
    ...inner,
    head,
    trainable: { a, b, embed: embed! },
    completionStates: (given, { weights } = {}) => {
      const replaced =
        weights?.kind === "merged" ? weights.weights.embed : weights?.kind === "replaced" && weights.trainable.embed;
      if (!replaced) return inner.completionStates(given);
      return inner.completionStates(given, {
        weights: { kind: "replaced", trainable: { embed: replaced, head: base } },
      });
    },
  };
  const dispose = () => {
    tf.dispose([a, b]);
    inner.dispose();
  };
  return { policy, adapted: [{ name: "head", base, a: "a", b: "b", scale }], dispose };
}

let opened: ReturnType<typeof openAdapted>;
let before: number;
beforeAll(async () => {
  await tf.setBackend("cpu");
});
beforeEach(() => {
  opened = openAdapted();
  before = tf.memory().numTensors;
});
afterEach(() => {
  expect(tf.memory().numTensors).toBe(before);
  opened.dispose();
});

function setFactors(values: { a?: readonly number[]; b: readonly number[] }): void {
  const { a, b } = opened.policy.trainable;
  tf.tidy(() => {
    if (values.a !== undefined) a!.assign(tf.tensor(values.a as number[], a!.shape));
    b!.assign(tf.tensor(values.b as number[], b!.shape));
  });
}
const numbers = (length: number, phase: number) => Array.from({ length }, (_, i) => Math.sin(phase + 0.7 * i));
const dense = () => {
  const { a, b } = opened.policy.trainable;
  return tf.tidy(() =>
    tf
      .mul(tf.matMul(b as unknown as tf.Tensor2D, a as unknown as tf.Tensor2D), scale)
      .dataSync()
      .slice(),
  );
};

test("it is the average of the dense deltas, step for step, which averaged factors are not", async () => {
  const { policy, adapted } = opened;
  const exact = createTeacher(policy, deltas(0.2), { adapted });
  const factors = createTeacher(policy, { kind: "ema", rate: 0.2, average: "weights" });
  let expected = [...dense()];
  for (let step = 1; step <= 6; step++) {
    setFactors({ a: numbers(rank * hidden, step), b: numbers(vocabSize * rank, 2 * step) });
    exact.afterUpdate();
    factors.afterUpdate();
    const now = dense();
    expected = expected.map((value, i) => 0.8 * value + 0.2 * now[i]!);
  }
  const { weights } = await exact.exportState();
  expected.forEach((value, i) => {
    expect(weights.head![i]).toBeCloseTo(value, 5);
  });
  const base = adapted[0]!.base.dataSync();
  const ofView = (exact.weights as Extract<WeightView, { kind: "merged" }>).weights.head!.dataSync();
  expected.forEach((value, i) => {
    expect(ofView[i]).toBeCloseTo(base[i]! + value, 5);
  });
  const ofFactors = (await factors.exportState()).weights;
  const product = tf.tidy(() =>
    tf
      .mul(tf.matMul(tf.tensor2d(ofFactors.b!, [vocabSize, rank]), tf.tensor2d(ofFactors.a!, [rank, hidden])), scale)
      .dataSync(),
  );
  expect(Math.max(...expected.map((value, i) => Math.abs(value - product[i]!)))).toBeGreaterThan(0.1);
  exact.dispose();
  factors.dispose();
});

test("after k steps towards a constant delta it holds 1 − (1 − r)^k of it; factors from the student do too while A stands still", async () => {
  const { policy, adapted } = opened;
  const exact = createTeacher(policy, deltas(0.05), { adapted });
  const factors = createTeacher(policy, { kind: "ema", rate: 0.05, average: "weights" });
  setFactors({ b: numbers(vocabSize * rank, 1) });
  for (let step = 0; step < 10; step++) {
    exact.afterUpdate();
    factors.afterUpdate();
  }
  const share = (values: ArrayLike<number>, of: ArrayLike<number>) =>
    Math.hypot(...Array.from(values)) / Math.hypot(...Array.from(of));
  expect(share((await exact.exportState()).weights.head!, dense())).toBeCloseTo(0.401, 3);
  const b = policy.trainable.b!.dataSync();
  expect(share((await factors.exportState()).weights.b!, b)).toBeCloseTo(0.401, 3);
  expect(await exact.distanceToStudent()).toBeCloseTo(0.599 * Math.hypot(...dense()), 2);
  exact.dispose();
  factors.dispose();
});

test("other trainable weights are averaged as they are, and a new teacher scores like the student", async () => {
  const { policy, adapted } = opened;
  setFactors({ b: numbers(vocabSize * rank, 1) });
  const teacher = createTeacher(policy, deltas(0.5), { adapted });
  const live = createTeacher(policy, { kind: "live" });
  const scores = async (of: typeof teacher) => (await of.score(sequences, { want: "sampled" })).logProbs;
  const [own, students] = [await scores(teacher), await scores(live)];
  own.forEach((logProb, i) => {
    expect(logProb).toBeCloseTo(students[i]!, 5);
  });
  const embed = policy.trainable.embed!;
  const initial = embed.dataSync().slice();
  tf.tidy(() => embed.assign(tf.mul(embed, 3)));
  teacher.afterUpdate();
  const { weights } = await teacher.exportState();
  expect(Object.keys(weights).sort()).toEqual(["embed", "head"]);
  initial.forEach((value, i) => {
    expect(weights.embed![i]).toBeCloseTo(2 * value, 5);
  });
  expect(await scores(teacher)).not.toEqual(own);
  teacher.dispose();
});

test("killed and resumed it is bit-equal, and updates leave no tensor behind", async () => {
  const { policy, adapted } = opened;
  const walk = (teacher: ReturnType<typeof createTeacher>, from: number) => {
    for (let step = from; step < from + 5; step++) {
      setFactors({ a: numbers(rank * hidden, step), b: numbers(vocabSize * rank, 2 * step) });
      teacher.afterUpdate();
    }
  };
  const whole = createTeacher(policy, deltas(0.05), { adapted });
  const held = tf.memory().numTensors;
  walk(whole, 1);
  const state = structuredClone(await whole.exportState());
  walk(whole, 6);
  expect(tf.memory().numTensors).toBe(held);
  const end = [await whole.exportState(), await whole.score(sequences, { want: "sampled" })];
  whole.dispose();
  const resumed = createTeacher(policy, deltas(0.05), { adapted });
  resumed.importState(state);
  walk(resumed, 6);
  expect([await resumed.exportState(), await resumed.score(sequences, { want: "sampled" })]).toEqual(end);
  resumed.dispose();
});

test("missing and ill-fitting adapters are refused", () => {
  const { policy, adapted } = opened;
  expect(() => createTeacher(policy, deltas(0.1))).toThrow(
    "an ema of deltas needs `adapted`, at least one adapted weight, got none. Describe every adapter;",
  );
  expect(() => createTeacher(policy, deltas(0.1), { adapted: [{ ...adapted[0]!, a: "b", b: "a" }] })).toThrow(
    '"head" is [9,8]; its factors must be "b" [rank, 8] and "a" [9, rank], got [9,2] and [2,8].',
  );
  expect(() => createTeacher(policy, deltas(0.1), { adapted: [{ ...adapted[0]!, b: "c" }] })).toThrow(
    "got [2,8] and none.",
  );
});
