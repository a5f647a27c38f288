import { ImagineOpdError } from "@imagine-opd/protocol";
import { countBytes, type Dtype, isDtype, isShape } from "./dtype.ts";
import { invalidFile, quote } from "./invalid-file.ts";
import type { TensorEntry } from "./tensor-file.ts";

const where = "safetensors.openSafetensors";
const subByteTypes = ["F4", "F6_E2M3", "F6_E3M2"];
const entryKeys = ["dtype", "shape", "data_offsets"];

export interface HeaderBounds {
  readonly file: string;
  /** First byte after the header. */
  readonly dataStart: number;
  /** Bytes of the file. */
  readonly size: number;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parseMetadata(value: unknown, file: string): Record<string, string> {
  if (value === undefined) return {};
  if (!isObject(value)) throw invalidFile(where, file, "has a `__metadata__` that is not an object.");
  for (const [key, text] of Object.entries(value)) {
    if (key === "__proto__")
      throw invalidFile(where, file, "uses the reserved name `__proto__` in its `__metadata__`.");
    if (typeof text !== "string") {
      throw invalidFile(where, file, `has a value in \`__metadata__\` that is not a string: ${quote(key)}.`, { key });
    }
  }
  return value as Record<string, string>;
}

function parseDtype(value: unknown, name: string, file: string): Dtype {
  if (isDtype(value)) return value;
  if (typeof value === "string" && subByteTypes.includes(value)) {
    throw new ImagineOpdError("unsupported", {
      where,
      problem: `"${file}": tensor ${quote(name)} has elements smaller than a byte (${value}).`,
      remedy: "Convert the checkpoint to F32 or BF16.",
      details: { file, name, dtype: value },
    });
  }
  const got = typeof value === "string" ? quote(value) : typeof value;
  throw invalidFile(where, file, `gives tensor ${quote(name)} a \`dtype\` that is unknown: ${got}.`, { name });
}

function parseEntry(name: string, value: unknown, { file, dataStart, size }: HeaderBounds): TensorEntry {
  const refuse = (problem: string) =>
    invalidFile(where, file, `has a wrong entry for tensor ${quote(name)}: ${problem}`, { name });
  if (name === "__proto__") throw refuse("the name is reserved.");
  if (!isObject(value)) throw refuse("it is not an object.");
  const unknown = Object.keys(value).find((key) => !entryKeys.includes(key));
  if (unknown !== undefined) throw refuse(`it has the unknown member ${quote(unknown)}.`);
  const dtype = parseDtype(value.dtype, name, file);
  const { shape, data_offsets: offsets } = value;
  if (!isShape(shape)) throw refuse("`shape` must be an array of integers from 0.");
  if (!isShape(offsets) || offsets.length !== 2) throw refuse("`data_offsets` must be two integers from 0.");
  const [begin, end] = offsets as [number, number];
  if (end < begin) throw refuse(`\`data_offsets\` run backwards, from ${begin} to ${end}.`);
  if (end > size - dataStart) {
    throw refuse(`\`data_offsets\` end at ${end}, and the file has only ${size - dataStart} bytes of data.`);
  }
  const bytes = countBytes(dtype, shape);
  if (bytes === undefined) throw refuse("its `shape` has more than 2^53 bytes.");
  if (bytes !== end - begin) {
    throw refuse(
      `${dtype} of shape [${shape.join(", ")}] takes ${bytes} bytes, \`data_offsets\` cover ${end - begin}.`,
    );
  }
  return { file, dtype, shape, from: dataStart + begin, to: dataStart + end };
}

/**
 * The tensors and the metadata of a parsed header. The tensors must cover the data without an overlap and without a hole.
 * Format: https://github.com/huggingface/safetensors#format
 */
export function parseHeader(
  header: Readonly<Record<string, unknown>>,
  bounds: HeaderBounds,
): { readonly tensors: ReadonlyMap<string, TensorEntry>; readonly metadata: Record<string, string> } {
  const { file, dataStart, size } = bounds;
  const tensors = Object.entries(header)
    .filter(([name]) => name !== "__metadata__")
    .map(([name, value]) => [name, parseEntry(name, value, bounds)] as const)
    .sort(([, a], [, b]) => a.from - b.from || a.to - b.to);
  let position = dataStart;
  for (const [name, { from, to }] of tensors) {
    if (from !== position) {
      const kind = from < position ? "overlaps the tensor before it" : "leaves a hole before it";
      const problem = `has a tensor that ${kind}: ${quote(name)} begins at data byte ${from - dataStart}, not ${position - dataStart}.`;
      throw invalidFile(where, file, problem, { name });
    }
    position = to;
  }
  if (position !== size) {
    throw invalidFile(where, file, `has ${size - position} bytes after its last tensor.`);
  }
  return { tensors: new Map(tensors), metadata: parseMetadata(header.__metadata__, file) };
}
