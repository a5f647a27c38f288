import { isImagineOpdError } from "@imagine-opd/protocol";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { readVisualCot } from "./read-visual-cot.ts";

const good = {
  question: "What is on the table?",
  answer: "cup",
  image: "0001.jpg",
  width: 640,
  height: 480,
  bboxs: [[34.5, 79.75, 108.5, 115.25]],
  dataset: "vsr",
  split: "train",
};
const line = (changes: object = {}) => JSON.stringify({ ...good, ...changes });

test("a metadata line becomes the common record", async () => {
  const { records, report } = await readVisualCot([line({ mood: "calm", bbox_count: 1 })]);
  expect(records).toEqual([
    {
      id: "visual-cot/vsr:1",
      source: "visual-cot",
      split: "train",
      images: [{ ref: "0001.jpg", width: 640, height: 480 }],
      question: "What is on the table?",
      choices: null,
      answer: { text: "cup" },
      regions: [{ image: 0, box: [34.5, 79.75, 108.5, 115.25], space: "pixel" }],
      category: "vsr",
      meta: { dropped: [], raw: { mood: "calm", bbox_count: 1 } },
    },
  ]);
  expect(report).toEqual({
    read: 1,
    kept: 1,
    dropped: {},
    clampedBoxes: 0,
    sortedBoxes: 0,
    droppedBoxes: {},
    withoutAnswer: 0,
    withoutSize: 0,
    forms: { metadata: 1 },
  });
});

test("a conversation row gives the pixel suffix, not the padded box, and strips the request", async () => {
  const row = {
    dataset: "gqa",
    split: "val",
    question_id: 7,
    image: ["cot/gqa/1.jpg", "cot/gqa/1.jpg###[100, 60, 300, 180]"],
    conversations: [
      { from: "human", value: "<image>\nWhat is lit? Please provide the bounding box coordinate of the region." },
      { from: "gpt", value: "[0.156, 0.219, 0.469, 0.406]" },
      { from: "human", value: "<image>" },
      { from: "gpt", value: "window" },
    ],
  };
  const asLine = await readVisualCot([JSON.stringify(row)]);
  const asArray = await readVisualCot(JSON.stringify([row, row], null, 2).split("\n"));
  expect(asLine.records[0]).toMatchObject({
    id: "visual-cot/gqa:1",
    question: "What is lit?",
    answer: { text: "window" },
    images: [{ ref: "cot/gqa/1.jpg" }],
    regions: [{ box: [100, 60, 300, 180], space: "pixel" }],
    meta: { raw: { question_id: 7 } },
  });
  expect(asLine.report.withoutSize).toBe(1);
  expect(asArray.records.map(({ id }) => id)).toEqual(["visual-cot/gqa:0", "visual-cot/gqa:1"]);
  expect(asArray.report.forms).toEqual({ conversation: 2 });
});

test("a detection line has no answer and gets none", async () => {
  const { records, report } = await readVisualCot([
    '{"img_path":"cot/gqa/1.jpg","expression":"What is it?","bbox":[1,2,30,40],"height":480,"width":640,"question_id":7,"split":"val"}',
  ]);
  expect(records[0]).not.toHaveProperty("answer");
  expect(records[0]).toMatchObject({ question: "What is it?", regions: [{ box: [1, 2, 30, 40] }] });
  expect(report).toMatchObject({ withoutAnswer: 1, forms: { detection: 1 } });
});

test("a missing answer of a metadata line stays missing", async () => {
  const { records, report } = await readVisualCot([line({ answer: undefined }), line({ answer: null })]);
  expect(records.map((record) => "answer" in record)).toEqual([false, false]);
  expect(report.withoutAnswer).toBe(2);
});

test("a solution is read from any form, and is no leftover field", async () => {
  const solution = " The shelf holds a cup. So it is a cup.\n";
  const conversation = {
    image: ["a.jpg", "a.jpg###[1, 2, 3, 4]"],
    conversations: [{ value: "What?" }, {}, {}, { value: "cup" }],
  };
  const rows = [
    line({ solution }),
    line({ solution: null }),
    JSON.stringify({ ...conversation, solution }),
    JSON.stringify({ img_path: "a.jpg", expression: "What?", bbox: [1, 2, 3, 4], solution }),
  ];
  const { records } = await readVisualCot(rows);
  const text = solution.trim();
  expect(records.map((record) => record.solution)).toEqual([text, undefined, text, text]);
  expect(records.map((record) => "solution" in record)).toEqual([true, false, true, true]);
  for (const { meta } of records) expect(meta.raw).not.toHaveProperty("solution");
});

test("dirty boxes are clamped, sorted or left out, and counted", async () => {
  const { records, report } = await readVisualCot([
    line({ bboxs: [[600, 10, 700, 50]] }),
    line({ bboxs: [[10, 400, 50, 481]] }),
    line({ bboxs: [[-5, -6, 20, 30]] }),
    line({ bboxs: [[108, 115, 34, 79]] }),
    line({
      bboxs: [
        [1, 2, 3, 4],
        [50, 50, 50, 80],
        [1, 2, null, 4],
        [640, 0, 700, 10],
      ],
    }),
    line({ bboxs: [[5, 5, 5, 5]] }),
    line({ bboxs: [[0, 0, 1, 1]] }).replace("[0,0,1,1]", "[0,0,1e999,1]"),
  ]);
  expect(records.map(({ regions }) => regions.map(({ box }) => box))).toEqual([
    [[600, 10, 640, 50]],
    [[10, 400, 50, 480]],
    [[0, 0, 20, 30]],
    [[34, 79, 108, 115]],
    [[1, 2, 3, 4]],
  ]);
  expect(records[4]!.meta.dropped).toEqual([
    { box: [50, 50, 50, 80], reason: "empty" },
    { box: [1, 2, null, 4], reason: "non-finite" },
    { box: [640, 0, 700, 10], reason: "outside" },
  ]);
  expect(report).toMatchObject({
    read: 7,
    kept: 5,
    clampedBoxes: 3,
    sortedBoxes: 1,
    droppedBoxes: { empty: 2, "non-finite": 2, outside: 1 },
    dropped: { "no usable box": 2 },
  });
});

const bad: [string, string][] = [
  ['{"question": "What', "malformed line"],
  ["17", "malformed line"],
  ['{"colour":"red"}', "unknown form"],
  [line({ image: undefined }), "missing image"],
  [line({ image: "  " }), "missing image"],
  [line({ question: "<image>\n" }), "missing question"],
  [line({ question: "<image><image> both?" }), "marker count"],
  [line({ bboxs: undefined }), "missing box"],
  [line({ bboxs: [] }), "missing box"],
  [line({ bboxs: [[1, 2, 3]] }), "malformed box"],
  [line({ bboxs: [["1", "2", "3", "4"]] }), "malformed box"],
  [line({ answer: " " }), "empty answer"],
  [line({ answer: 7 }), "malformed answer"],
  [line({ solution: "" }), "empty solution"],
  [line({ solution: ["look"] }), "malformed solution"],
  [line({ width: -1 }), "malformed size"],
  ['{"conversations":[{"value":"What?"}],"image":["a.jpg","a.jpg"]}', "missing box"],
  ['{"conversations":[{"value":"What?"}],"image":["a.jpg","a.jpg###[1,2"]}', "malformed box"],
];

test.each(bad)("%s fails by default, with its line: %s", async (text, reason) => {
  const reading = readVisualCot([line(), "", text, line()]);
  await expect(reading).rejects.toThrow(`region-datasets.readVisualCot: line 3: ${reason}: `);
  await expect(reading).rejects.toSatisfy((error) => isImagineOpdError(error) && error.code === "invalid-data");
});

test.each(bad)("%s can be dropped and counted: %s", async (text, reason) => {
  const { records, report } = await readVisualCot([line(), text, line()], { onBadRecord: "drop" });
  expect(records.map(({ id }) => id)).toEqual(["visual-cot/vsr:1", "visual-cot/vsr:3"]);
  expect(report).toMatchObject({ read: 3, kept: 2, dropped: { [reason]: 1 } });
});

test("empty input, blank lines, a byte order mark, carriage returns and async lines are read", async () => {
  expect((await readVisualCot([])).report).toMatchObject({ read: 0, kept: 0 });
  async function* lines() {
    yield `\uFEFF${line()}\r`;
    yield "  ";
    yield `${line()}\r`;
  }
  const { records, report } = await readVisualCot(lines());
  expect(report.read).toBe(2);
  expect(records[1]!.id).toBe("visual-cot/vsr:3");
});

test("a broken array is one error", async () => {
  await expect(readVisualCot(["[", '{"a":1'])).rejects.toThrow("the array: malformed line: not valid JSON");
});

test("every row is kept or counted, and every kept box lies on its picture", async () => {
  const side = fc.oneof(fc.integer({ min: -50, max: 150 }), fc.constant(null));
  const row = fc.record({ box: fc.tuple(side, side, side, side), answer: fc.constantFrom("yes", "", undefined) });
  await fc.assert(
    fc.asyncProperty(fc.array(row), async (rows) => {
      const { records, report } = await readVisualCot(
        rows.map(({ box, answer }) => line({ width: 100, height: 80, bboxs: [box], answer })),
        { onBadRecord: "drop" },
      );
      const dropped = Object.values(report.dropped).reduce((sum, count) => sum + count, 0);
      expect(report.read).toBe(rows.length);
      expect(report.kept + dropped).toBe(rows.length);
      for (const { regions } of records) {
        const [left, top, right, bottom] = regions[0]!.box;
        expect(0 <= left && left < right && right <= 100 && 0 <= top && top < bottom && bottom <= 80).toBe(true);
      }
    }),
  );
});
