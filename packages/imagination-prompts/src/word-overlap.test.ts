import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { exampleCopyRate, repetitionRate } from "./word-overlap.ts";

describe("exampleCopyRate", () => {
  test("is the share of n-grams that stand in the example", () => {
    // Bigrams of the text: "a b", "b x", "x c", "c d"; two of them stand in the example.
    expect(exampleCopyRate("a b x c d", { example: "A b, c D!", n: 2 })).toBe(0.5);
  });

  test("is 0 for a text that is too short and for other words", () => {
    expect(exampleCopyRate("I mentally zoom in")).toBe(0);
    expect(exampleCopyRate("The kite near the old pier is bright red.")).toBe(0);
  });

  test("refuses n = 0", () => {
    expect(() => exampleCopyRate("a", { n: 0 })).toThrow(
      "imagination-prompts.exampleCopyRate: n must be a positive integer, got 0.",
    );
  });
});

describe("repetitionRate", () => {
  test("counts n-grams that occurred before", () => {
    // Bigrams: "a b", "b a", "a b", "b a", "a b": two distinct of five.
    expect(repetitionRate("a b a b a b", { n: 2 })).toBeCloseTo(3 / 5, 12);
    expect(repetitionRate("one two three four five six")).toBe(0);
    expect(repetitionRate("")).toBe(0);
  });

  test("stays within 0 and 1 and grows when a text is said twice", () => {
    const words = fc.array(fc.constantFrom("a", "b", "c"), { minLength: 4 }).map((list) => list.join(" "));
    fc.assert(
      fc.property(words, (text) => {
        const once = repetitionRate(text);
        expect(once).toBeGreaterThanOrEqual(0);
        expect(once).toBeLessThan(1);
        // At most three n-grams across the seam are new, all of the second half are old.
        const grams = text.split(" ").length - 3;
        expect(repetitionRate(`${text} ${text}`)).toBeGreaterThanOrEqual(grams / (2 * grams + 3) - 1e-12);
      }),
    );
  });

  test("refuses a fraction", () => {
    expect(() => repetitionRate("a", { n: 1.5 })).toThrow("repetitionRate: n must be a positive integer, got 1.5.");
  });
});
