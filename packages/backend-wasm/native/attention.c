/*
 * Attention, one key head of one sequence at a time: `scores` holds the [rows][keys] scores of its query heads, whose rows
 * lie one after the other.
 */
#include "kernels.h"

/* scores = softmax(scores * scale + bias); row r of the head's `length` queries adds row r of `bias`, unless it is 0. */
static void weigh(float *scores, const float *bias, int heads, int length, int keys, float scale, int head_step,
                  int query_step) {
  float *row = scores;
  for (int h = 0; h < heads; h++)
    for (int i = 0; i < length; i++, row += keys) {
      if (bias == 0)
        for (int j = 0; j < keys; j++) row[j] *= scale;
      else {
        const float *add = bias + h * head_step + i * query_step;
        for (int j = 0; j < keys; j++) row[j] = row[j] * scale + add[j];
      }
    }
  softmax(scores, scores, heads * length, keys);
}

/*
 * y = softmax(q k' scale + bias) v for q[batch][heads][length][size], k and v[batch][kv_heads][keys][size]. The bias of
 * sequence b, head h and query i begins at b * batch_step + h * head_step + i * query_step; 0 means none.
 * `scores` holds heads / kv_heads * length * keys floats.
 */
EXPORT(attention)
void attention(const float *q, const float *k, const float *v, const float *bias, float *y, int batch, int heads,
               int kv_heads, int length, int keys, int size, float scale, int batch_step, int head_step,
               int query_step, float *scores, float *scratch) {
  const int group = heads / kv_heads, rows = group * length;
  for (int b = 0; b < batch; b++)
    for (int g = 0; g < kv_heads; g++) {
      const float *add = bias == 0 ? 0 : bias + b * batch_step + g * group * head_step;
      multiply(q, k, scores, rows, keys, size, 0, 1, scratch);
      weigh(scores, add, group, length, keys, scale, head_step, query_step);
      multiply(scores, v, y, rows, size, keys, 0, 0, scratch);
      q += rows * size;
      y += rows * size;
      k += keys * size;
      v += keys * size;
    }
}

/* d[row] = w[row] * (d[row] - the sum of w[row] * d[row]) * scale */
static void through_softmax(const float *w, float *d, int rows, int keys, float scale) {
  const int whole = keys & ~3, rest = keys - whole;
  const v128_t zero = wasm_f32x4_splat(0), factor = wasm_f32x4_splat(scale);
  for (int row = 0; row < rows; row++, w += keys, d += keys) {
    v128_t sum = zero;
    for (int j = 0; j < whole; j += 4)
      sum = wasm_f32x4_add(sum, wasm_f32x4_mul(wasm_v128_load(w + j), wasm_v128_load(d + j)));
    if (rest > 0)
      sum = wasm_f32x4_add(sum, wasm_f32x4_mul(load_some(w + whole, rest, zero), load_some(d + whole, rest, zero)));
    const float along = sum_lanes(sum);
    const v128_t mean = wasm_f32x4_splat(along);
    for (int j = 0; j < whole; j += 4) {
      const v128_t change = wasm_f32x4_sub(wasm_v128_load(d + j), mean);
      wasm_v128_store(d + j, wasm_f32x4_mul(wasm_f32x4_mul(wasm_v128_load(w + j), change), factor));
    }
    for (int j = whole; j < keys; j++) d[j] = w[j] * (d[j] - along) * scale;
  }
}

/* Gradients of attention; `scores` holds twice as much as there. */
EXPORT(attentionGradient)
void attention_gradient(const float *dy, const float *q, const float *k, const float *v, const float *bias, float *dq,
                        float *dk, float *dv, int batch, int heads, int kv_heads, int length, int keys, int size,
                        float scale, int batch_step, int head_step, int query_step, float *scores, float *scratch) {
  const int group = heads / kv_heads, rows = group * length;
  float *weights = scores, *d = scores + rows * keys;
  for (int b = 0; b < batch; b++)
    for (int g = 0; g < kv_heads; g++) {
      const float *add = bias == 0 ? 0 : bias + b * batch_step + g * group * head_step;
      multiply(q, k, weights, rows, keys, size, 0, 1, scratch);
      weigh(weights, add, group, length, keys, scale, head_step, query_step);
      multiply(dy, v, d, rows, keys, size, 0, 1, scratch);
      through_softmax(weights, d, rows, keys, scale);
      multiply(d, k, dq, rows, size, keys, 0, 0, scratch);
      multiply(d, q, dk, keys, size, rows, 1, 0, scratch);
      multiply(weights, dy, dv, keys, size, rows, 1, 0, scratch);
      q += rows * size, dq += rows * size, dy += rows * size;
      k += keys * size, dk += keys * size;
      v += keys * size, dv += keys * size;
    }
}

/*
 * One query a row over a cache that has room: q and y[batch][heads][size], k and v[batch][kv_heads][capacity][size], of
 * which row b sees the positions from pads[b] to length - 1. `scores` holds heads / kv_heads * length floats.
 */
EXPORT(attendCached)
void attend_cached(const float *q, const float *k, const float *v, const int *pads, float *y, int batch, int heads,
                   int kv_heads, int capacity, int length, int size, float scale, float *scores, float *scratch) {
  const int group = heads / kv_heads;
  for (int b = 0; b < batch; b++)
    for (int g = 0; g < kv_heads; g++) {
      const int keys = length - pads[b], start = ((b * kv_heads + g) * capacity + pads[b]) * size;
      multiply(q, k + start, scores, group, keys, size, 0, 1, scratch);
      weigh(scores, 0, group, 1, keys, scale, 0, 0);
      multiply(scores, v + start, y, group, size, keys, 0, 0, scratch);
      q += group * size;
      y += group * size;
    }
}

/* cache[head][position] = x[head] for every head of every row. */
EXPORT(writeCache) void write_cache(const float *x, float *cache, int heads, int capacity, int position, int size) {
  for (int h = 0; h < heads; h++)
    for (int j = 0; j < size; j++) cache[(h * capacity + position) * size + j] = x[h * size + j];
}

/* Moves the first `length` positions of every head to a cache of more capacity. */
EXPORT(growCache)
void grow_cache(const float *from, float *to, int heads, int old_capacity, int new_capacity, int length, int size) {
  for (int h = 0; h < heads; h++)
    __builtin_memcpy(to + h * new_capacity * size, from + h * old_capacity * size, 4 * (unsigned)(length * size));
}
