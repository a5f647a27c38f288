import { ImagineOpdError } from "@imagine-opd/protocol";

/** How a workgroup divides an attention: each of its `rows` lies in `lanes` invocations, `width` vec4 of it in each. */
export interface Tiling {
  readonly lanes: number;
  readonly width: number;
  /** vec4 of a row, rounded up so that every lane has as many. */
  readonly fours: number;
  readonly rows: number;
  /** Rows of the other side that are in workgroup memory at a time. */
  readonly tile: number;
}

/** vec4 that one invocation holds of each of up to three rows: more would not stay in registers. */
const widest = 8;
/** What every WebGPU device has. */
const workgroupBytes = 16384;
const workgroupThreads = 256;

/** @param size of a head, d */
export function tilingOf(size: number): Tiling {
  const lanes = Math.ceil(size / 4 / widest);
  const width = Math.ceil(size / 4 / lanes);
  const fours = lanes * width;
  const rows = Math.min(32, Math.floor(workgroupThreads / lanes));
  // Two tiles of vec4, a pair of partial products for each pair of rows and each lane, and three numbers of each row.
  const bytesPerRow = 2 * 16 * fours + 8 * rows * lanes + 16;
  const tile = Math.min(8, Math.floor(workgroupBytes / bytesPerRow));
  if (rows < 1 || tile < 1) {
    throw new ImagineOpdError("limit-exceeded", {
      where: "backend-webgpu.OpdAttention",
      problem: `a head of ${size} numbers does not fit into the memory of a workgroup.`,
      details: { size },
    });
  }
  return { lanes, width, fours, rows, tile };
}

/** WGSL of `fourOf_NAME(start, four)`: the vec4 number `four` of the row that starts there, zeros behind its end. */
export function readFours(name: string, size: number): string {
  const parts = [0, 1, 2, 3].map((part) => {
    const read = `${name}[start + 4 * four + ${part}]`;
    return size % 4 === 0 ? read : `select(0.0, ${read}, 4 * four + ${part} < ${size})`;
  });
  return `
    fn fourOf_${name}(start : i32, four : i32) -> vec4<f32> {
      if (4 * four >= ${size}) { return vec4<f32>(); }
      return vec4<f32>(${parts.join(", ")});
    }`;
}
