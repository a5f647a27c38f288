/*
 * Attention, a block of queries at a time: only the scores of one block are ever in memory. Keys that the bias hides from
 * the whole block, before the first or after the last one that it shows, are left out: their weights are exactly 0.
 */
#include "kernels.h"

enum { BLOCK = 32 /* queries: the block's scores stay in the second-level cache */ };

/* From here down a bias hides a key. */
#define HIDDEN (-1e8f)

/* The keys `from` to `to - 1` of which the block's queries see any; all keys when a query sees none. */
static void find_visible(const float *bias, int query_step, int queries, int keys, int *from, int *to) {
  *from = 0;
  *to = keys;
  if (bias == 0) return;
  int first = keys, end = 0;
  for (int i = 0; i < queries; i++) {
    const float *row = bias + i * query_step;
    int left = 0, right = keys;
    while (left < keys && row[left] <= HIDDEN) left++;
    if (left == keys) return;
    while (row[right - 1] <= HIDDEN) right--;
    if (left < first) first = left;
    if (right > end) end = right;
    if (query_step == 0) break;
  }
  *from = first;
  *to = end;
}

/* scores[queries][keys] = softmax(scores * scale + bias); no bias where it is 0. */
static void weigh(float *scores, const float *bias, int query_step, int queries, int keys, float scale) {
  float *row = scores;
  for (int i = 0; i < queries; i++, row += keys) {
    if (bias == 0) {
      for (int j = 0; j < keys; j++) row[j] *= scale;
    } else {
      const float *add = bias + i * query_step;
      for (int j = 0; j < keys; j++) row[j] = row[j] * scale + add[j];
    }
  }
  softmax(scores, scores, queries, keys);
}

/* Floats of `scores` for one block of attention(); attentionGradient() needs twice as many. */
EXPORT(scoresLength) int scores_length(int queries, int keys) { return smaller(BLOCK, queries) * keys; }

/*
 * y = softmax(q k' scale + bias) v for q[batch][heads][length][size], k and v[batch][kv_heads][keys][size]. The bias of
 * sequence b, head h and query i begins at b * batch_step + h * head_step + i * query_step; an address of 0 means none.
 */
EXPORT(attention)
void attention(const float *q, const float *k, const float *v, const float *bias, float *y, int batch, int heads,
               int kv_heads, int length, int keys, int size, float scale, int batch_step, int head_step,
               int query_step, float *scores, float *scratch) {
  const int group = heads / kv_heads;
  for (int b = 0; b < batch; b++)
    for (int h = 0; h < heads; h++) {
      const int shared = (b * kv_heads + h / group) * keys * size;
      for (int i = 0; i < length; i += BLOCK) {
        const int queries = smaller(BLOCK, length - i), at = ((b * heads + h) * length + i) * size;
        const float *add = bias == 0 ? 0 : bias + b * batch_step + h * head_step + i * query_step;
        int from, to;
        find_visible(add, query_step, queries, keys, &from, &to);
        const int seen = to - from, first = shared + from * size;
        multiply(q + at, k + first, scores, queries, seen, size, 0, 1, scratch);
        weigh(scores, add == 0 ? 0 : add + from, query_step, queries, seen, scale);
        multiply(scores, v + first, y + at, queries, size, seen, 0, 0, scratch);
      }
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

/* Gradients of attention. */
EXPORT(attentionGradient)
void attention_gradient(const float *dy, const float *q, const float *k, const float *v, const float *bias, float *dq,
                        float *dk, float *dv, int batch, int heads, int kv_heads, int length, int keys, int size,
                        float scale, int batch_step, int head_step, int query_step, float *scores, float *scratch) {
  const int group = heads / kv_heads;
  for (int i = 0; i < batch * kv_heads * keys * size; i++) dk[i] = dv[i] = 0;
  for (int b = 0; b < batch; b++)
    for (int h = 0; h < heads; h++) {
      const int shared = (b * kv_heads + h / group) * keys * size;
      for (int i = 0; i < length; i += BLOCK) {
        const int queries = smaller(BLOCK, length - i), at = ((b * heads + h) * length + i) * size;
        const float *add = bias == 0 ? 0 : bias + b * batch_step + h * head_step + i * query_step;
        int from, to;
        find_visible(add, query_step, queries, keys, &from, &to);
        const int seen = to - from, first = shared + from * size;
        float *weights = scores, *d = scores + queries * seen;
        multiply(q + at, k + first, weights, queries, seen, size, 0, 1, scratch);
        weigh(weights, add == 0 ? 0 : add + from, query_step, queries, seen, scale);
        multiply(dy + at, v + first, d, queries, seen, size, 0, 1, scratch);
        through_softmax(weights, d, queries, seen, scale);
        multiply(d, k + first, dq + at, queries, size, seen, 0, 0, scratch);
        multiply_onto(d, q + at, dk + first, seen, size, queries, 1, 0, 1, scratch);
        multiply_onto(weights, dy + at, dv + first, seen, size, queries, 1, 0, 1, scratch);
      }
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
      weigh(scores, 0, 0, group, keys, scale);
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
