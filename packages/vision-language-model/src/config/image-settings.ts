import { ImagineOpdError } from "@imagine-opd/protocol";
import { type Fields, readFields } from "./fields.ts";

/** How the processor treats pictures before the vision tower. */
export interface ImageSettings {
  /** The picture's longer side is brought to this many pixels first. */
  readonly longestEdge: number;
  /** Side of a tile, pixels. */
  readonly tileSize: number;
  /** `on`: a large picture becomes tiles and a global view; `off`: always one tile. */
  readonly splitting: "on" | "off";
  readonly filter: "bilinear" | "bicubic" | "lanczos";
  readonly rescaleFactor: number;
  readonly mean: readonly [number, number, number];
  readonly deviation: readonly [number, number, number];
}

const filters: Readonly<Record<number, ImageSettings["filter"]>> = { 1: "lanczos", 2: "bilinear", 3: "bicubic" };

function unsupported(file: string, problem: string): never {
  throw new ImagineOpdError("unsupported", {
    where: "vision-language-model.readImageSettings",
    problem: `${file}: ${problem}`,
  });
}

function triple(settings: Fields, key: string, file: string): [number, number, number] {
  const values = settings.numbers(key, [0.5, 0.5, 0.5]);
  if (values.length !== 3) unsupported(file, `\`${key}\` has ${values.length} channels, expected 3.`);
  return [values[0]!, values[1]!, values[2]!];
}

/**
 * Reads the image settings of an Idefics3/SmolVLM processor from `preprocessor_config.json`, or from the
 * `image_processor` object of `processor_config.json`. Absent keys take the defaults of transformers' class.
 */
export function readImageSettings(json: unknown, file = "preprocessor_config.json"): ImageSettings {
  const root = readFields(json, file);
  const settings = root.has("image_processor") ? root.object("image_processor") : root;
  for (const step of ["do_resize", "do_rescale", "do_normalize"]) {
    if (!settings.flag(step, true)) unsupported(file, `\`${step}: false\` is not supported.`);
  }
  const resample = settings.number("resample", 1);
  const filter =
    filters[resample] ??
    unsupported(file, `\`resample\` ${resample} is not supported (1 Lanczos, 2 bilinear, 3 bicubic).`);
  return {
    longestEdge: settings.object("size").count("longest_edge", 1456),
    tileSize: settings.object("max_image_size").count("longest_edge", 364),
    splitting: settings.flag("do_image_splitting", true) ? "on" : "off",
    filter,
    rescaleFactor: settings.number("rescale_factor", 1 / 255),
    mean: triple(settings, "image_mean", file),
    deviation: triple(settings, "image_std", file),
  };
}
