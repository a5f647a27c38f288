import { isImagineOpdError } from "@imagine-opd/protocol";
import { describe, expect, test } from "vitest";
import { exampleCopyRate, fingerprintTemplates, parseTrajectory, promptTemplates, renderTemplate } from "./index.ts";

const words = (text: string) => text.split(/\s+/).length;

describe("promptTemplates", () => {
  test("student system turn", () => {
    expect(renderTemplate(promptTemplates, "student")).toMatchInlineSnapshot(`
      "Answer the question about the picture. Reason step by step in plain text.
      When a small detail matters, you may imagine a closer look: name the region in words, mentally zoom in on it, and describe what becomes visible. This is thought only, never an action or a tool call.
      Example: Looking over the station, the clock above the left door matters. I mentally zoom in on that clock. Up close I see the short hand at 3 and the long hand at 12. So it is three o'clock. <answer>3:00</answer>
      End with <answer>ANSWER</answer> and nothing after it. With options, ANSWER is one letter; if none fits your reasoning, choose the most plausible once and stop."
    `);
  });

  test("student system turn without imagination", () => {
    expect(renderTemplate(promptTemplates, "studentPlain")).toMatchInlineSnapshot(`
      "Answer the question about the picture. Reason step by step in plain text.
      End with <answer>ANSWER</answer> and nothing after it. With options, ANSWER is one letter; if none fits your reasoning, choose the most plausible once and stop."
    `);
  });

  test("teacher system turn with views and answer", () => {
    expect(renderTemplate(promptTemplates, "teacherViewsAnswer")).toMatchInlineSnapshot(`
      "Answer the question about the picture. Reason step by step in plain text.
      When a small detail matters, you may imagine a closer look: name the region in words, mentally zoom in on it, and describe what becomes visible. This is thought only, never an action or a tool call.
      Example: Looking over the station, the clock above the left door matters. I mentally zoom in on that clock. Up close I see the short hand at 3 and the long hand at 12. So it is three o'clock. <answer>3:00</answer>
      Extra pictures follow the question: what stands before the question is the original, what stands after it are enlarged views of parts of the original. They are hidden support. Learn from them where to look and what is there; whatever a view helps you to see, restate as a closer look that you imagine. Once you know the region, reason as if there were only the original: never mention further pictures, views or their number.
      A labelled answer follows the question. It is hidden support. Let it lead you to the evidence in the picture, and never say or hint that an answer was given.
      End with <answer>ANSWER</answer> and nothing after it. With options, ANSWER is one letter; if none fits your reasoning, choose the most plausible once and stop."
    `);
  });

  test("direct system turn", () => {
    expect(renderTemplate(promptTemplates, "direct")).toMatchInlineSnapshot(
      `"Answer the question about the picture. Do not explain: reply with <answer>ANSWER</answer> alone, where ANSWER is a word or a short phrase, or one letter when there are options."`,
    );
  });

  test("the student's prompt stays within 120 words and the teacher's within 230", () => {
    expect(words(renderTemplate(promptTemplates, "student"))).toBeLessThanOrEqual(120);
    expect(words(renderTemplate(promptTemplates, "teacherViewsAnswer"))).toBeLessThanOrEqual(230);
  });

  test.each(["student", "teacherViews", "teacherAnswer", "teacherViewsAnswer"] as const)(
    "%s holds task, imagination, the shared example and the ending",
    (name) => {
      const text = renderTemplate(promptTemplates, name);
      for (const part of ["task", "imagination", "example", "ending"] as const) {
        expect(text).toContain(renderTemplate(promptTemplates, part));
      }
    },
  );

  test("only the teachers speak of hidden material, each of its own", () => {
    const views = renderTemplate(promptTemplates, "hiddenViews");
    const answer = renderTemplate(promptTemplates, "hiddenAnswer");
    const holds = (name: keyof typeof promptTemplates) => {
      const text = renderTemplate(promptTemplates, name);
      return [text.includes(views), text.includes(answer)];
    };
    expect(holds("student")).toEqual([false, false]);
    expect(holds("studentPlain")).toEqual([false, false]);
    expect(holds("teacherViews")).toEqual([true, false]);
    expect(holds("teacherAnswer")).toEqual([false, true]);
    expect(holds("teacherViewsAnswer")).toEqual([true, true]);
  });

  test("the plain student is told nothing of imagining", () => {
    expect(renderTemplate(promptTemplates, "studentPlain")).not.toMatch(/imagine|mental|zoom|example/i);
  });

  test("the worked example makes the four moves once, in order", () => {
    const { moves, rounds, answer } = parseTrajectory(renderTemplate(promptTemplates, "example"));
    expect(moves.map(({ kind }) => kind)).toEqual(["locate", "invoke", "reveal", "commit"]);
    expect(rounds).toBe(1);
    expect(answer).toBe("3:00");
    expect(exampleCopyRate(renderTemplate(promptTemplates, "example"))).toBe(1);
  });
});

describe("renderTemplate", () => {
  test("inserts values verbatim", () => {
    expect(renderTemplate(promptTemplates, "answerLabel", { answer: "{task} $& {x}" })).toBe(
      " Labelled answer: {task} $& {x}",
    );
  });

  test("refuses a slot that nothing fills", () => {
    const render = () => renderTemplate(promptTemplates, "choice", { key: "A" });
    // `text` is no template name, so the missing value is found.
    expect(render).toThrow('imagination-prompts.renderTemplate: nothing fills the slot {text} of template "choice".');
    expect(render).toThrow("Known slots here: key, task,");
  });

  test("refuses templates that contain each other", () => {
    const templates = { ...promptTemplates, ending: { id: "ending", version: 2, text: "{task}" } };
    const loop = { ...templates, task: { id: "task", version: 2, text: "{ending}" } };
    expect(() => renderTemplate(loop, "student")).toThrow('template "ending" contains "task", which contains it.');
    try {
      renderTemplate(loop, "student");
    } catch (error) {
      expect(isImagineOpdError(error) && error.code).toBe("invalid-argument");
    }
  });
});

describe("fingerprintTemplates", () => {
  test("is stable", () => {
    expect(fingerprintTemplates(promptTemplates)).toMatchInlineSnapshot(`"b62dbc428fd27d59"`);
  });

  test("does not depend on the order of the templates", () => {
    const reversed = Object.fromEntries(Object.entries(promptTemplates).reverse()) as unknown as typeof promptTemplates;
    expect(fingerprintTemplates(reversed)).toBe(fingerprintTemplates(promptTemplates));
  });

  test.each([{ text: "Bye." }, { version: 2 }, { id: "other" }])("changes with %j", (change) => {
    const changed = { ...promptTemplates, ending: { ...promptTemplates.ending, ...change } };
    expect(fingerprintTemplates(changed)).not.toBe(fingerprintTemplates(promptTemplates));
  });

  test.each(Object.keys(promptTemplates) as (keyof typeof promptTemplates)[])("changes with the text of %s", (name) => {
    const changed = { ...promptTemplates, [name]: { ...promptTemplates[name], text: "Bye." } };
    expect(fingerprintTemplates(changed)).not.toBe(fingerprintTemplates(promptTemplates));
  });
});
