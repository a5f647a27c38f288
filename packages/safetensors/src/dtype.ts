/** Bytes of one element of each storage type, in the format's order: files hold their tensors from the last type to the first. */
const elementBytes = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E5M2: 1,
  F8_E4M3: 1,
  F8_E8M0: 1,
  F8_E4M3FNUZ: 1,
  F8_E5M2FNUZ: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  C64: 8,
  F64: 8,
  I64: 8,
  U64: 8,
} as const;

/** How a tensor's elements are stored. */
export type Dtype = keyof typeof elementBytes;

/** All storage types, in the format's order. */
export const dtypes = Object.keys(elementBytes) as readonly Dtype[];

export function isDtype(value: unknown): value is Dtype {
  return typeof value === "string" && Object.hasOwn(elementBytes, value);
}

/** True for an array of integers that are not negative. */
export function isShape(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

/** Number of elements of a shape, or `undefined` when a partial product is beyond 2^53 (so that no rounding can hide it). */
export function countElements(shape: readonly number[]): number | undefined {
  let count = 1;
  for (const size of shape) {
    count *= size;
    if (!Number.isSafeInteger(count)) return undefined;
  }
  return count;
}

/** Bytes of a tensor, or `undefined` when they are more than 2^53. */
export function countBytes(dtype: Dtype, shape: readonly number[]): number | undefined {
  return countElements([...shape, elementBytes[dtype]]);
}
