import { directMessages, studentMessages, teacherMessages } from "@imagine-opd/imagination-prompts";
import type { Example } from "@imagine-opd/protocol";
import { expect, test } from "vitest";
import { blankImage, evaluationMessages } from "./evaluation-messages.ts";

const picture = { width: 2, height: 1, data: Uint8Array.of(0, 0, 0, 255, 100, 5) };
const view = { width: 1, height: 1, data: Uint8Array.of(1, 2, 3) };
const example: Example = { id: "r:1", images: [picture], question: "what?", answer: "secret", views: [view] };
const text = (messages: unknown) => JSON.stringify(messages);

test("each mode has its prompt, and none shows the answer", () => {
  expect(evaluationMessages(example, "imagine")).toEqual(studentMessages(example, { imagination: "on" }));
  expect(evaluationMessages(example, "zoom")).toEqual(evaluationMessages(example, "imagine"));
  expect(evaluationMessages(example, "direct")).toEqual(directMessages(example));
  expect(evaluationMessages(example, "oracle")).toEqual(
    teacherMessages(example, { reveal: { evidence: true, groundTruth: false } }),
  );
  for (const mode of ["imagine", "direct", "blank", "oracle"] as const) {
    expect(text(evaluationMessages(example, mode))).not.toContain("secret");
  }
});

test("blank is the imagining prompt with the mean grey in place of every picture", () => {
  const grey = { width: 2, height: 1, data: new Uint8Array(6).fill(60) };
  expect(blankImage(picture)).toEqual(grey);
  expect(evaluationMessages(example, "blank")).toEqual(
    studentMessages({ ...example, images: [grey] }, { imagination: "on" }),
  );
  expect(picture.data[3]).toBe(255);
});

test("only the oracle sees views, and it needs them", () => {
  const images = (mode: "imagine" | "direct" | "blank" | "oracle") =>
    evaluationMessages(example, mode).flatMap(({ content }) => content.filter(({ type }) => type === "image")).length;
  expect([images("imagine"), images("direct"), images("blank"), images("oracle")]).toEqual([1, 1, 1, 2]);
  expect(() => evaluationMessages({ ...example, views: [] }, "oracle")).toThrow(
    "evaluation.evaluate: mode oracle shows the evidence views, and record `r:1` has none.",
  );
});

test("an unknown mode is refused", () => {
  expect(() => evaluationMessages(example, "guess" as "direct")).toThrow(
    '`mode` must be direct, imagine, zoom, blank or oracle, got "guess"',
  );
});
