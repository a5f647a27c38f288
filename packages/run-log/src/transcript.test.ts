import { expect, test } from "vitest";
import type { ReportTranscript } from "./report-sample.ts";
import { renderTranscript } from "./transcript.ts";

const text = " Look left. I zoom. I see 3. <answer>3</answer>";
const words = [" Look", " left.", " I", " zoom.", " I", " see", " 3.", " <answer>3</answer>"];
const moves = [
  { kind: "locate", start: 1, end: 11 },
  { kind: "invoke", start: 12, end: 19 },
  { kind: "reveal", start: 20, end: 28 },
  { kind: "commit", start: 29, end: 47 },
] as const;
const scored: ReportTranscript = {
  label: "after",
  text,
  answer: "3",
  correct: true,
  moves,
  tokens: words.map((word) => ({ text: word, student: -1, teacher: word === " 3." ? 0 : -1 })),
};

/** Names and texts of the rows, markup left out. */
const rows = (html: string) =>
  [
    ...html.matchAll(
      /<div class="move[^"]*">(?:<span class="kind">(\w+)<\/span>|<span><\/span>)<span>(.*?)<\/span><\/div>/gs,
    ),
  ].map(([, kind, said]) => [kind, said!.replace(/<[^>]*>/g, "")]);

test("each move has its row, from tokens and from plain text", () => {
  const expected = [
    ["look", "Look left."],
    ["zoom", "I zoom."],
    ["evidence", "I see 3."],
    ["answer", "&lt;answer&gt;3&lt;/answer&gt;"],
  ];
  expect(rows(renderTranscript(scored, "t"))).toEqual(expected);
  const { tokens: _, ...plain } = scored;
  expect(rows(renderTranscript(plain, "t")).map(([kind, said]) => [kind, said!.trim()])).toEqual(expected);
});

test("text outside of the moves has a row without a name, and a stop token stays in the last one", () => {
  const outside = { ...scored, moves: [moves[0], moves[3]] };
  expect(rows(renderTranscript(outside, "t"))).toEqual([
    ["look", "Look left."],
    [undefined, "I zoom. I see 3."],
    ["answer", "&lt;answer&gt;3&lt;/answer&gt;"],
  ]);
  const stopped = { ...scored, tokens: [...scored.tokens!, { text: "<end>", student: 0, teacher: 0 }] };
  expect(rows(renderTranscript(stopped, "t")).at(-1)).toEqual(["answer", "&lt;answer&gt;3&lt;/answer&gt;&lt;end&gt;"]);
});

test("the verdict is a sign and a word", () => {
  expect(renderTranscript(scored, "t")).toContain("✓ right: 3");
  expect(renderTranscript({ label: "b", text: "hm", correct: false }, "t")).toContain("✗ wrong: no readable answer");
});

test("the same tokens under the control, and all numbers in a table", () => {
  const html = renderTranscript(
    { ...scored, control: { label: "with a blank view", teacher: words.map((word) => (word === " 3." ? -3 : -1)) } },
    "t",
  );
  expect(html).toContain('<i class="m2" title="student -1.00, teacher 0.00: +1.00 nats">3.</i>');
  const [, control] = html.split("with a blank view</span>");
  expect(control).toContain('<i class="l4" title="student -1.00, teacher -3.00: -2.00 nats">3.</i>');
  expect(html).toContain("log-probs of 8 tokens");
  expect(html).toContain("<tr><td><code> 3.</code><td>-1.00<td>0.00<td>+1.00<td>-3.00<td>-2.00");
});

test("tokens that are not the text, and a control that scores others, are refused", () => {
  const where = "samples[0].transcripts[1]";
  expect(() => renderTranscript({ ...scored, text: "other" }, where)).toThrow(
    'run-log.renderReport: the tokens of `samples[0].transcripts[1]` must join to its text "other", got " Look left.',
  );
  expect(() => renderTranscript({ ...scored, control: { label: "c", teacher: [0] } }, where)).toThrow(
    "must have one log-prob for each of 8 tokens, got 1",
  );
  const { tokens: _, ...plain } = scored;
  expect(() => renderTranscript({ ...plain, control: { label: "c", teacher: [] } }, where)).toThrow("needs `tokens`");
});
