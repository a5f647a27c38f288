import { expect, test } from "vitest";
import { deltaOf } from "./delta-of.ts";

const module = {
  name: "m",
  rank: 2,
  inSize: 3,
  outSize: 2,
  scale: 0.5,
  a: Float32Array.of(1, 2, 3, 4, 5, 6),
  b: Float32Array.of(1, -1, 0, 2),
};

test("the delta is scale · B · A", () => {
  // B·A = [[1-4, 2-5, 3-6], [8, 10, 12]]
  expect(deltaOf(module)).toEqual(Float32Array.of(-1.5, -1.5, -1.5, 4, 5, 6));
});

test("factors of another size are refused by name", () => {
  expect(() => deltaOf({ ...module, rank: 1 })).toThrow(
    /lora\.deltaOf: module "m" must have a \[1, 3\] and b \[2, 1\], got 6 and 4 numbers/,
  );
});
