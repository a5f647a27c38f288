import type { EvaluationSample } from "@imagine-opd/evaluation";
import { expect, test } from "vitest";
import { chooseSamples, splitText } from "./collect-samples.ts";

test("pieces of a text join to it, also where one character is several tokens", () => {
  const decode = (ids: Int32Array) => new TextDecoder().decode(Uint8Array.from(ids));
  const text = "a é €!";
  const ids = Int32Array.from(new TextEncoder().encode(text));
  const pieces = splitText(decode, ids);
  expect(pieces.length).toBe(ids.length);
  expect(pieces.join("")).toBe(text);
  expect(pieces.slice(0, 4)).toEqual(["a", " ", "", "é"]);
});

test("the first eight scenes of each kind are shown", () => {
  const graded = (right: readonly boolean[]) => right.map((correct) => ({ correct }) as EvaluationSample);
  const before = graded(Array.from({ length: 40 }, (_, i) => i % 2 === 0));
  const after = graded(Array.from({ length: 40 }, (_, i) => i % 4 < 2));
  const chosen = chooseSamples(before, after);
  expect(chosen).toEqual(Array.from({ length: 32 }, (_, i) => i));
  expect(chooseSamples(before, before)).toEqual(Array.from({ length: 16 }, (_, i) => i));
});
