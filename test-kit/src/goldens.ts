import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** A tensor of a golden file; BF16 is widened to F32. */
export interface GoldenTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array | Uint8Array;
}

/** Path of a file under `goldens/fixtures`. */
export function goldenPath(name: string): string {
  return fileURLToPath(new URL(`../../goldens/fixtures/${name}`, import.meta.url));
}

/** A golden JSON file; its shape is described in `goldens/README.md`. */
// biome-ignore lint/suspicious/noExplicitAny: fixtures are read field by field in tests
export function readGoldenJson(name: string): any {
  return JSON.parse(readFileSync(goldenPath(name), "utf8"));
}

/** All tensors of a golden safetensors file. Independent of the safetensors package, so that it can test that one too. */
export function readGoldenTensors(name: string): Map<string, GoldenTensor> {
  const file = readFileSync(goldenPath(name));
  const headerLength = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.subarray(8, 8 + headerLength).toString()) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  const tensors = new Map<string, GoldenTensor>();
  for (const [key, { dtype, shape, data_offsets }] of Object.entries(header)) {
    if (key === "__metadata__") continue;
    const bytes = file.subarray(8 + headerLength + data_offsets[0], 8 + headerLength + data_offsets[1]);
    const aligned = new Uint8Array(bytes).buffer;
    const data =
      dtype === "F32"
        ? new Float32Array(aligned)
        : dtype === "BF16"
          ? Float32Array.from(new Uint16Array(aligned), widen)
          : dtype === "I32"
            ? new Int32Array(aligned)
            : new Uint8Array(aligned);
    tensors.set(key, { dtype, shape, data });
  }
  return tensors;
}

const bits = new Uint32Array(1);
const float = new Float32Array(bits.buffer);

function widen(bf16: number): number {
  bits[0] = bf16 << 16;
  return float[0]!;
}
