import type { Message, RgbImage } from "@imagine-opd/protocol";
import { describe, expect, test } from "vitest";
import {
  directMessages,
  type PromptTemplates,
  promptTemplates,
  type Reveal,
  rawMessages,
  renderTemplate,
  studentMessages,
  teacherMessages,
} from "./index.ts";

/** A picture that a test can tell from the others by its width. */
const picture = (width: number): RgbImage => ({ width, height: 1, data: new Uint8Array(3 * width) });
const question = { images: [picture(1)], question: "What colour is the kite?" };
const privileged = {
  ...question,
  views: [picture(2), picture(3)],
  answer: "red",
  solution: "By the pier is cloth, so red.",
};

/** The turns as text, pictures as [width]. */
const sketch = (messages: readonly Message[]): string[] =>
  messages.map(
    ({ role, content }) =>
      `${role}: ${content.map((part) => (part.type === "text" ? part.text : `[${part.image.width}]`)).join("|")}`,
  );
const system = (name: keyof PromptTemplates): string => `system: ${renderTemplate(promptTemplates, name)}`;

describe("studentMessages", () => {
  test("puts the picture before the question under the student's system turn", () => {
    const user = "user: [1]|What colour is the kite?";
    expect(sketch(studentMessages(question, { imagination: "on" }))).toEqual([system("student"), user]);
    expect(sketch(studentMessages(question, { imagination: "off" }))).toEqual([system("studentPlain"), user]);
  });

  test("leaves out what only the teacher may see", () => {
    expect(studentMessages(privileged, { imagination: "on" })).toEqual(
      studentMessages(question, { imagination: "on" }),
    );
  });

  test("appends options one a line", () => {
    const choices = [
      { key: "A", text: "red" },
      { key: "B", text: "{blue}" },
    ];
    const [, user] = sketch(studentMessages({ ...question, choices }, { imagination: "on" }));
    expect(user).toBe("user: [1]|What colour is the kite?\n(A) red\n(B) {blue}");
  });

  test("puts pictures where the question marks them", () => {
    const input = { images: [picture(1), picture(2)], question: "<image>\nIs it the same as <image>?" };
    const [, user] = sketch(studentMessages(input, { imagination: "on" }));
    expect(user).toBe("user: [1]|\nIs it the same as |[2]|?");
  });

  test("refuses markers that do not match the pictures", () => {
    const input = { images: [picture(1)], question: "<image> or <image>?" };
    expect(() => studentMessages(input, { imagination: "on" })).toThrow(
      "imagination-prompts.studentMessages: the question holds 2 <image> markers for 1 pictures. Give one marker for",
    );
  });

  test("refuses a marker in an option", () => {
    const input = { ...question, choices: [{ key: "A", text: "<image>" }] };
    expect(() => studentMessages(input, { imagination: "on" })).toThrow('the option "A" contains <image>');
  });

  test.each([
    [{ images: [], question: "Why?" }, 'got 0 pictures and the question "Why?".'],
    [{ images: [picture(1)], question: " " }, 'got 1 pictures and the question " ".'],
  ])("refuses %j", (input, message) => {
    expect(() => studentMessages(input, { imagination: "on" })).toThrow(message);
  });

  test("an empty system template gives no system turn", () => {
    const templates = { ...promptTemplates, student: { id: "none", version: 1, text: "" } };
    expect(sketch(studentMessages(question, { imagination: "on", templates }))).toEqual([
      "user: [1]|What colour is the kite?",
    ]);
  });
});

describe("teacherMessages", () => {
  test.each<[Reveal, keyof PromptTemplates, string]>([
    [{ evidence: true, groundTruth: true }, "teacherViewsAnswer", "|[2]|[3]| Labelled answer: red"],
    [{ evidence: true, groundTruth: false }, "teacherViews", "|[2]|[3]"],
    [{ evidence: false, groundTruth: true }, "teacherAnswer", "| Labelled answer: red"],
    [{ evidence: false, groundTruth: false }, "student", ""],
  ])("%j", (reveal, name, extra) => {
    expect(sketch(teacherMessages(privileged, { reveal }))).toEqual([
      system(name),
      `user: [1]|What colour is the kite?${extra}`,
    ]);
  });

  test.each<[boolean, keyof PromptTemplates, string]>([
    [true, "teacherViewsAnswer", "|[2]|[3]| Reference solution: By the pier is cloth, so red."],
    [false, "teacherAnswer", "| Reference solution: By the pier is cloth, so red."],
  ])("a solution in the answer's place, with evidence %j", (evidence, name, extra) => {
    const reveal = { evidence, groundTruth: "solution" } as const;
    const words = { ...promptTemplates, hiddenAnswer: promptTemplates.hiddenSolution };
    const turns = sketch(teacherMessages(privileged, { reveal }));
    expect(turns).toEqual([`system: ${renderTemplate(words, name)}`, `user: [1]|What colour is the kite?${extra}`]);
    expect(turns[0]).toContain("never say or hint that a solution was given");
    expect(turns.join()).not.toContain("abelled answer");
  });

  test("with nothing revealed is the student's context", () => {
    const reveal = { evidence: false, groundTruth: false };
    expect(teacherMessages(privileged, { reveal })).toEqual(studentMessages(question, { imagination: "on" }));
  });

  test("begins its user turn as the student does, whatever is revealed", () => {
    const student = studentMessages(question, { imagination: "on" }).at(-1)!.content;
    const teacher = teacherMessages(privileged, { reveal: { evidence: true, groundTruth: true } }).at(-1)!.content;
    expect(teacher.slice(0, student.length)).toEqual(student);
  });

  test("refuses to reveal views that are not there", () => {
    const reveal = { evidence: true, groundTruth: false };
    expect(() => teacherMessages({ ...privileged, views: [] }, { reveal })).toThrow(
      "imagination-prompts.teacherMessages: reveal.evidence is true, but the record has no views. Skip the record",
    );
  });

  test.each([undefined, "", "  "])("refuses to reveal the answer %j", (answer) => {
    const { answer: _, ...unlabelled } = privileged;
    const input = answer === undefined ? unlabelled : { ...unlabelled, answer };
    const reveal = { evidence: true, groundTruth: true };
    expect(() => teacherMessages(input, { reveal })).toThrow(
      "reveal.groundTruth is true, but the record has no answer.",
    );
  });

  test.each([undefined, "", "  "])("refuses to reveal the solution %j, though there is an answer", (solution) => {
    const { solution: _, ...unsolved } = privileged;
    const input = solution === undefined ? unsolved : { ...unsolved, solution };
    expect(() => teacherMessages(input, { reveal: { evidence: true, groundTruth: "solution" } })).toThrow(
      'reveal.groundTruth is "solution", but the record has no solution. Skip the record',
    );
  });

  test("refuses a marker in the answer", () => {
    const reveal = { evidence: false, groundTruth: true };
    expect(() => teacherMessages({ ...privileged, answer: "<image>" }, { reveal })).toThrow(
      "the answer contains <image>",
    );
    expect(() =>
      teacherMessages({ ...privileged, solution: "<image>" }, { reveal: { ...reveal, groundTruth: "solution" } }),
    ).toThrow("the solution contains <image>");
  });
});

describe("rawMessages and directMessages", () => {
  test("raw is one user turn", () => {
    expect(sketch(rawMessages([picture(1), picture(2)], "Why?"))).toEqual(["user: [1]|[2]|Why?"]);
    expect(() => rawMessages([], "<image>")).toThrow("imagination-prompts.rawMessages: the question holds 1 <image>");
  });

  test("direct asks for the answer tag alone", () => {
    expect(sketch(directMessages(question))).toEqual([system("direct"), "user: [1]|What colour is the kite?"]);
    expect(system("direct")).toContain("<answer>ANSWER</answer> alone");
  });
});
