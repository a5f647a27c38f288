import { ImagineOpdError } from "@imagine-opd/protocol";
import type { RandomStream } from "@imagine-opd/random-streams";
import { type SceneOptions, sceneFamilies, signColours } from "./scene.ts";

export type ResolvedSceneOptions = Required<SceneOptions>;

type Span = readonly [number, number];

/** Fills in the defaults and refuses what cannot be drawn. */
export function resolveSceneOptions(options: SceneOptions): ResolvedSceneOptions {
  const { family = "digit", split = "train", size = 256 } = options;
  const { glyphScale = [4, 5], signCount = [6, 8], clutter = [5, 10] } = options;
  requireOneOf("family", family, sceneFamilies);
  requireOneOf("split", split, ["train", "validation", "held-out"]);
  if (!Number.isInteger(size) || size < 64 || size % 16 !== 0) {
    throw refused("`size` must be a multiple of 16 pixels and at least 64", size);
  }
  requireSpan("signCount", signCount, family === "compare" ? 2 : 1, signColours.length);
  requireSpan("clutter", clutter, 0, 1000);
  // The widest plate of a glyph, 12 cells and 2 pixels, must fit into a quarter of the picture.
  requireSpan("glyphScale", glyphScale, 1, Math.floor((size / 4 - 2) / 12));
  return { family, split, size, glyphScale, signCount, clutter };
}

/** A whole number of the span, both ends included. */
export function drawBetween(stream: RandomStream, [from, to]: Span): number {
  return from + stream.integer(to - from + 1);
}

function requireSpan(name: string, span: Span, least: number, most: number): void {
  const [from, to] = span;
  if (span.length === 2 && span.every(Number.isInteger) && least <= from && from <= to && to <= most) return;
  throw refused(`\`${name}\` must be two whole numbers in order between ${least} and ${most}`, JSON.stringify(span));
}

function requireOneOf(name: string, value: string, known: readonly string[]): void {
  if (!known.includes(value)) throw refused(`\`${name}\` must be one of ${known.join(", ")}`, JSON.stringify(value));
}

function refused(expected: string, got: unknown): ImagineOpdError {
  return new ImagineOpdError("invalid-argument", {
    where: "region-datasets.generateScene",
    problem: `${expected}, got ${got}.`,
  });
}
