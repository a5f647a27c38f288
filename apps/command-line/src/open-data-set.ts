import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { decodeImage } from "@imagine-opd/host/node";
import {
  type Example,
  type ExampleSource,
  ImagineOpdError,
  isImagineOpdError,
  type RgbImage,
} from "@imagine-opd/protocol";
import { type CropOptions, cropRegions, orientBox } from "@imagine-opd/region-cropper";
import { checkRegions, type RegionRecord, readVisualCot, type VisualCotReport } from "@imagine-opd/region-datasets";
import { requireDirectory } from "./open-checkpoint.ts";
import { createSceneSource, type SceneSet } from "./scene-source.ts";

/** `visual-cot`: lines of JSON about picture files. `scenes`: a JSON object that names procedural scenes, see {@link SceneSet}. */
export const dataFormats = ["visual-cot", "scenes"] as const;

export interface DataSetOptions {
  readonly format: (typeof dataFormats)[number];
  /** Directory that the records' picture names are relative to; scenes have none. */
  readonly images?: string;
  /** Whether a bad row stops the program or is left out and counted. */
  readonly onBadRecord: "fail" | "drop";
  readonly crop: CropOptions;
}

export interface OpenedDataSet {
  readonly source: ExampleSource;
  readonly report: Pick<VisualCotReport, "read" | "kept" | "dropped">;
}

/** Size of a picture as it is stored, before its EXIF rotation. */
function storedSize({ width, height }: RgbImage, orientation: number): { width: number; height: number } {
  return orientation >= 5 ? { width: height, height: width } : { width, height };
}

/** Reads the pictures of one record and cuts its evidence views. */
export async function loadExample(
  record: RegionRecord,
  { images: directory, crop }: { readonly images: string; readonly crop: CropOptions },
): Promise<Example> {
  const decoded = await Promise.all(record.images.map(({ ref }) => decodeImage(join(directory, ref))));
  const views: RgbImage[] = [];
  const areaShares: number[] = [];
  decoded.forEach(({ image, orientation }, index) => {
    const { record: checked } = checkRegions(record, storedSize(image, orientation), index);
    const regions = checked.regions
      .filter((region) => region.image === index)
      .map((region) => ({ ...region, box: orientBox(region.box, orientation, image) }));
    for (const view of cropRegions(image, regions, crop).views) {
      views.push(view.image);
      areaShares.push(view.provenance.areaShare);
    }
  });
  return {
    id: record.id,
    images: decoded.map(({ image }) => image),
    question: record.question,
    ...(record.answer && { answer: record.answer.text }),
    ...(record.solution !== undefined && { solution: record.solution }),
    views,
    areaShares,
    ...(record.category !== undefined && { category: record.category }),
  };
}

/** Opens an annotated data set whose pictures are read or drawn when they are needed. */
export async function openDataSet(file: string, options: DataSetOptions): Promise<OpenedDataSet> {
  if (options.format === "scenes") return openScenes(file, options);
  if (options.images === undefined) {
    throw new ImagineOpdError("invalid-argument", {
      where: "command-line.openDataSet",
      problem: "records of format visual-cot name picture files, and no directory of pictures was given.",
      remedy: "Give it by --images.",
    });
  }
  return openVisualCot(file, { ...options, images: requireDirectory(options.images, "images") });
}

function openScenes(file: string, { crop }: DataSetOptions): OpenedDataSet {
  const source = createSceneSource(parseScenes(file), crop);
  return { source, report: { read: source.size, kept: source.size, dropped: {} } };
}

function parseScenes(file: string): SceneSet {
  try {
    return JSON.parse(readDataFile(file)) as SceneSet;
  } catch (cause) {
    if (isImagineOpdError(cause)) throw cause;
    throw new ImagineOpdError("invalid-data", {
      where: "command-line.openDataSet",
      problem: `${file} is not a JSON object that names scenes.`,
      remedy: 'Write for example { "seed": 0, "split": "held-out", "count": 1000 }.',
      cause,
    });
  }
}

async function openVisualCot(
  file: string,
  options: DataSetOptions & { readonly images: string },
): Promise<OpenedDataSet> {
  const text = readDataFile(file);
  const { records, report } = await readVisualCot(text.split("\n"), { onBadRecord: options.onBadRecord });
  if (records.length === 0) {
    throw new ImagineOpdError("invalid-data", {
      where: "command-line.openDataSet",
      problem: `${file} holds no usable record (${[`rows read: ${report.read}`, ...countReasons(report)].join(", ")}).`,
      remedy: "Check the file and its format.",
      details: { report },
    });
  }
  const fingerprint = createHash("sha256").update(text).update(JSON.stringify(options.crop)).digest("hex").slice(0, 16);
  const source: ExampleSource = {
    size: records.length,
    fingerprint,
    load: (index) => loadExample(records[index]!, options),
  };
  return { source, report };
}

/** Why rows were left out, one short text for each reason. */
export function countReasons({ dropped }: Pick<VisualCotReport, "dropped">): string[] {
  return Object.entries(dropped).map(([reason, count]) => `${reason}: ${count}`);
}

function readDataFile(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new ImagineOpdError("missing-file", {
      where: "command-line.openDataSet",
      problem: `cannot read the data file ${file}.`,
      remedy: "Check the path.",
      cause,
    });
  }
}
