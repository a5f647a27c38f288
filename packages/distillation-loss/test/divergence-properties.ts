import { beforeAll, describe } from "vitest";
import { testClips } from "./clip-properties.ts";
import { testDivergenceValues } from "./divergence-values.ts";
import { testRows } from "./row-properties.ts";
import { testSupports } from "./support-properties.ts";

/** What must hold of every divergence on a backend. */
export function testDivergenceProperties(backend: string, useBackend: () => Promise<void>): void {
  describe(backend, () => {
    beforeAll(useBackend);
    describe("values", testDivergenceValues);
    describe("supports", testSupports);
    describe("clips", testClips);
    describe("rows", testRows);
  });
}
