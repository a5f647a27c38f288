import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseAnswer } from "./parse-answer.ts";

describe("parseAnswer", () => {
  test.each([
    ["It is red. <answer>red</answer>", { answer: "red", tag: "closed", start: 11, end: 31, afterAnswer: "" }],
    ["<answer> 7 </answer> done ", { answer: "7", tag: "closed", start: 0, end: 20, afterAnswer: "done" }],
    ["<ANSWER>B</Answer>", { answer: "B", tag: "closed", start: 0, end: 18, afterAnswer: "" }],
    ["So <answer>dark red", { answer: "dark red", tag: "open", start: 3, end: 19, afterAnswer: "" }],
    ["<answer></answer>", { tag: "closed", start: 0, end: 17, afterAnswer: "" }],
    ["red</answer>", { tag: "missing", start: 12, end: 12, afterAnswer: "" }],
    ["", { tag: "missing", start: 0, end: 0, afterAnswer: "" }],
    // The last tag counts, even where an earlier one is complete.
    ["<answer>A</answer> no, <answer>B</answer>", { answer: "B", tag: "closed", start: 23, end: 41, afterAnswer: "" }],
    ["<answer>A<answer>B</answer>", { answer: "B", tag: "closed", start: 9, end: 27, afterAnswer: "" }],
    ["<answer>A</answer> <answer>", { tag: "open", start: 19, end: 27, afterAnswer: "" }],
  ])("%j", (text, expected) => {
    expect(parseAnswer(text)).toEqual(expected);
  });

  test("reads back any answer behind any text", () => {
    const plain = fc.string().filter((text) => !text.includes("<"));
    fc.assert(
      fc.property(plain, plain, plain, (before, answer, after) => {
        const parsed = parseAnswer(`${before}<answer>${answer}</answer>${after}`);
        expect(parsed.answer ?? "").toBe(answer.trim());
        expect(parsed.afterAnswer).toBe(after.trim());
        expect(parsed.start).toBe(before.length);
      }),
    );
  });
});
