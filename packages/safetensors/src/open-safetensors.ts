import { type FileSource, ImagineOpdError } from "@imagine-opd/protocol";
import { invalidFile } from "./invalid-file.ts";
import { parseHeader } from "./parse-header.ts";
import { parseJsonObject } from "./parse-json.ts";
import { readTensor } from "./read-tensor.ts";
import type { TensorFile } from "./tensor-file.ts";

const where = "safetensors.openSafetensors";
/** The reference reader's bound: a larger header is an attack or a broken file. */
const maxHeaderBytes = 100_000_000;
const lengthBytes = 8;

async function readHeaderLength(files: FileSource, file: string, size: number): Promise<number> {
  if (size < lengthBytes) {
    throw invalidFile(
      where,
      file,
      `is ${size} bytes long: even the ${lengthBytes} bytes of the header's length are missing.`,
    );
  }
  const bytes = await files.read(file, { from: 0, to: lengthBytes });
  const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(0, true);
  if (length > BigInt(maxHeaderBytes)) {
    throw invalidFile(where, file, `claims a header of ${length} bytes; the format allows ${maxHeaderBytes}.`);
  }
  if (Number(length) > size - lengthBytes) {
    throw invalidFile(
      where,
      file,
      `claims a header of ${length} bytes and has only ${size - lengthBytes} after its length.`,
    );
  }
  return Number(length);
}

/**
 * Opens one safetensors file: reads and checks its header, and no tensor.
 *
 * @param files where the file is
 * @param name the file's name
 * @throws missing-file when it is not there; invalid-data, naming the file and the tensor, when the header breaks the
 * format's rules; unsupported when a tensor's elements are smaller than a byte
 */
export async function openSafetensors(files: FileSource, name: string): Promise<TensorFile> {
  const size = await files.size(name);
  if (size === undefined) {
    throw new ImagineOpdError("missing-file", {
      where,
      problem: `there is no file "${name}".`,
      remedy: "Check the directory and the file's name.",
      details: { file: name },
    });
  }
  const headerLength = await readHeaderLength(files, name, size);
  const dataStart = lengthBytes + headerLength;
  const header = parseJsonObject(await files.read(name, { from: lengthBytes, to: dataStart }), where, name, "header");
  const { tensors, metadata } = parseHeader(header, { file: name, dataStart, size });
  return { tensors, metadata, read: (tensor) => readTensor(files, tensors, tensor) };
}
