import { expect, test } from "vitest";
import { createAdapter } from "./create-adapter.ts";
import { deltaOf } from "./delta-of.ts";

const layers = [
  { name: "model.layers.0.q_proj", inSize: 100, outSize: 30 },
  { name: "model.layers.0.v_proj", inSize: 100, outSize: 20 },
];
const options = { rank: 8, alpha: 16, seed: 5 };

test("A is uniform in ±1/√in, B is zero, so nothing changes at first", () => {
  const { modules, replaced, config } = createAdapter(layers, options);
  expect([...modules.keys()]).toEqual(layers.map(({ name }) => name));
  expect(replaced.size).toBe(0);
  expect(config).toEqual({ rank: 8, alpha: 16, scaling: "alpha/rank", baseModel: undefined });
  const module = modules.get("model.layers.0.q_proj")!;
  expect(module).toMatchObject({ rank: 8, inSize: 100, outSize: 30, scale: 2 });
  expect(module.b).toEqual(new Float32Array(240));
  expect(deltaOf(module).every((value) => value === 0)).toBe(true);
  const { a } = module;
  expect(a).toHaveLength(800);
  expect(Math.max(...a)).toBeLessThanOrEqual(0.1);
  expect(Math.min(...a)).toBeGreaterThanOrEqual(-0.1);
  // Uniform in ±0.1: mean 0 ± 0.058/√800 = 0.002, variance 0.01/3 ± 4.5 % of it.
  const mean = a.reduce((sum, value) => sum + value, 0) / a.length;
  const variance = a.reduce((sum, value) => sum + value * value, 0) / a.length;
  expect(Math.abs(mean)).toBeLessThan(0.008);
  expect(variance).toBeGreaterThan(0.0029);
  expect(variance).toBeLessThan(0.0038);
});

test("a module's start depends on the seed and on its name, not on the other modules", () => {
  const [first, second] = [...createAdapter(layers, options).modules.values()];
  expect(createAdapter([layers[1]!], options).modules.get(second!.name)!.a).toEqual(second!.a);
  expect(second!.a).not.toEqual(first!.a);
  const other = createAdapter([layers[1]!], { ...options, seed: 6 }).modules.get(second!.name)!;
  expect(other.a).not.toEqual(second!.a);
});

test.each([
  [[], options, /`layers` is empty/],
  [[layers[0]!, layers[0]!], options, /layer "model.layers.0.q_proj" was given twice/],
  [[{ ...layers[0]!, inSize: 0 }], options, /`inSize` of "model.layers.0.q_proj" must be an integer from 1, got 0/],
  [[{ ...layers[0]!, outSize: 1.5 }], options, /`outSize` of .* got 1.5/],
  [layers, { ...options, rank: 0 }, /`rank` must be an integer from 1, got 0/],
  [layers, { ...options, alpha: Number.NaN }, /`alpha` must be a finite number above 0, got NaN/],
  [layers, { ...options, seed: Number.NaN }, /must be finite/],
])("wrong input %# is refused by name", (given, wrong, message) => {
  expect(() => createAdapter(given, wrong)).toThrow(message);
});
