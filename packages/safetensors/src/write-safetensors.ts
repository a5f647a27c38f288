import { type FileSink, ImagineOpdError } from "@imagine-opd/protocol";
import { quote } from "./invalid-file.ts";
import { checkTensors, type SizedTensor, sortForFile, type TensorToWrite } from "./lay-out.ts";

const where = "safetensors.writeSafetensors";

/** The 8 bytes of the length and the header, padded with spaces so that the data begins at a multiple of 8. */
function encodeHeader(tensors: readonly SizedTensor[], metadata: Readonly<Record<string, string>>): Uint8Array {
  const entries = new Map<string, unknown>();
  if (Object.keys(metadata).length > 0) entries.set("__metadata__", metadata);
  let position = 0;
  for (const { name, dtype, shape, bytes } of tensors) {
    entries.set(name, { dtype, shape, data_offsets: [position, position + bytes] });
    position += bytes;
  }
  // Written name by name: an object would move names that look like integers to the front.
  const members = Array.from(entries, ([name, entry]) => `${JSON.stringify(name)}:${JSON.stringify(entry)}`);
  const json = new TextEncoder().encode(`{${members.join(",")}}`);
  const length = Math.ceil(json.length / 8) * 8;
  const header = new Uint8Array(8 + length).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true);
  header.set(json, 8);
  return header;
}

async function* encodeFile(tensors: readonly SizedTensor[], metadata: Readonly<Record<string, string>>) {
  yield encodeHeader(tensors, metadata);
  for (const { name, dtype, shape, bytes, data } of tensors) {
    const content = await data();
    if (content.length !== bytes) {
      throw new ImagineOpdError("mismatch", {
        where,
        problem: `tensor ${quote(name)} gave ${content.length} bytes; ${dtype} of shape [${shape.join(", ")}] has ${bytes}.`,
        details: { name, got: content.length, expected: bytes },
      });
    }
    if (bytes > 0) yield content;
  }
}

/**
 * Writes one safetensors file, one tensor in memory at a time. Equal tensors give equal bytes whatever their order, and the
 * same bytes as the reference writer in Python.
 *
 * @param tensors their `data` is asked for in the order of the file: larger elements first, then by name
 * @param metadata strings for the header; `{ format: "pt" }` is what Hugging Face libraries look for
 * @throws invalid-argument for a wrong or repeated name, dtype or shape; mismatch when `data` does not give the bytes of its shape
 */
export async function writeSafetensors(
  sink: FileSink,
  name: string,
  tensors: Iterable<TensorToWrite>,
  metadata: Readonly<Record<string, string>> = { format: "pt" },
): Promise<void> {
  await sink.write(name, encodeFile(sortForFile(checkTensors(tensors, where)), metadata));
}
