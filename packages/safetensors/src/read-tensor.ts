import { type FileSource, ImagineOpdError } from "@imagine-opd/protocol";
import { invalidFile, quote } from "./invalid-file.ts";
import type { StoredTensor, TensorEntry } from "./tensor-file.ts";

/** Reads the bytes of one tensor. */
export async function readTensor(
  files: FileSource,
  tensors: ReadonlyMap<string, TensorEntry>,
  name: string,
): Promise<StoredTensor> {
  const where = "safetensors.read";
  const entry = tensors.get(name);
  if (entry === undefined) {
    throw new ImagineOpdError("invalid-argument", {
      where,
      problem: `there is no tensor ${quote(name)} among the ${tensors.size} that were opened.`,
      remedy: "Take a name from `tensors`.",
      details: { name },
    });
  }
  const { file, dtype, shape, from, to } = entry;
  // Not every source can be asked for an empty range (a web server can not).
  const data = from === to ? new Uint8Array(0) : await files.read(file, { from, to });
  if (data.length !== to - from) {
    const problem = `gave ${data.length} bytes for tensor ${quote(name)} where ${to - from} were asked for.`;
    throw invalidFile(where, file, problem, { name });
  }
  return { name, dtype, shape, data };
}
