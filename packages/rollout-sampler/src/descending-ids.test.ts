import fc from "fast-check";
import { expect, test } from "vitest";
import { descendingIds } from "./descending-ids.ts";

test("ids come by score, ties by the lower id, however many there are", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -3, max: 3 }), { maxLength: 40 }), fc.nat(40), (scores, skipped) => {
      const ids = scores.map((_, id) => id).filter((id) => id % 41 !== skipped);
      const expected = [...ids].sort((a, b) => scores[b]! - scores[a]! || a - b);
      const scratch = Int32Array.of(...ids, ...new Array<number>(5).fill(-1));
      expect([...descendingIds(Float32Array.from(scores), scratch, ids.length)]).toEqual(expected);
    }),
  );
});
