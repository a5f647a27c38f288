import { ImagineOpdError } from "@imagine-opd/protocol";
import { cleanBox } from "./clean-box.ts";
import type { BoxFault, DroppedRegion, Region, RegionRecord } from "./region-record.ts";
import { parseVisualCotRow, RowError, type RowFault, type VisualCotForm, type VisualCotRow } from "./visual-cot-row.ts";

export interface ReadVisualCotOptions {
  /**
   * What happens to a row that does not hold what the format promises: `fail` throws at the first one, `drop` leaves it
   * out and counts it. Dirty boxes are not bad rows: they are clamped or left out, and counted, in either case.
   * @default "fail"
   */
  readonly onBadRecord?: "fail" | "drop";
}

/** What {@link readVisualCot} kept, left out and mended, in counts. */
export interface VisualCotReport {
  /** Rows, blank lines not counted: `kept` plus the sum of `dropped`. */
  readonly read: number;
  readonly kept: number;
  /** Rows left out, by reason. */
  readonly dropped: Readonly<Record<string, number>>;
  /** Boxes that reached beyond the picture. */
  readonly clampedBoxes: number;
  /** Boxes whose corners came in the wrong order. */
  readonly sortedBoxes: number;
  /** Boxes left out, by reason. */
  readonly droppedBoxes: Readonly<Partial<Record<BoxFault, number>>>;
  /** Kept records without an answer. */
  readonly withoutAnswer: number;
  /** Kept records without a stated picture size: check their boxes with `checkRegions` once the picture is decoded. */
  readonly withoutSize: number;
  /** Kept records of each published form. */
  readonly forms: Readonly<Partial<Record<VisualCotForm, number>>>;
}

/**
 * Reads Visual-CoT annotations (Shao et al. 2024) into records: metadata lines with `bboxs`, detection lines with
 * `img_path`, or the conversation form as lines or as one JSON array. The form is told from the keys of each row.
 * A row of any form may have a `solution` of its own, text. A record whose every box is dirty is left out under the reason `no usable box`.
 * @throws invalid-data with the line's number for the first bad row, unless `onBadRecord` is `drop`
 */
export async function readVisualCot(
  lines: Iterable<string> | AsyncIterable<string>,
  { onBadRecord = "fail" }: ReadVisualCotOptions = {},
): Promise<{ records: RegionRecord[]; report: VisualCotReport }> {
  const records: RegionRecord[] = [];
  const tally = { read: 0, clampedBoxes: 0, sortedBoxes: 0, withoutAnswer: 0, withoutSize: 0 };
  const dropped: Record<string, number> = {};
  const droppedBoxes: Partial<Record<BoxFault, number>> = {};
  const forms: Partial<Record<VisualCotForm, number>> = {};
  for await (const { place, number, parse } of eachRow(lines)) {
    tally.read += 1;
    try {
      const row = parseVisualCotRow(parse());
      const { regions, faults, clamped, sorted } = cleanBoxes(row);
      tally.clampedBoxes += clamped;
      tally.sortedBoxes += sorted;
      for (const fault of faults) count(droppedBoxes, fault.reason);
      if (regions.length === 0) {
        count(dropped, "no usable box");
        continue;
      }
      records.push(toRecord(row, number, regions, faults));
      count(forms, row.form);
      tally.withoutAnswer += row.answer === undefined ? 1 : 0;
      tally.withoutSize += row.width === undefined || row.height === undefined ? 1 : 0;
    } catch (error) {
      if (!(error instanceof RowError)) throw error;
      if (onBadRecord === "fail") throw badRow(place, error);
      count(dropped, error.reason);
    }
  }
  const { read, ...counts } = tally;
  return { records, report: { read, kept: records.length, dropped, ...counts, droppedBoxes, forms } };
}

interface PlacedRow {
  /** `line 12`, or `element 11` of an array. */
  readonly place: string;
  readonly number: number;
  /** Gives the row's value; throws RowError for a malformed line. */
  parse(): unknown;
}

/** Rows of JSON lines, or the elements when the text is one JSON array. */
async function* eachRow(lines: Iterable<string> | AsyncIterable<string>): AsyncGenerator<PlacedRow> {
  let number = 0;
  let rows = 0;
  let array: string[] | undefined;
  for await (const line of lines) {
    number += 1;
    const text = number === 1 ? line.replace(/^\uFEFF/, "") : line;
    if (array !== undefined) array.push(text);
    else if (text.trim() === "") continue;
    else if (rows === 0 && text.trimStart().startsWith("[")) array = [text];
    else {
      rows += 1;
      yield { place: `line ${number}`, number, parse: () => parseLine(text) };
    }
  }
  if (array === undefined) return;
  let elements: unknown[];
  try {
    elements = JSON.parse(array.join("\n"));
  } catch (error) {
    throw badRow("the array", new RowError("malformed line", `not valid JSON: ${(error as Error).message}`));
  }
  for (const [index, value] of elements.entries()) {
    yield { place: `element ${index}`, number: index, parse: () => value };
  }
}

function parseLine(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new RowError("malformed line", `not valid JSON: ${(error as Error).message}`);
  }
}

function cleanBoxes(row: VisualCotRow) {
  const regions: Region[] = [];
  const faults: DroppedRegion[] = [];
  let [clamped, sorted] = [0, 0];
  for (const box of row.boxes) {
    const clean = cleanBox(box, row);
    if (clean.kind === "dropped") {
      faults.push({ box, reason: clean.reason });
      continue;
    }
    regions.push({ image: 0, box: clean.box, space: "pixel" });
    clamped += clean.clamped ? 1 : 0;
    sorted += clean.sorted ? 1 : 0;
  }
  return { regions, faults, clamped, sorted };
}

function toRecord(row: VisualCotRow, number: number, regions: Region[], dropped: DroppedRegion[]): RegionRecord {
  const { ref, width, height, question, answer, solution, dataset, split, raw } = row;
  return {
    id: `visual-cot${dataset === undefined ? "" : `/${dataset}`}:${number}`,
    source: "visual-cot",
    ...(split === undefined ? {} : { split }),
    images: [{ ref, ...(width === undefined ? {} : { width }), ...(height === undefined ? {} : { height }) }],
    question,
    choices: null,
    ...(answer === undefined ? {} : { answer }),
    ...(solution === undefined ? {} : { solution }),
    regions,
    ...(dataset === undefined ? {} : { category: dataset }),
    meta: { dropped, raw },
  };
}

function count(
  counts: Partial<Record<string, number>>,
  key: RowFault | BoxFault | VisualCotForm | "no usable box",
): void {
  counts[key] = (counts[key] ?? 0) + 1;
}

function badRow(place: string, { reason, message }: RowError): ImagineOpdError {
  return new ImagineOpdError("invalid-data", {
    where: "region-datasets.readVisualCot",
    problem: `${place}: ${reason}: ${message}.`,
    remedy: 'Correct the row, or pass onBadRecord: "drop" to leave such rows out and count them.',
    details: { place, reason },
  });
}
