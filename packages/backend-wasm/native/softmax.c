#include "kernels.h"

/* The largest of a row in every lane. A NaN may be passed over: it shows up again in the sum. */
INLINE v128_t largest_of(const float *x, int columns) {
  const int whole = columns & ~3;
  v128_t largest = wasm_v128_load32_splat(x);
  for (int j = 0; j < whole; j += 4) largest = wasm_f32x4_pmax(largest, wasm_v128_load(x + j));
  if (whole < columns) largest = wasm_f32x4_pmax(largest, load_some(x + whole, columns - whole, largest));
  largest = wasm_f32x4_pmax(largest, wasm_i32x4_shuffle(largest, largest, 2, 3, 0, 1));
  return wasm_f32x4_pmax(largest, wasm_i32x4_shuffle(largest, largest, 1, 0, 3, 2));
}

/*
 * y[row] = softmax(x[row]) over `columns`. Lane j mod 4 sums its columns in ascending order, so that columns that are
 * exactly 0 at the end of a row leave the bits of the others alone.
 */
EXPORT(softmax) void softmax(const float *x, float *y, int rows, int columns) {
  const int whole = columns & ~3, rest = columns - whole;
  for (int row = 0; row < rows; row++, x += columns, y += columns) {
    const v128_t largest = largest_of(x, columns);
    v128_t sum = wasm_f32x4_splat(0);
    for (int j = 0; j < whole; j += 4) {
      v128_t value = exp_nonpositive(wasm_f32x4_sub(wasm_v128_load(x + j), largest));
      wasm_v128_store(y + j, value);
      sum = wasm_f32x4_add(sum, value);
    }
    if (rest > 0) {
      v128_t last = load_some(x + whole, rest, wasm_f32x4_splat(-__builtin_inff()));
      v128_t value = exp_nonpositive(wasm_f32x4_sub(last, largest));
      store_some(y + whole, rest, value);
      sum = wasm_f32x4_add(sum, value);
    }
    const float scale = 1 / sum_lanes(sum);
    for (int j = 0; j < whole; j += 4)
      wasm_v128_store(y + j, wasm_f32x4_mul(wasm_v128_load(y + j), wasm_f32x4_splat(scale)));
    for (int j = whole; j < columns; j++) y[j] *= scale;
  }
}
