import { ImagineOpdError } from "./error.ts";

/** A place with named files: a directory, a set of `Blob`s, a web address. Names may hold `/`. */
export interface FileSource {
  /** Names of all files, sorted. */
  list(): Promise<readonly string[]>;
  /** Size in bytes, or `undefined` when there is no such file. */
  size(name: string): Promise<number | undefined>;
  /** The bytes `from <= i < to` (the whole file without a range). Rejects with `missing-file` or, past the end, `invalid-data`. */
  read(name: string, range?: { readonly from: number; readonly to: number }): Promise<Uint8Array>;
}

/** A place that takes named files. */
export interface FileSink {
  /** Stores one file. Until the promise resolves nothing is visible under `name`. */
  write(name: string, content: Uint8Array | string | Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<void>;
}

/**
 * The text of a UTF-8 file, without a leading byte order mark.
 * @throws what `files.read` rejects with; invalid-data when the bytes are no UTF-8
 */
export async function readText(files: FileSource, name: string): Promise<string> {
  const bytes = await files.read(name);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new ImagineOpdError("invalid-data", {
      where: "protocol.readText",
      problem: `"${name}" must be UTF-8 text, got bytes that are not.`,
      remedy: "Save the file as UTF-8, or check that it is the right one.",
      details: { name },
      cause,
    });
  }
}

/**
 * The value of a UTF-8 JSON file.
 * @throws what {@link readText} throws; invalid-data when the text is no JSON
 */
export async function readJson(files: FileSource, name: string): Promise<unknown> {
  const text = await readText(files, name);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ImagineOpdError("invalid-data", {
      where: "protocol.readJson",
      problem: `"${name}" must be JSON, got text that is not.`,
      remedy: "Check that the file is complete and the right one.",
      details: { name },
      cause,
    });
  }
}
