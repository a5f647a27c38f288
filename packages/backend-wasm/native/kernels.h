/*
 * Compiled kernels for TensorFlow.js's wasm backend, on that backend's own memory.
 *
 * The module shares its linear memory with tfjs: no static data and no large locals (see build.sh); scratch space comes
 * from the caller. All tensors are float32, row-major, without gaps. What is computed for a row depends on that row alone.
 */
#pragma once
#include <wasm_simd128.h>

#define EXPORT(name) __attribute__((export_name(#name)))
#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("clang loop unroll(full)")

INLINE int smaller(int a, int b) { return a < b ? a : b; }

/* The `count` (1 to 3) floats at `from`, then `fill`. */
INLINE v128_t load_some(const float *from, int count, v128_t fill) {
  v128_t some = wasm_v128_load32_lane(from, fill, 0);
  if (count > 1) some = wasm_v128_load32_lane(from + 1, some, 1);
  if (count > 2) some = wasm_v128_load32_lane(from + 2, some, 2);
  return some;
}

INLINE void store_some(float *to, int count, v128_t value) {
  wasm_v128_store32_lane(to, value, 0);
  if (count > 1) wasm_v128_store32_lane(to + 1, value, 1);
  if (count > 2) wasm_v128_store32_lane(to + 2, value, 2);
}

/*
 * exp(x) for x <= 0, exactly 0 below -80 (no denormals, which are slow), NaN for NaN: 2^n e^r with x = n ln 2 + r,
 * |r| <= ln 2 / 2, and Taylor's polynomial of degree 7 (its remainder is 5e-9) for e^r.
 */
INLINE v128_t exp_nonpositive(v128_t x) {
  /* Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits. */
  const v128_t shift = wasm_f32x4_splat(12582912.0f);
  v128_t shifted = wasm_f32x4_add(wasm_f32x4_mul(x, wasm_f32x4_splat(1.44269504f)), shift);
  v128_t n = wasm_f32x4_sub(shifted, shift);
  /* ln 2 in two parts; the first has few enough bits that its product with n is exact. */
  v128_t r = wasm_f32x4_sub(x, wasm_f32x4_mul(n, wasm_f32x4_splat(0.693359375f)));
  r = wasm_f32x4_sub(r, wasm_f32x4_mul(n, wasm_f32x4_splat(-2.12194440e-4f)));
  v128_t sum = wasm_f32x4_splat(1.0f / 5040);
#define NEXT_TERM(coefficient) sum = wasm_f32x4_add(wasm_f32x4_mul(sum, r), wasm_f32x4_splat(coefficient))
  NEXT_TERM(1.0f / 720);
  NEXT_TERM(1.0f / 120);
  NEXT_TERM(1.0f / 24);
  NEXT_TERM(1.0f / 6);
  NEXT_TERM(0.5f);
  NEXT_TERM(1.0f);
  NEXT_TERM(1.0f);
#undef NEXT_TERM
  v128_t power = wasm_i32x4_add(wasm_i32x4_shl(shifted, 23), wasm_i32x4_splat(127 << 23));
  return wasm_v128_andnot(wasm_f32x4_mul(sum, power), wasm_f32x4_lt(x, wasm_f32x4_splat(-80.0f)));
}

/* The four lanes, summed in pairs. */
INLINE float sum_lanes(v128_t x) {
  return (wasm_f32x4_extract_lane(x, 0) + wasm_f32x4_extract_lane(x, 1)) +
         (wasm_f32x4_extract_lane(x, 2) + wasm_f32x4_extract_lane(x, 3));
}

void multiply(const float *a, const float *b, float *c, int m, int n, int k, int transpose_a, int transpose_b,
              float *scratch);
void multiply_onto(const float *a, const float *b, float *c, int m, int n, int k, int transpose_a, int transpose_b,
                   int accumulate, float *scratch);
void softmax(const float *x, float *y, int rows, int columns);
