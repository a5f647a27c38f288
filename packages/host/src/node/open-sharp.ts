import { readFile } from "node:fs/promises";
import { ImagineOpdError } from "@imagine-opd/protocol";
import type { Metadata, Sharp, SharpConstructor } from "sharp";

async function loadSharp(where: string): Promise<SharpConstructor> {
  try {
    return (await import("sharp")).default;
  } catch (cause) {
    throw new ImagineOpdError("missing-part", {
      where,
      problem: "reading pictures needs the package `sharp`, which could not be loaded.",
      remedy: "Install it with `npm install sharp`.",
      cause,
    });
  }
}

/** How error messages call the picture. */
export function describeFile(file: string | Uint8Array): string {
  return typeof file === "string" ? file : `a picture of ${file.length} bytes`;
}

/** Reads the file here rather than in sharp, which remembers pictures by path and would miss that one was rewritten. */
async function bytesOf(file: string | Uint8Array, where: string): Promise<Uint8Array> {
  if (typeof file !== "string") return file;
  try {
    return await readFile(file);
  } catch (cause) {
    throw new ImagineOpdError("missing-file", {
      where,
      problem: `the picture ${file} cannot be read.`,
      remedy: "Check the path and its permissions.",
      details: { file },
      cause,
    });
  }
}

/** The error for bytes that are no picture. */
export function undecodable(file: string | Uint8Array, where: string, cause: unknown): ImagineOpdError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new ImagineOpdError("invalid-data", {
    where,
    problem: `${describeFile(file)} does not decode as a picture: ${reason}.`,
    remedy: "The file is damaged or of a format that is not supported; replace it or leave the record out.",
    details: { file: describeFile(file) },
    cause,
  });
}

/** A picture as sharp sees it, header read. */
export interface OpenedPicture {
  readonly pipeline: Sharp;
  readonly metadata: Metadata;
}

/**
 * Opens a picture with the settings under which sharp's pixels equal Pillow's: embedded colour profiles are not applied,
 * and a file that is cut short is an error while a decoder's mere warning is not.
 */
export async function openSharp(file: string | Uint8Array, where: string): Promise<OpenedPicture> {
  const sharp = await loadSharp(where);
  const bytes = await bytesOf(file, where);
  try {
    const pipeline = sharp(bytes, { failOn: "error", ignoreIcc: true });
    return { pipeline, metadata: await pipeline.metadata() };
  } catch (cause) {
    throw undecodable(file, where, cause);
  }
}
