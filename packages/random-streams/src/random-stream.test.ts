import { expect, test } from "vitest";
import { permutation, randomStream } from "./random-stream.ts";

const draw = (n: number, ...key: (number | string)[]) => {
  const stream = randomStream(...key);
  return Array.from({ length: n }, () => stream.uint32());
};

test("equal keys give equal numbers, and keys that differ in any part do not", () => {
  expect(draw(9, 1, "rollout", 5, "a", 0)).toEqual(draw(9, 1, "rollout", 5, "a", 0));
  const keys: (number | string)[][] = [
    [1, "a", 0],
    [1, "a", 1],
    [2, "a", 0],
    [1, "b", 0],
    ["1", "a", 0],
    [1, "a0"],
    [1, "a", 0, 0],
  ];
  expect(new Set(keys.map((key) => draw(2, ...key).join())).size).toBe(keys.length);
});

test("the first numbers of a stream stay what they are: runs of older versions can be repeated", () => {
  expect(draw(5, 42, "golden")).toMatchInlineSnapshot(`
    [
      2647589220,
      1097572131,
      1822944421,
      2168861687,
      4016324310,
    ]
  `);
});

test("uniform numbers fill [0, 1) evenly", () => {
  const stream = randomStream(7, "uniform");
  const bins = new Array<number>(10).fill(0);
  for (let i = 0; i < 10_000; i++) bins[Math.floor(stream.uniform() * 10)]! += 1;
  const chiSquare = bins.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
  expect(chiSquare).toBeLessThan(27.9); // 0.999 quantile, 9 degrees of freedom
});

test("normal numbers have mean 0 and variance 1", () => {
  const stream = randomStream(7, "normal");
  const values = Array.from({ length: 20_000 }, () => stream.normal());
  const mean = values.reduce((a, b) => a + b) / values.length;
  const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length;
  expect(Math.abs(mean)).toBeLessThan(0.03);
  expect(Math.abs(variance - 1)).toBeLessThan(0.04);
});

test("a permutation holds every index once, and all orders of three occur equally often", () => {
  expect([...permutation(50, randomStream(1))].sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
  const seen = new Map<string, number>();
  for (let i = 0; i < 6000; i++) {
    const order = permutation(3, randomStream(3, i)).join();
    seen.set(order, (seen.get(order) ?? 0) + 1);
  }
  expect(seen.size).toBe(6);
  for (const count of seen.values()) expect(Math.abs(count - 1000)).toBeLessThan(130);
});

test("a key or bound that cannot work is refused by name", () => {
  expect(() => randomStream(Number.NaN)).toThrow(
    /random-streams\.randomStream: every number of the key must be finite, got NaN/,
  );
  expect(() => randomStream(1).integer(0)).toThrow(/`bound` must be an integer from 1 to 2\^32, got 0/);
});
