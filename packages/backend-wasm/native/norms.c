/* RMSNorm and LayerNorm over rows, and their gradients. Lane j mod 4 sums its columns in ascending order. */
#include "kernels.h"

/* Lanes of the sum of x[j] * y[j]. */
INLINE float dot(const float *x, const float *y, int columns) {
  const int whole = columns & ~3;
  v128_t sum = wasm_f32x4_splat(0);
  for (int j = 0; j < whole; j += 4)
    sum = wasm_f32x4_add(sum, wasm_f32x4_mul(wasm_v128_load(x + j), wasm_v128_load(y + j)));
  if (whole < columns) {
    const v128_t zero = wasm_f32x4_splat(0);
    const int rest = columns - whole;
    sum = wasm_f32x4_add(sum, wasm_f32x4_mul(load_some(x + whole, rest, zero), load_some(y + whole, rest, zero)));
  }
  return sum_lanes(sum);
}

INLINE float total(const float *x, int columns) {
  const int whole = columns & ~3;
  v128_t sum = wasm_f32x4_splat(0);
  for (int j = 0; j < whole; j += 4) sum = wasm_f32x4_add(sum, wasm_v128_load(x + j));
  if (whole < columns) sum = wasm_f32x4_add(sum, load_some(x + whole, columns - whole, wasm_f32x4_splat(0)));
  return sum_lanes(sum);
}

INLINE float inverse_rms(const float *x, int columns, float epsilon) {
  return 1 / __builtin_sqrtf(dot(x, x, columns) / columns + epsilon);
}

/* The sum of (x[j] - mean)^2. */
INLINE float squared_deviations(const float *x, float mean, int columns) {
  const int whole = columns & ~3;
  const v128_t center = wasm_f32x4_splat(mean);
  v128_t sum = wasm_f32x4_splat(0);
  for (int j = 0; j <= whole; j += 4) {
    if (j == whole && whole == columns) break;
    v128_t part = j < whole ? wasm_v128_load(x + j) : load_some(x + j, columns - j, center);
    part = wasm_f32x4_sub(part, center);
    sum = wasm_f32x4_add(sum, wasm_f32x4_mul(part, part));
  }
  return sum_lanes(sum);
}

INLINE float inverse_deviation(const float *x, float mean, int columns, float epsilon) {
  return 1 / __builtin_sqrtf(squared_deviations(x, mean, columns) / columns + epsilon);
}

/* y[row] = x[row] / sqrt(mean(x[row]^2) + epsilon) * weight */
EXPORT(rmsNorm) void rms_norm(const float *x, const float *weight, float *y, int rows, int columns, float epsilon) {
  for (int row = 0; row < rows; row++, x += columns, y += columns) {
    const float r = inverse_rms(x, columns, epsilon);
    for (int j = 0; j < columns; j++) y[j] = x[j] * r * weight[j];
  }
}

/* dx = r * (g - n * mean(g * n)) with g = dy * weight, n = x * r. */
EXPORT(rmsNormGradient)
void rms_norm_gradient(const float *dy, const float *x, const float *weight, float *dx, int rows, int columns,
                       float epsilon) {
  for (int row = 0; row < rows; row++, dy += columns, x += columns, dx += columns) {
    const float r = inverse_rms(x, columns, epsilon);
    for (int j = 0; j < columns; j++) dx[j] = dy[j] * weight[j];
    const float along = dot(dx, x, columns) * r / columns * r;
    for (int j = 0; j < columns; j++) dx[j] = r * (dx[j] - x[j] * along);
  }
}

/* dweight = the sum over rows of dy * x * r, rows in ascending order. */
EXPORT(rmsNormWeightGradient)
void rms_norm_weight_gradient(const float *dy, const float *x, float *dweight, int rows, int columns, float epsilon) {
  for (int j = 0; j < columns; j++) dweight[j] = 0;
  for (int row = 0; row < rows; row++, dy += columns, x += columns) {
    const float r = inverse_rms(x, columns, epsilon);
    for (int j = 0; j < columns; j++) dweight[j] += dy[j] * (x[j] * r);
  }
}

/* y[row] = (x[row] - mean) / sqrt(variance + epsilon) * weight + bias */
EXPORT(layerNorm)
void layer_norm(const float *x, const float *weight, const float *bias, float *y, int rows, int columns,
                float epsilon) {
  for (int row = 0; row < rows; row++, x += columns, y += columns) {
    const float mean = total(x, columns) / columns, r = inverse_deviation(x, mean, columns, epsilon);
    for (int j = 0; j < columns; j++) y[j] = (x[j] - mean) * r * weight[j] + bias[j];
  }
}

/* dx = r * (g - mean(g) - n * mean(g * n)) with g = dy * weight, n = (x - mean) * r. */
EXPORT(layerNormGradient)
void layer_norm_gradient(const float *dy, const float *x, const float *weight, float *dx, int rows, int columns,
                         float epsilon) {
  for (int row = 0; row < rows; row++, dy += columns, x += columns, dx += columns) {
    const float mean = total(x, columns) / columns, r = inverse_deviation(x, mean, columns, epsilon);
    for (int j = 0; j < columns; j++) dx[j] = dy[j] * weight[j];
    const float level = total(dx, columns) / columns;
    /* The deviations from the mean add up to 0, so that taking `level` off g changes nothing but rounding. */
    for (int j = 0; j < columns; j++) dx[j] -= level;
    const float along = (dot(dx, x, columns) - mean * total(dx, columns)) * r / columns * r;
    for (int j = 0; j < columns; j++) dx[j] = r * (dx[j] - (x[j] - mean) * along);
  }
}

/* dweight = the sum over rows of dy * (x - mean) * r, rows in ascending order. */
EXPORT(layerNormWeightGradient)
void layer_norm_weight_gradient(const float *dy, const float *x, float *dweight, int rows, int columns,
                                float epsilon) {
  for (int j = 0; j < columns; j++) dweight[j] = 0;
  for (int row = 0; row < rows; row++, dy += columns, x += columns) {
    const float mean = total(x, columns) / columns, r = inverse_deviation(x, mean, columns, epsilon);
    for (int j = 0; j < columns; j++) dweight[j] += dy[j] * ((x[j] - mean) * r);
  }
}
