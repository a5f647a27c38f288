import { expect, it } from "vitest";
import { tilingOf } from "./attention-tiles.ts";

it("fits every head size into a workgroup of any device, with room for each number once", () => {
  for (let size = 1; size <= 1024; size++) {
    const { lanes, width, fours, rows, tile } = tilingOf(size);
    expect(fours).toBe(lanes * width);
    expect(4 * fours).toBeGreaterThanOrEqual(size);
    expect(4 * (fours - lanes)).toBeLessThan(size);
    expect(width).toBeLessThanOrEqual(8);
    expect(rows * lanes).toBeLessThanOrEqual(256);
    expect(2 * 16 * tile * fours + 8 * tile * rows * lanes + 16 * tile).toBeLessThanOrEqual(16384);
    expect(Math.min(rows, tile)).toBeGreaterThanOrEqual(1);
  }
});

it("knows the sizes in use by heart", () => {
  expect(tilingOf(24)).toEqual({ lanes: 1, width: 6, fours: 6, rows: 32, tile: 8 });
  expect(tilingOf(64)).toEqual({ lanes: 2, width: 8, fours: 16, rows: 32, tile: 8 });
  expect(tilingOf(128)).toEqual({ lanes: 4, width: 8, fours: 32, rows: 32, tile: 7 });
});

it("refuses heads that no workgroup holds", () => {
  expect(() => tilingOf(8192)).toThrow("a head of 8192 numbers does not fit into the memory of a workgroup");
});
