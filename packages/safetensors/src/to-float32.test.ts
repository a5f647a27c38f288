import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeFloat32 } from "./encode-float32.ts";
import { toFloat32 } from "./to-float32.ts";

function fromHalves(dtype: "F16" | "BF16", ...halves: number[]): Float32Array {
  return toFloat32({ name: "x", dtype, shape: [halves.length], data: new Uint8Array(Uint16Array.from(halves).buffer) });
}

test("F16 values are exact: normal, subnormal, signed zero, infinity, NaN", () => {
  const values = fromHalves(
    "F16",
    0x3c00,
    0xc000,
    0x3555,
    0x7bff,
    0x0400,
    0x0001,
    0x83ff,
    0x0000,
    0x8000,
    0x7c00,
    0xfc00,
  );
  expect([...values]).toEqual([
    1,
    -2,
    0.333251953125,
    65504,
    2 ** -14,
    2 ** -24,
    -(1023 * 2 ** -24),
    0,
    -0,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
  ]);
  expect(fromHalves("F16", 0x7e00, 0xfc01).every(Number.isNaN)).toBe(true);
});

test("BF16 values are exact: normal, subnormal, signed zero, infinity, NaN", () => {
  expect([...fromHalves("BF16", 0x3f80, 0xc049, 0x0001, 0x8000, 0x7f80, 0xff80)]).toEqual([
    1,
    -3.140625,
    2 ** -133,
    -0,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
  ]);
  expect(fromHalves("BF16", 0x7fc0)[0]).toBeNaN();
});

test("BF16 rounds to the nearest, ties to even, and keeps NaN and infinity", () => {
  const values = [
    1,
    1 + 2 ** -8, // a tie between 1 and 1 + 2^-7: down to the even one
    1 + 3 * 2 ** -8, // a tie between 1 + 2^-7 and 1 + 2^-6: up to the even one
    1 + 2 ** -8 + 2 ** -20,
    -1 - 2 ** -8 - 2 ** -20,
    3.4028234663852886e38, // the largest F32 rounds to infinity
    2 ** -134, // half of the smallest BF16: down to 0
    Number.NEGATIVE_INFINITY,
    Number.NaN,
  ];
  const halves = new Uint16Array(encodeFloat32(Float32Array.from(values), "BF16").buffer);
  expect([...halves]).toEqual([0x3f80, 0x3f80, 0x3f82, 0x3f81, 0xbf81, 0x7f80, 0x0000, 0xff80, 0x7fc0]);
});

test("F32 comes back bit for bit; BF16 within half a unit in its last place, and unchanged a second time", () => {
  fc.assert(
    fc.property(
      fc.float32Array({ noNaN: true, noDefaultInfinity: true, min: -(2 ** 126), max: 2 ** 126 }),
      (values) => {
        const shape = [values.length];
        const same = toFloat32({ name: "x", dtype: "F32", shape, data: encodeFloat32(values, "F32") });
        expect(same).toEqual(values);
        const rounded = toFloat32({ name: "x", dtype: "BF16", shape, data: encodeFloat32(values, "BF16") });
        for (let i = 0; i < values.length; i++) {
          expect(Math.abs(rounded[i]! - values[i]!)).toBeLessThanOrEqual(Math.abs(values[i]!) * 2 ** -8 + 2 ** -134);
        }
        expect(toFloat32({ name: "x", dtype: "BF16", shape, data: encodeFloat32(rounded, "BF16") })).toEqual(rounded);
      },
    ),
  );
});

test("a tensor that begins at an odd byte of its buffer is read, and neither conversion shares memory", () => {
  const buffer = new Uint8Array(9);
  new DataView(buffer.buffer).setFloat32(5, 2.5, true);
  const values = toFloat32({ name: "x", dtype: "F32", shape: [1], data: buffer.subarray(5) });
  expect(values).toEqual(Float32Array.of(2.5));
  values[0] = 0;
  expect(buffer.some((byte) => byte !== 0)).toBe(true);
  const bytes = encodeFloat32(Float32Array.of(1, 2, 3).subarray(1), "F32");
  expect(new Float32Array(bytes.buffer)).toEqual(Float32Array.of(2, 3));
});

test("other dtypes and wrong lengths are refused by name", () => {
  expect(() => toFloat32({ name: "ids", dtype: "I64", shape: [0], data: new Uint8Array(0) })).toThrow(
    /safetensors\.toFloat32: tensor "ids" is I64; expected F32, F16 or BF16/,
  );
  expect(() => toFloat32({ name: "x", dtype: "F16", shape: [2], data: new Uint8Array(3) })).toThrow(
    /tensor "x" has 3 bytes, which is not F16 of shape \[2\]/,
  );
});
