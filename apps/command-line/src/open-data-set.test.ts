import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CropOptions } from "@imagine-opd/region-cropper";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDataSet } from "./open-data-set.ts";

const box = [10, 5, 30, 25] as const;
const crop: CropOptions = { padding: 0, minSide: 1, output: { kind: "fixed", width: 4, height: 4 } };
let directory: string;

/** A stored raster of 60 x 40 pixels, blue, with a red rectangle at the box; the header says how it is turned. */
async function writePicture(name: string, orientation: number): Promise<void> {
  const pixels = Buffer.alloc(60 * 40 * 3);
  for (let y = 0; y < 40; y++) {
    for (let x = 0; x < 60; x++) {
      const inside = x >= box[0] && y >= box[1] && x < box[2] && y < box[3];
      pixels.set(inside ? [255, 0, 0] : [0, 0, 255], 3 * (60 * y + x));
    }
  }
  const picture = sharp(pixels, { raw: { width: 60, height: 40, channels: 3 } }).withMetadata({ orientation });
  await picture.webp({ lossless: true }).toFile(join(directory, name));
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "data-set-"));
  for (let orientation = 1; orientation <= 8; orientation++) await writePicture(`${orientation}.webp`, orientation);
});
afterAll(() => rmSync(directory, { recursive: true }));

const row = (fields: object) => ({
  question: "Which colour?",
  answer: "red",
  image: "1.webp",
  bboxs: [box],
  ...fields,
});

function open(rows: readonly unknown[], onBadRecord: "fail" | "drop" = "fail") {
  const file = join(directory, "data.jsonl");
  writeFileSync(file, rows.map((each) => (typeof each === "string" ? each : JSON.stringify(each))).join("\n"));
  return openDataSet(file, { format: "visual-cot", images: directory, onBadRecord, crop });
}

describe("a record", () => {
  test("becomes an example with its upright picture and its view", async () => {
    const { source, report } = await open([row({ width: 60, height: 40, dataset: "flags" })]);
    expect(source.size).toBe(1);
    expect(report.kept).toBe(1);
    const example = await source.load(0);
    expect(example).toMatchObject({ question: "Which colour?", answer: "red", category: "flags" });
    expect(example.images).toMatchObject([{ width: 60, height: 40 }]);
    expect(example.areaShares![0]).toBeCloseTo((20 * 20) / (60 * 40), 12);
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8])("orientation %i: the box follows the picture when it is turned", async (n) => {
    const { source } = await open([row({ image: `${n}.webp`, width: 60, height: 40 })]);
    const { images, views } = await source.load(0);
    expect([images[0]!.width, images[0]!.height]).toEqual(n >= 5 ? [40, 60] : [60, 40]);
    expect(views).toHaveLength(1);
    expect(Array.from(views[0]!.data)).toEqual(Array.from({ length: 16 }, () => [255, 0, 0]).flat());
  });

  test("without an answer has none", async () => {
    const { source } = await open([row({ answer: undefined })]);
    expect(await source.load(0)).not.toHaveProperty("answer");
  });

  test("keeps its solution, and without one has none", async () => {
    const { source } = await open([row({ solution: "The flag is red." }), row({})]);
    expect(await source.load(0)).toMatchObject({ answer: "red", solution: "The flag is red." });
    expect(await source.load(1)).not.toHaveProperty("solution");
  });
});

describe("the fingerprint", () => {
  test("depends on records and cropping alone", async () => {
    const first = (await open([row({})])).source.fingerprint;
    expect((await open([row({})])).source.fingerprint).toBe(first);
    expect((await open([row({ answer: "blue" })])).source.fingerprint).not.toBe(first);
    const file = join(directory, "data.jsonl");
    await open([row({})]);
    const options = { format: "visual-cot", images: directory, onBadRecord: "fail" } as const;
    const padded = await openDataSet(file, { ...options, crop: { ...crop, padding: 0.2 } });
    expect(padded.source.fingerprint).not.toBe(first);
  });
});

test("scenes are named by a file", async () => {
  const file = join(directory, "scenes.json");
  const options = { format: "scenes", onBadRecord: "fail", crop } as const;
  writeFileSync(file, JSON.stringify({ seed: 1, split: "validation", count: 3 }));
  const { source, report } = await openDataSet(file, options);
  expect([source.size, report.kept]).toEqual([3, 3]);
  expect((await source.load(2)).id).toBe("digit-validation-2");
  writeFileSync(file, "{");
  await expect(openDataSet(file, options)).rejects.toThrow("is not a JSON object that names scenes");
});

describe("refusals", () => {
  test.each([
    ["a malformed row", [row({}), "{"], "line 2: malformed line"],
    ["a row without a box", [row({ bboxs: undefined })], "line 1: missing box"],
    ["no row", [], "holds no usable record (rows read: 0)"],
    ["no usable box", [row({ width: 60, height: 40, bboxs: [[70, 50, 90, 60]] })], "rows read: 1, no usable box: 1"],
  ])("%s", async (_, rows, message) => {
    await expect(open(rows)).rejects.toThrow(message);
  });

  test("a bad row can be left out", async () => {
    const { source, report } = await open([row({}), "{", row({})], "drop");
    expect(source.size).toBe(2);
    expect(report.dropped).toEqual({ "malformed line": 1 });
  });

  test("a picture that is not there, or of another size than stated", async () => {
    const { source } = await open([row({ image: "none.webp" }), row({ width: 61 })]);
    await expect(source.load(0)).rejects.toThrow("none.webp cannot be read");
    await expect(source.load(1)).rejects.toThrow("states 61x? pixels for 1.webp, the decoded picture has 60x40");
  });

  test("a data file or picture directory that is not there", async () => {
    const options = { format: "visual-cot", onBadRecord: "fail", crop } as const;
    const missing = join(directory, "none");
    await expect(openDataSet(missing, { ...options, images: directory })).rejects.toThrow("cannot read the data file");
    await expect(openDataSet(missing, options)).rejects.toThrow("Give it by --images");
    await expect(openDataSet(missing, { ...options, images: missing })).rejects.toThrow(
      "images: there is no directory",
    );
  });
});
