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

test("the first eight scenes of each kind are shown, those that improved first", () => {
  const graded = (right: readonly boolean[]) => right.map((correct) => ({ correct }) as EvaluationSample);
  const before = graded(Array.from({ length: 40 }, (_, i) => i % 2 === 0));
  const after = graded(Array.from({ length: 40 }, (_, i) => i % 4 < 2));
  const everyFourth = (first: number) => Array.from({ length: 8 }, (_, i) => first + 4 * i);
  const improved = everyFourth(1);
  const worsened = everyFourth(2);
  const stayed = [...everyFourth(3), ...everyFourth(0)];
  expect(chooseSamples(before, after)).toEqual([...improved, ...worsened, ...stayed]);
  const even = Array.from({ length: 8 }, (_, i) => 2 * i);
  expect(chooseSamples(before, before)).toEqual([...even.map((i) => i + 1), ...even]);
});
