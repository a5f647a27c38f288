import type { Rollout } from "@imagine-opd/protocol";
import { isImagineOpdError } from "@imagine-opd/protocol";
import { toyPrompt } from "@imagine-opd/test-kit";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { pairContexts } from "./pair-contexts.ts";

function rollout(recordId: string, completion: readonly number[], pixels?: readonly number[]): Rollout {
  return {
    recordId,
    prompt: toyPrompt([1, 2], pixels),
    completion: Int32Array.from(completion),
    logProbs: new Float32Array(completion.length),
    stopReason: "stop",
    seed: 0,
  };
}
const limits = { placeholderTokenIds: [99], contextLength: 10 };

describe("pairContexts", () => {
  test("copies the ids behind the teacher's prompts", () => {
    const students = [rollout("a", [5, 6]), rollout("b", [7])];
    const prompts = [toyPrompt([1, 2, 3]), toyPrompt([4])];
    const pairs = pairContexts(students, prompts, limits);
    expect(pairs).toEqual([
      { prompt: prompts[0], completion: Int32Array.of(5, 6) },
      { prompt: prompts[1], completion: Int32Array.of(7) },
    ]);
    students[0]!.completion.fill(0);
    expect(pairs[0]!.completion).toEqual(Int32Array.of(5, 6));
  });

  test("keeps every id and order of any batch, none of them cut", () => {
    const ids = fc.array(fc.integer({ min: 0, max: 98 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(fc.array(fc.tuple(ids, ids)), (batch) => {
        const students = batch.map(([completion], i) => rollout(`${i}`, completion));
        const pairs = pairContexts(
          students,
          batch.map(([, prompt]) => toyPrompt(prompt)),
          limits,
        );
        expect(pairs.map(({ completion }) => [...completion])).toEqual(batch.map(([completion]) => completion));
        expect(pairs.map(({ prompt }) => [...prompt.tokenIds])).toEqual(batch.map(([, prompt]) => prompt));
      }),
    );
  });

  test("gives nothing for nothing", () => {
    expect(pairContexts([], [], limits)).toEqual([]);
  });

  test("refuses another number of prompts", () => {
    expect(() => pairContexts([rollout("a", [1])], [], limits)).toThrow(
      "privileged-teacher.pairContexts: expected one teacher prompt for each of 1 rollouts, got 0.",
    );
  });

  test("refuses a placeholder inside a completion", () => {
    expect(() => pairContexts([rollout("a", [5, 99])], [toyPrompt([1])], limits)).toThrow(
      'the completion of record "a" holds the image placeholder 99 at 1. Ban placeholder ids at sampling.',
    );
  });

  test("names every record that is too long, with its lengths", () => {
    const students = [rollout("a", [1, 2]), rollout("b", [1]), rollout("c", [1, 2, 3])];
    const prompts = [toyPrompt(new Array(9).fill(1)), toyPrompt(new Array(9).fill(1)), toyPrompt(new Array(8).fill(1))];
    try {
      pairContexts(students, prompts, limits);
      expect.unreachable();
    } catch (error) {
      if (!isImagineOpdError(error)) throw error;
      expect(error.code).toBe("limit-exceeded");
      expect(error.message).toContain('exceed 10 tokens in 2 of 3 contexts: "a" 9 + 2, "c" 8 + 3.');
      expect(error.details.tooLong).toEqual([
        { recordId: "a", prompt: 9, completion: 2 },
        { recordId: "c", prompt: 8, completion: 3 },
      ]);
    }
  });

  test("finds a prompt of another record by its pictures, unless they are said to be swapped", () => {
    const students = [rollout("a", [5], [0.1]), rollout("b", [5], [0.2])];
    const prompts = [toyPrompt([1], [0.2]), toyPrompt([1], [0.1])];
    expect(() => pairContexts(students, prompts, limits)).toThrow(
      'picture 0 of the student\'s prompt of record "a" is not picture 0 of its teacher prompt.',
    );
    expect(() => pairContexts(students, [toyPrompt([1]), toyPrompt([1])], limits)).toThrow('of record "a"');
    expect(pairContexts(students, prompts, { ...limits, pictures: "swapped" })).toHaveLength(2);
    expect(pairContexts(students, [...prompts].reverse(), limits)).toHaveLength(2);
  });
});
