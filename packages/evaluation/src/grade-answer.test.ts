import { expect, test } from "vitest";
import { gradeAnswer } from "./grade-answer.ts";
import { normalizeAnswer } from "./normalize-answer.ts";

test.each([
  ["The Red Kite.", "red kite"],
  ["  a\tred\n kite! ", "red kite"],
  ["Seven", "7"],
  ["1,000,000", "1000000"],
  ["3.50", "3 point 50"],
  ["-3", "minus 3"],
  ["10-20", "10 20"],
  ["50 %", "50 percent"],
  ["don't", "dont"],
  ["T-shirt", "t shirt"],
  ["Größe", "größe"],
  ["ＡＢ１", "ab1"],
  ["A", "a"],
  ["+", "+"],
  ["?", "?"],
])("%j is compared as %j", (text, normal) => expect(normalizeAnswer(text)).toBe(normal));

test.each([
  ["Red.", true],
  ["the red", true],
  ["scarlet", true],
  ["The red one", false],
  ["reddish", false],
  ["blue", false],
])("free answer %j", (predicted, correct) => {
  expect(gradeAnswer(predicted, { text: "red", aliases: ["Scarlet"] })).toEqual({ correct, parsed: true });
});

test("what changes the meaning is not normalised away", () => {
  const pairs = [
    ["3", "-3"],
    ["35", "3.5"],
    ["007", "7"],
    ["5", "5%"],
    ["+", "-"],
  ] as const;
  for (const [predicted, text] of pairs) expect(gradeAnswer(predicted, { text }).correct).toBe(false);
});

test("no answer, blank and mere punctuation are unreadable, unless punctuation is the answer", () => {
  for (const predicted of [undefined, "", "  \n", "...", "?!"]) {
    expect(gradeAnswer(predicted, { text: "red" })).toEqual({ correct: false, parsed: false });
  }
  expect(gradeAnswer("?", { text: "?" })).toEqual({ correct: true, parsed: true });
});

const choices = [
  { key: "A", text: "dark red" },
  { key: "B", text: "red" },
  { key: "C", text: "blue" },
  { key: "D", text: "The blue one" },
];

test.each([
  // The key alone.
  ["B", "B"],
  ["b", "B"],
  ["(b)", "B"],
  ["B.", "B"],
  [" ( B ) ", "B"],
  ["A", "A"],
  // An option's text.
  ["red", "B"],
  ["Dark red.", "A"],
  ["the blue one", "D"],
  // Key and text.
  ["B. red", "B"],
  ["(C) blue", "C"],
  ["C: it is the colour of the sky", "C"],
  ["B. blue", undefined],
  // A key that is marked as one.
  ["Option B", "B"],
  ["The answer is C", "C"],
  ["I choose (A)", "A"],
  ["(A) or (B)", undefined],
  ["The answer is a red kite", "B"],
  // An option's text in a sentence.
  ["The red one", "B"],
  ["It is dark red", "A"],
  ["red or blue", undefined],
  ["not red", undefined],
  ["it isn't blue", undefined],
  // Letters inside words and articles are no keys.
  ["The green one", undefined],
  ["A kite", undefined],
  ["Because", undefined],
  ["Dog", undefined],
  ["E", undefined],
  ["ABC", undefined],
])("with options, %j means %s", (predicted, key) => {
  for (const right of ["A", "B", "C", "D"]) {
    const text = choices.find((choice) => choice.key === right)!.text;
    expect(gradeAnswer(predicted, { text, choices, key: right })).toEqual({
      correct: right === key,
      parsed: key !== undefined,
    });
  }
});

test("a reference that nothing can match is refused", () => {
  expect(() => gradeAnswer("x", { text: " " })).toThrow("evaluation.gradeAnswer: the reference has no text.");
  expect(() => gradeAnswer("x", { text: "red", choices })).toThrow("the reference has the key undefined");
  expect(() => gradeAnswer("x", { text: "red", choices, key: "E" })).toThrow('the key "E", which is not among');
});
