import { expect, test } from "vitest";
import { type TruncatedPolicy, weighTruncated } from "./truncated-rollouts.ts";

const rollout = (stopReason: "stop" | "length" | "aborted", length: number) => ({
  recordId: "a",
  completion: new Int32Array(length),
  stopReason,
});
const rollouts = [rollout("stop", 2), rollout("length", 3), rollout("length", 1), rollout("stop", 1)];

test.each<[TruncatedPolicy, number[][]]>([
  ["keep", [[1, 1], [1, 1, 1], [1], [1]]],
  ["mask-last", [[1, 1], [1, 1, 0], [0], [1]]],
  ["drop", [[1, 1], [0, 0, 0], [0], [1]]],
  [{ kind: "down-weight", weight: 0.25 }, [[1, 1], [0.25, 0.25, 0.25], [0.25], [1]]],
])("%j", (policy, expected) => {
  const { tokenWeights, count, rate } = weighTruncated(rollouts, policy);
  expect(tokenWeights.map((weights) => [...weights])).toEqual(expected);
  expect([count, rate]).toEqual([2, 0.5]);
});

test("no rollouts: nothing truncated", () => {
  expect(weighTruncated([], "drop")).toEqual({ tokenWeights: [], count: 0, rate: 0 });
});

test("aborted rollouts and unknown policies are refused", () => {
  expect(() => weighTruncated([rollout("aborted", 2)], "keep")).toThrow(
    "rollout-sampler.weighTruncated: the rollout of record `a` was aborted. Leave it out.",
  );
  const known = "`policy` must be keep, mask-last, drop, or down-weight with a weight above 0 and below 1";
  expect(() => weighTruncated([], "mask" as TruncatedPolicy)).toThrow(`${known}, got mask.`);
  expect(() => weighTruncated([], { kind: "down-weight", weight: 1 })).toThrow(
    `${known}, got {"kind":"down-weight","weight":1}.`,
  );
});
