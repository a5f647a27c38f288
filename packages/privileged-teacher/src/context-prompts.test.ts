import { studentMessages, teacherMessages } from "@imagine-opd/imagination-prompts";
import type { Message, Processor } from "@imagine-opd/protocol";
import { describe, expect, test } from "vitest";
import { studentPrompt, teacherPrompt } from "./context-prompts.ts";

const picture = (width: number) => ({ width, height: 1, data: new Uint8Array(3 * width) });
const example = { images: [picture(1)], question: "What colour?", views: [picture(2), picture(3)], answer: "red" };
const reveal = { evidence: true, groundTruth: true };

/** Encodes a picture as id 99 and a text as its length; remembers what it was given. */
function fakeProcessor(limitPictures = Number.POSITIVE_INFINITY): Processor & { given?: readonly Message[] } {
  return {
    encode(messages) {
      this.given = messages;
      const parts = messages.flatMap(({ content }) => content);
      const pictures = parts.flatMap((part) => (part.type === "image" ? [part.image] : [])).slice(0, limitPictures);
      return {
        tokenIds: Int32Array.from(parts, (part) => (part.type === "image" ? 99 : part.text.length % 99)),
        patches: pictures.map(({ width }) => ({ key: `${width}`, values: new Float32Array(1), grid: [1, 1, 1] })),
      };
    },
    decode: () => "",
    stopTokenIds: [0],
    placeholderTokenIds: [99],
    tokenCount: 100,
    fingerprint: "fake",
  };
}

describe("teacherPrompt and studentPrompt", () => {
  test("encode the messages of imagination-prompts", () => {
    const processor = fakeProcessor();
    expect(studentPrompt(processor, example, { imagination: "on" }).patches.map(({ key }) => key)).toEqual(["1"]);
    expect(processor.given).toEqual(studentMessages(example, { imagination: "on" }));
    expect(teacherPrompt(processor, example, { reveal }).patches.map(({ key }) => key)).toEqual(["1", "2", "3"]);
    expect(processor.given).toEqual(teacherMessages(example, { reveal }));
  });

  test("refuse a processor that drops pictures", () => {
    expect(() => teacherPrompt(fakeProcessor(1), example, { reveal })).toThrow(
      "privileged-teacher.teacherPrompt: 3 pictures were given, the processor encoded 1 with 3 placeholder tokens.",
    );
    expect(() => studentPrompt(fakeProcessor(0), example, { imagination: "on" })).toThrow(
      "privileged-teacher.studentPrompt: 1 pictures were given, the processor encoded 0",
    );
  });

  test("refuse a template that renders no placeholder", () => {
    const processor = { ...fakeProcessor(), placeholderTokenIds: [98] };
    expect(() => teacherPrompt(processor, example, { reveal })).toThrow("encoded 3 with 0 placeholder tokens.");
  });

  test("pass on that there is nothing to reveal", () => {
    expect(() => teacherPrompt(fakeProcessor(), { ...example, views: [] }, { reveal })).toThrow(
      "reveal.evidence is true, but the record has no views.",
    );
  });
});
