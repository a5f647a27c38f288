import { expect, test } from "vitest";
import { packHalves } from "./pack-halves.ts";

/** IEEE 754 binary16, as its definition reads. */
function numberOf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = (half & 0x3ff) / 1024;
  return sign * (exponent === 0 ? 2 ** -14 * fraction : 2 ** (exponent - 15) * (1 + fraction));
}

/** The 16 bits of each number. */
const halvesOf = (values: readonly number[]): number[] =>
  Array.from(new Uint16Array(packHalves(Float32Array.from(values), "w").buffer)).slice(0, values.length);

const positive = Array.from({ length: 0x7c00 }, (_, half) => half);

test("every number of 16 bits stays what it is, with its sign", () => {
  const all = [...positive, ...positive.map((half) => half | 0x8000)];
  expect(halvesOf(all.map(numberOf))).toEqual(all);
});

test("between two neighbours the nearest is taken, and in the middle the even one", () => {
  const lower = positive.slice(0, -1);
  const middles = lower.map((half) => (numberOf(half) + numberOf(half + 1)) / 2);
  expect(halvesOf(middles)).toEqual(lower.map((half) => half + (half % 2)));
  expect(halvesOf(middles.map((value) => value * (1 - 2 ** -23)))).toEqual(lower);
  expect(halvesOf(middles.map((value) => value * (1 + 2 ** -23)))).toEqual(lower.map((half) => half + 1));
});

test("numbers of bfloat16 are exact where 16 bits are normal, and multiples of 2⁻²⁴ below", () => {
  const published = [1.3984375, -0.0198974609375, 2 ** -14 * 1.9921875, -65280];
  expect(halvesOf(published).map(numberOf)).toEqual(published);
  expect(halvesOf([2 ** -20 * 1.3984375, 2 ** -26]).map(numberOf)).toEqual([2 ** -24 * 22, 0]);
});

test("the first number of a pair lies in the lower half; an odd one out has zeros beside it", () => {
  expect(Array.from(packHalves(Float32Array.of(1, -2, 0.5), "w"))).toEqual([0xc0003c00 | 0, 0x3800]);
  expect(packHalves(new Float32Array(0), "w")).toHaveLength(0);
});

test("a window of a larger array is packed, not what lies before it", () => {
  expect(Array.from(packHalves(Float32Array.of(9, 1, 2).subarray(1), "w"))).toEqual([0x40003c00]);
});

test.each([65505, -70000, Number.NaN, Number.POSITIVE_INFINITY])("%f is refused with the tensor's name", (value) => {
  expect(() => packHalves(Float32Array.of(0, value), "model.q_proj.weight")).toThrow(
    `backend-webgpu.storeHalf: number 1 of model.q_proj.weight is ${value}, and 16 bits hold numbers from -65504 to 65504.`,
  );
});
