import "@tensorflow/tfjs-backend-cpu";
import type { Policy, ScoredSequence } from "@imagine-opd/protocol/policy";
import { createToyPolicy, toyPrompt } from "@imagine-opd/test-kit";
import * as tf from "@tensorflow/tfjs-core";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { cacheScores } from "./cache-scores.ts";
import { createTeacher } from "./create-teacher.ts";

const sequence = (ids: number[], completion: number[], pixels?: number[]): ScoredSequence => ({
  prompt: toyPrompt(ids, pixels),
  completion: Int32Array.from(completion),
});
const first = sequence([1, 2, 3], [4, 5], [0.2]);
const second = sequence([6], [7]);
const otherViews = sequence([1, 2, 3], [4, 5], [0.9]);
const empty = sequence([1], []);
const sampled = { want: "sampled" } as const;

let policy: Policy;
let calls: number[];
beforeAll(async () => {
  await tf.setBackend("cpu");
});
beforeEach(() => {
  const toy = createToyPolicy({ vocabSize: 11, seed: 1 });
  calls = [];
  policy = {
    ...toy,
    completionStates(sequences, options) {
      calls.push(sequences.length);
      return toy.completionStates(sequences, options);
    },
  };
});
afterEach(() => policy.dispose());

const open = (maxEntries = 10) =>
  cacheScores(createTeacher(policy, { kind: "frozen", from: "snapshot" }), { maxEntries });

test("answers are the teacher's, and only what is new is scored", async () => {
  const plain = createTeacher(policy, { kind: "frozen", from: "snapshot" });
  const cached = open();
  for (const ask of [sampled, { want: "entropy" }, { want: "top-k", k: 3 }] as const) {
    const expected = await plain.score([first, empty, second], ask);
    calls.length = 0;
    expect(await cached.score([first], ask)).toEqual(await plain.score([first], ask));
    expect(await cached.score([first, empty, second], ask)).toEqual(expected);
    expect(await cached.score([first, empty, second], ask)).toEqual(expected);
    expect(calls).toEqual([1, 1, 2]); // the plain teacher's own call stands in between
  }
  expect(cached.cache).toEqual({ hits: 12, misses: 9, entries: 9 });
  plain.dispose();
  cached.dispose();
});

test("views, temperature, bans and the completion are part of the question", async () => {
  const cached = open(20);
  await cached.score([first], sampled);
  const others = [
    await cached.score([otherViews], sampled),
    await cached.score([first], { ...sampled, temperature: 2 }),
    await cached.score([first], { ...sampled, banned: Int32Array.of(9) }),
    await cached.score([{ ...first, completion: Int32Array.of(4, 6) }], sampled),
  ];
  expect(cached.cache).toEqual({ hits: 0, misses: 5, entries: 5 });
  expect(new Set(others.map(({ logProbs }) => logProbs.join())).size).toBe(4);
  cached.dispose();
});

test("it is bounded: what was asked for longest ago goes first", async () => {
  const cached = open(2);
  for (const asked of [first, second, first, otherViews, first, second]) await cached.score([asked], sampled);
  expect(cached.cache).toEqual({ hits: 2, misses: 4, entries: 2 });
  cached.dispose();
});

test("writing into an answer changes no later one; states go past; an imported state empties it", async () => {
  const cached = open();
  const answer = await cached.score([first], sampled);
  const logProbs = answer.logProbs.slice();
  answer.logProbs.fill(0);
  expect((await cached.score([first], sampled)).logProbs).toEqual(logProbs);
  const { states } = await cached.score([first], { want: "states" });
  expect(states.shape).toEqual([2, 8]);
  states.dispose();
  cached.importState(await cached.exportState());
  expect(cached.cache.entries).toBe(0);
  cached.dispose();
  await expect(cached.score([first], sampled)).rejects.toThrow("used after dispose()");
});

test("teachers that move, sizes below 1 and no tokens are refused", async () => {
  expect(() => cacheScores(createTeacher(policy, { kind: "live" }), { maxEntries: 1 })).toThrow(
    'privileged-teacher.cacheScores: only the scores of a frozen teacher stay valid, this one is "live".',
  );
  expect(() => open(0)).toThrow("`maxEntries` must be an integer ≥ 1, got 0.");
  const cached = open();
  await expect(cached.score([empty], sampled)).rejects.toThrow("expected at least one completion token");
  cached.dispose();
});
