import type { Processor, Rollout } from "@imagine-opd/protocol";
import { createToyProcessor, toyPrompt } from "@imagine-opd/test-kit";
import { expect, test } from "vitest";
import { findAssistantPrefix } from "./assistant-boundary.ts";
import { pairContexts } from "./pair-contexts.ts";

const inner = createToyProcessor(20);
/** A processor whose template ends the user's turn with 17 and begins the assistant's with 18 19. */
const processor: Processor = {
  ...inner,
  encode(messages) {
    const { tokenIds, patches } = inner.encode(messages);
    return { tokenIds: Int32Array.of(...tokenIds, 17, 18, 19), patches };
  },
};

test("the prefix is what every prompt ends with, and empty for a template without a header", () => {
  expect([...findAssistantPrefix(processor)]).toEqual([17, 18, 19]);
  expect([...findAssistantPrefix(inner)]).toEqual([]);
});

const rollout = (ids: number[]): Rollout => ({
  recordId: "kite",
  prompt: toyPrompt(ids),
  completion: Int32Array.of(5),
  logProbs: Float32Array.of(-1),
  stopReason: "stop",
  seed: 1,
});
const limits = { placeholderTokenIds: [0], contextLength: 20, assistantPrefix: Int32Array.of(17, 18, 19) };

test("a completion that begins at another place on one side is refused", () => {
  const student = [rollout([3, 17, 18, 19])];
  expect(pairContexts(student, [toyPrompt([3, 4, 17, 18, 19])], limits)).toHaveLength(1);
  expect(() => pairContexts(student, [toyPrompt([3, 17, 18, 19, 6])], limits)).toThrow(
    `privileged-teacher.pairContexts: the teacher's prompt of record "kite" must end with the assistant's header [17,18,19], got [18,19,6].`,
  );
  expect(() => pairContexts([rollout([3])], [toyPrompt([3, 17, 18, 19])], limits)).toThrow(
    `the student's prompt of record "kite" must end with the assistant's header [17,18,19], got [3].`,
  );
});
