import { type AttentionPart, attentionParts, type PartText } from "./attention-parts.ts";
import { readFours, tilingOf } from "./attention-tiles.ts";
import { defineProgram } from "./program.ts";

export interface AttentionConstants {
  readonly part: AttentionPart;
  /** Numbers of a head, d. */
  readonly size: number;
  readonly bias: boolean;
}

/**
 * Where rows lie. A key head's queries are those of all its query heads, which follow each other in memory; `other` counts
 * along them or along the keys.
 */
const places: Readonly<Record<PartText["side"], string>> = {
  queries: `
    fn heldHeads() -> i32 { return uniforms.heads; }
    fn heldRows() -> i32 { return uniforms.queries; }
    fn otherRows() -> i32 { return uniforms.keys; }
    fn otherHead(sequence : i32, head : i32) -> i32 {
      return sequence * uniforms.kvHeads + head * uniforms.kvHeads / uniforms.heads;
    }
    fn biasIndex(sequence : i32, head : i32, row : i32, other : i32) -> i32 {
      return sequence * uniforms.biasBatch + head * uniforms.biasHead + row * uniforms.biasQuery + other;
    }`,
  keys: `
    fn heldHeads() -> i32 { return uniforms.kvHeads; }
    fn heldRows() -> i32 { return uniforms.keys; }
    fn otherRows() -> i32 { return uniforms.heads / uniforms.kvHeads * uniforms.queries; }
    fn otherHead(sequence : i32, head : i32) -> i32 { return sequence * uniforms.kvHeads + head; }
    fn biasIndex(sequence : i32, head : i32, row : i32, other : i32) -> i32 {
      let queryHead = head * (uniforms.heads / uniforms.kvHeads) + other / uniforms.queries;
      let query = other % uniforms.queries;
      return sequence * uniforms.biasBatch + queryHead * uniforms.biasHead + query * uniforms.biasQuery + row;
    }`,
};

/** Rows of the other side into workgroup memory; behind the last one it is repeated. */
const loadTile = ([first, second]: PartText["tiles"], side: PartText["side"]): string => `
  for (var i = thread; i < tile * fours; i += threads) {
    let at = (otherStart + min(start + i / fours, others - 1)) * size;
    firstTile[i] = fourOf_${first}(at, i % fours);
    secondTile[i] = fourOf_${second}(at, i % fours);
  }
  ${
    side === "keys"
      ? `if (thread < tile) {
           let at = 3 * (otherStart + min(start + thread, others - 1));
           tileStatistics[thread] = vec3<f32>(statistics[at], statistics[at + 1], statistics[at + 2]);
         }`
      : ""
  }`;

/**
 * Attention and its gradient without the matrix of scores: a workgroup holds some rows of one side and walks over the other
 * side tile by tile (Dao et al., arXiv 2205.14135). A pair whose bias lies far below the query's largest score has a weight
 * of exactly 0, and its products are left out.
 */
function attentionCode({ part, size, bias }: AttentionConstants): string {
  const { lanes, width, fours, rows, tile } = tilingOf(size);
  const { side, held, tiles, start, reference, weigh, sum, factor, finish } = attentionParts[part];
  const twice = held.length === 2;
  const numbers = { size, lanes, width, fours, rows, tile, threads: rows * lanes };
  const isHidden = `biasOf(sequence, head, row, start + j) < ${reference} - 1e8`;
  return `
    ${Object.entries(numbers)
      .map(([name, value]) => `const ${name} = ${value};`)
      .join("\n")}
    alias Products = ${twice ? "vec2<f32>" : "f32"};
    var<workgroup> firstTile : array<vec4<f32>, tile * fours>;
    var<workgroup> secondTile : array<vec4<f32>, tile * fours>;
    var<workgroup> partial : array<Products, tile * threads>;
    ${side === "keys" ? "var<workgroup> tileStatistics : array<vec3<f32>, tile>;" : ""}
    ${[...held, ...tiles].map((name) => readFours(name, size)).join("")}
    ${places[side]}
    fn biasOf(sequence : i32, head : i32, row : i32, other : i32) -> f32 {
      return ${bias ? "bias[biasIndex(sequence, head, row, other)]" : "0"};
    }

    fn compute(group : i32, thread : i32) {
      let blocks = (heldRows() + rows - 1) / rows;
      let inside = group / blocks < uniforms.batch * heldHeads() && group % blocks * rows + thread / lanes < heldRows();
      let head = min(group / blocks, uniforms.batch * heldHeads() - 1) % heldHeads();
      let sequence = min(group / blocks, uniforms.batch * heldHeads() - 1) / heldHeads();
      let row = min(group % blocks * rows + thread / lanes, heldRows() - 1);
      let heldRow = (sequence * heldHeads() + head) * heldRows() + row;
      let others = otherRows();
      let otherStart = otherHead(sequence, head) * others;
      let four = thread % lanes * width;
      var mine : array<vec4<f32>, width>;
      ${twice ? "var mineToo : array<vec4<f32>, width>;" : ""}
      for (var c = 0; c < width; c++) {
        mine[c] = fourOf_${held[0]}(heldRow * size, four + c);
        ${twice ? `mineToo[c] = fourOf_${held[1]}(heldRow * size, four + c);` : ""}
      }
      var total : array<vec4<f32>, width>;
      ${start}
      for (var start = 0; start < others; start += tile) {
        ${loadTile(tiles, side)}
        workgroupBarrier();
        ${reference === "before" ? "before = largest;" : ""}
        let count = min(tile, others - start);
        for (var j = 0; j < count; j++) {
          var products = Products();
          if (!(${isHidden})) {
            for (var c = 0; c < width; c++) {
              let at = j * fours + four + c;
              products += Products(dot(mine[c], firstTile[at])${twice ? ", dot(mineToo[c], secondTile[at])" : ""});
            }
          }
          partial[j * threads + thread] = products;
        }
        workgroupBarrier();
        for (var j = 0; j < count; j++) {
          if (${isHidden}) { continue; }
          var products = Products();
          for (var lane = 0; lane < lanes; lane++) { products += partial[j * threads + thread / lanes * lanes + lane]; }
          let score = products${twice ? ".x" : ""} * uniforms.scale + biasOf(sequence, head, row, start + j);
          ${twice ? "let slope = products.y;" : ""}
          ${weigh}
          ${sum === undefined ? "" : `for (var c = 0; c < width; c++) { total[c] += weight * ${sum}Tile[j * fours + four + c]; }`}
        }
        workgroupBarrier();
      }
      if (!inside) { return; }
      ${finish ?? writeTotals(factor)}
    }`;
}

const writeTotals = (factor = "1"): string => `
  for (var c = 0; c < width; c++) {
    let value = total[c] * (${factor});
    for (var i = 0; i < 4; i++) {
      if (4 * (four + c) + i < size) { result[heldRow * size + 4 * (four + c) + i] = value[i]; }
    }
  }`;

export const attentionProgram = defineProgram<AttentionConstants>({
  name: "attention",
  workgroupSize: ({ size }) => {
    const { rows, lanes } = tilingOf(size);
    return rows * lanes;
  },
  code: attentionCode,
});
