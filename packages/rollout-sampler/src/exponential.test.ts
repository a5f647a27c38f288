import { randomStream } from "@imagine-opd/random-streams";
import { expect, test } from "vitest";
import { exponential } from "./exponential.ts";

test("it agrees with Math.exp to a few units in the last place over the whole range", () => {
  const stream = randomStream(1, "exponents");
  let worst = 0;
  for (let i = 0; i < 200_000; i++) {
    const x = -(stream.uniform() ** 2) * 700;
    worst = Math.max(worst, Math.abs(exponential(x) / Math.exp(x) - 1));
  }
  expect(worst).toBeGreaterThan(0);
  expect(worst).toBeLessThan(5e-16);
});

test("borders: 0, the smallest doubles, infinity, NaN", () => {
  expect([exponential(0), exponential(-0)]).toEqual([1, 1]);
  for (const x of [-709, -720, -740, -744]) expect(exponential(x) / Math.exp(x)).toBeCloseTo(1, 1);
  expect([exponential(-746), exponential(-1e300), exponential(-Infinity)]).toEqual([0, 0, 0]);
  expect(exponential(Number.NaN)).toBeNaN();
});
