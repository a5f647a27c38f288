/*
 * Matrix product.
 *
 * Every element of a product is one running sum over k = 0, 1, 2, ... in float32: tiles, remainders and blocks along k only
 * decide when a sum is worked on, never its order. A row's bits therefore depend on that row of `a` and on `b` alone.
 */
#include "kernels.h"

enum {
  ROWS = 4,      /* rows of a tile: 4 x 8 sums take eight vector registers; engines spill 5 x 8 and run it at half the speed */
  DEPTH = 256,   /* block along k: ROWS * DEPTH of `a` and a panel of `b` stay in the first-level cache */
  WIDTH = 256,   /* block along n: DEPTH * WIDTH floats of `b`, 256 KiB, stay in the second-level cache */
  FEW_WIDTH = 32 /* the same when `a` has few rows: every packed panel is read only once */
};

/* Floats of scratch that multiply() needs. */
EXPORT(scratchLength) int scratch_length(void) { return ROWS * DEPTH + DEPTH * WIDTH + ROWS * 16; }

/* c[rows][4 * vectors] (+)= a[depth][rows]' b[depth][4 * vectors]; rows of b and c lie b_stride and c_stride floats apart. */
INLINE void multiply_tile(const int rows, const int vectors, int depth, const float *a, const float *b, int b_stride,
                          float *c, int c_stride, int first) {
  v128_t sum[ROWS][4];
  UNROLL for (int r = 0; r < rows; r++)
    UNROLL for (int v = 0; v < vectors; v++)
      sum[r][v] = first ? wasm_f32x4_const(0, 0, 0, 0) : wasm_v128_load(c + r * c_stride + 4 * v);
  for (int k = 0; k < depth; k++) {
    v128_t right[4];
    UNROLL for (int v = 0; v < vectors; v++) right[v] = wasm_v128_load(b + 4 * v);
    UNROLL for (int r = 0; r < rows; r++) {
      v128_t left = wasm_v128_load32_splat(a + r);
      UNROLL for (int v = 0; v < vectors; v++)
        sum[r][v] = wasm_f32x4_add(sum[r][v], wasm_f32x4_mul(left, right[v]));
    }
    a += rows;
    b += b_stride;
  }
  UNROLL for (int r = 0; r < rows; r++)
    UNROLL for (int v = 0; v < vectors; v++) wasm_v128_store(c + r * c_stride + 4 * v, sum[r][v]);
}

#define TILE(name, rows, vectors)                                                                                      \
  static void name(int depth, const float *a, const float *b, int b_stride, float *c, int c_stride, int first) {      \
    multiply_tile(rows, vectors, depth, a, b, b_stride, c, c_stride, first);                                           \
  }
TILE(tile_4x8, 4, 2)
TILE(tile_3x8, 3, 2)
TILE(tile_2x8, 2, 2)
TILE(tile_1x8, 1, 2)
TILE(tile_2x16, 2, 4)
TILE(tile_1x16, 1, 4)

static void run_tile(int rows, int panel, int depth, const float *a, const float *b, int b_stride, float *c,
                     int c_stride, int first) {
  if (panel == 16) {
    if (rows == 1) tile_1x16(depth, a, b, b_stride, c, c_stride, first);
    else tile_2x16(depth, a, b, b_stride, c, c_stride, first);
  } else if (rows == 4) tile_4x8(depth, a, b, b_stride, c, c_stride, first);
  else if (rows == 3) tile_3x8(depth, a, b, b_stride, c, c_stride, first);
  else if (rows == 2) tile_2x8(depth, a, b, b_stride, c, c_stride, first);
  else tile_1x8(depth, a, b, b_stride, c, c_stride, first);
}

/* The last columns of a product: the sums go through a full tile at `edge`, so that nothing is written past the row. */
static void run_edge_tile(int rows, int panel, int columns, int depth, const float *a, const float *b, int b_stride,
                          float *c, int c_stride, int first, float *edge) {
  if (!first)
    for (int r = 0; r < rows; r++)
      for (int j = 0; j < columns; j++) edge[r * panel + j] = c[r * c_stride + j];
  run_tile(rows, panel, depth, a, b, b_stride, edge, panel, first);
  for (int r = 0; r < rows; r++)
    for (int j = 0; j < columns; j++) c[r * c_stride + j] = edge[r * panel + j];
}

/* The 4 x 4 block whose rows lie `step` floats apart from `from` on, transposed. */
INLINE void load_transposed(const float *from, int step, v128_t columns[4]) {
  v128_t a = wasm_v128_load(from), b = wasm_v128_load(from + step);
  v128_t c = wasm_v128_load(from + 2 * step), d = wasm_v128_load(from + 3 * step);
  v128_t ab_low = wasm_i32x4_shuffle(a, b, 0, 4, 1, 5), ab_high = wasm_i32x4_shuffle(a, b, 2, 6, 3, 7);
  v128_t cd_low = wasm_i32x4_shuffle(c, d, 0, 4, 1, 5), cd_high = wasm_i32x4_shuffle(c, d, 2, 6, 3, 7);
  columns[0] = wasm_i64x2_shuffle(ab_low, cd_low, 0, 2);
  columns[1] = wasm_i64x2_shuffle(ab_low, cd_low, 1, 3);
  columns[2] = wasm_i64x2_shuffle(ab_high, cd_high, 0, 2);
  columns[3] = wasm_i64x2_shuffle(ab_high, cd_high, 1, 3);
}

/* The same block written down, its rows `to_step` floats apart. */
INLINE void transpose_block(const float *from, int from_step, float *to, int to_step) {
  v128_t columns[4];
  load_transposed(from, from_step, columns);
  UNROLL for (int i = 0; i < 4; i++) wasm_v128_store(to + i * to_step, columns[i]);
}

/* packed[depth][rows] from rows of `a`; element (row, k) lies at a[row * row_step + k * k_step], one of the steps is 1. */
static void pack_rows(const float *a, int row_step, int k_step, int rows, int depth, float *packed) {
  int k = 0;
  if (rows == 4 && row_step == 1)
    for (; k < depth; k++) wasm_v128_store(packed + 4 * k, wasm_v128_load(a + k * k_step));
  else if (rows == 4)
    for (; k + 4 <= depth; k += 4) transpose_block(a + k, row_step, packed + 4 * k, 4);
  if (k == depth) return;
  for (int r = 0; r < rows; r++) {
    const float *from = a + r * row_step + k * k_step;
    float *to = packed + k * rows + r;
    for (int i = k; i < depth; i++, from += k_step, to += rows) *to = *from;
  }
}

/* packed[depth][panel] from `columns` columns of `b`, zeros behind them; element (k, j) lies at b[k * k_step + j * step]. */
static void pack_panel(const float *b, int k_step, int step, int columns, int panel, int depth, float *packed) {
  if (columns < panel && step == 1) {
    for (int k = 0; k < depth; k++)
      for (int j = 0; j < panel; j++) packed[k * panel + j] = j < columns ? b[k * k_step + j] : 0;
  } else if (step == 1) {
    for (int k = 0; k < depth; k++)
      for (int j = 0; j < panel; j += 4) wasm_v128_store(packed + k * panel + j, wasm_v128_load(b + k * k_step + j));
  } else {
    for (int j = 0; j < panel; j += 4) {
      int k = 0;
      if (j + 4 <= columns)
        for (; k + 4 <= depth; k += 4) transpose_block(b + j * step + k, step, packed + k * panel + j, panel);
      for (; k < depth; k++)
        for (int i = 0; i < 4; i++) packed[k * panel + j + i] = j + i < columns ? b[(j + i) * step + k] : 0;
    }
  }
}

/*
 * c[rows][4 * vectors] (+)= a b' for rows of k floats each: `rows` of a, 4 * vectors of b, which are transposed in registers.
 * The rows of c lie c_stride floats apart.
 */
INLINE void multiply_few_tile(const int rows, const int vectors, int k, const float *a, const float *b, float *c,
                              int c_stride, int first) {
  v128_t sum[ROWS][2];
  UNROLL for (int r = 0; r < rows; r++)
    UNROLL for (int v = 0; v < vectors; v++)
      sum[r][v] = first ? wasm_f32x4_const(0, 0, 0, 0) : wasm_v128_load(c + r * c_stride + 4 * v);
  int at = 0;
  for (; at + 4 <= k; at += 4) {
    v128_t right[2][4];
    UNROLL for (int v = 0; v < vectors; v++) load_transposed(b + 4 * v * k + at, k, right[v]);
    UNROLL for (int i = 0; i < 4; i++)
      UNROLL for (int r = 0; r < rows; r++) {
        const v128_t left = wasm_v128_load32_splat(a + r * k + at + i);
        UNROLL for (int v = 0; v < vectors; v++)
          sum[r][v] = wasm_f32x4_add(sum[r][v], wasm_f32x4_mul(left, right[v][i]));
      }
  }
  for (; at < k; at++)
    UNROLL for (int v = 0; v < vectors; v++) {
      const float *from = b + 4 * v * k + at;
      const v128_t right = wasm_f32x4_make(from[0], from[k], from[2 * k], from[3 * k]);
      UNROLL for (int r = 0; r < rows; r++)
        sum[r][v] = wasm_f32x4_add(sum[r][v], wasm_f32x4_mul(wasm_v128_load32_splat(a + r * k + at), right));
    }
  UNROLL for (int r = 0; r < rows; r++)
    UNROLL for (int v = 0; v < vectors; v++) wasm_v128_store(c + r * c_stride + 4 * v, sum[r][v]);
}

/* c[rows][n] (+)= a b' for a handful of rows, for which packing b would cost as much as the product. */
INLINE void multiply_rows(const int rows, int n, int k, const float *a, const float *b, float *c, int first) {
  int j = 0;
  if (rows <= 2)
    for (; j + 8 <= n; j += 8) multiply_few_tile(rows, 2, k, a, b + j * k, c + j, n, first);
  for (; j + 4 <= n; j += 4) multiply_few_tile(rows, 1, k, a, b + j * k, c + j, n, first);
  for (; j < n; j++)
    for (int r = 0; r < rows; r++) {
      float sum = first ? 0 : c[r * n + j];
      for (int i = 0; i < k; i++) sum += a[r * k + i] * b[j * k + i];
      c[r * n + j] = sum;
    }
}

static void multiply_few(int rows, int n, int k, const float *a, const float *b, float *c, int first) {
  if (rows == 1) multiply_rows(1, n, k, a, b, c, first);
  else if (rows == 2) multiply_rows(2, n, k, a, b, c, first);
  else if (rows == 3) multiply_rows(3, n, k, a, b, c, first);
  else multiply_rows(4, n, k, a, b, c, first);
}

/*
 * c[m][n] = op(a) op(b), op(a) [m][k], op(b) [k][n], all row-major without gaps; op transposes where asked. Where
 * `accumulate`, the sums go on from what c holds. `scratch` holds scratchLength() floats.
 */
void multiply_onto(const float *a, const float *b, float *c, int m, int n, int k, int transpose_a, int transpose_b,
                   int accumulate, float *scratch) {
  if (m <= ROWS && transpose_b && !transpose_a) {
    multiply_few(m, n, k, a, b, c, !accumulate);
    return;
  }
  float *packed_a = scratch, *packed_b = scratch + ROWS * DEPTH, *edge = packed_b + DEPTH * WIDTH;
  const int a_row_step = transpose_a ? 1 : k, a_k_step = transpose_a ? m : 1;
  const int b_step = transpose_b ? k : 1, b_k_step = transpose_b ? 1 : n;
  /* Few rows leave registers for wide panels; a product that is narrow and no multiple of them is better off without. */
  const int panel = m <= 2 && (n > 64 || n % 16 == 0) ? 16 : 8, width = m <= ROWS ? FEW_WIDTH : WIDTH;
  /* One block of rows reads every panel once: reading b in place then beats packing, where its rows are contiguous. */
  const int in_place = m <= ROWS && !transpose_b;
  for (int n0 = 0; n0 < n; n0 += width) {
    const int block = smaller(width, n - n0);
    for (int k0 = 0; k0 < k; k0 += DEPTH) {
      const int depth = smaller(DEPTH, k - k0), first = k0 == 0 && !accumulate;
      const float *from = b + k0 * b_k_step + n0 * b_step;
      for (int j = 0; j < block; j += panel)
        if (!in_place || block - j < panel)
          pack_panel(from + j * b_step, b_k_step, b_step, smaller(panel, block - j), panel, depth, packed_b + j * depth);
      for (int i = 0; i < m; i += ROWS) {
        const int rows = smaller(ROWS, m - i);
        pack_rows(a + i * a_row_step + k0 * a_k_step, a_row_step, a_k_step, rows, depth, packed_a);
        for (int j = 0; j < block; j += panel) {
          float *to = c + i * n + n0 + j;
          const int columns = smaller(panel, block - j);
          if (columns < panel)
            run_edge_tile(rows, panel, columns, depth, packed_a, packed_b + j * depth, panel, to, n, first, edge);
          else if (in_place) run_tile(rows, panel, depth, packed_a, from + j, n, to, n, first);
          else run_tile(rows, panel, depth, packed_a, packed_b + j * depth, panel, to, n, first);
        }
      }
    }
  }
}

EXPORT(multiply) void multiply(const float *a, const float *b, float *c, int m, int n, int k, int transpose_a,
                               int transpose_b, float *scratch) {
  multiply_onto(a, b, c, m, n, k, transpose_a, transpose_b, 0, scratch);
}
