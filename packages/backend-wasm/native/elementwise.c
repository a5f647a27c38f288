/* Activations, their gradients, sums, rotation: one pass over memory each. */
#include "kernels.h"

/* exp(-|x|), between 0 and 1. */
INLINE v128_t exp_minus_size(v128_t x) { return exp_nonpositive(wasm_f32x4_neg(wasm_f32x4_abs(x))); }

INLINE v128_t sigmoid(v128_t x) {
  const v128_t one = wasm_f32x4_splat(1), e = exp_minus_size(x);
  const v128_t upper = wasm_v128_bitselect(one, e, wasm_f32x4_ge(x, wasm_f32x4_splat(0)));
  return wasm_f32x4_div(upper, wasm_f32x4_add(one, e));
}

INLINE v128_t tanh4(v128_t x) {
  const v128_t one = wasm_f32x4_splat(1), e = exp_minus_size(wasm_f32x4_add(x, x));
  const v128_t size = wasm_f32x4_div(wasm_f32x4_sub(one, e), wasm_f32x4_add(one, e));
  return wasm_v128_bitselect(x, size, wasm_i32x4_splat((int)0x80000000));
}

/* sqrt(2 / pi) * (x + 0.044715 x^3) */
INLINE v128_t gelu_inner(v128_t x) {
  const v128_t cubic = wasm_f32x4_mul(wasm_f32x4_mul(x, x), wasm_f32x4_splat(0.044715f));
  const v128_t scaled = wasm_f32x4_mul(x, wasm_f32x4_splat(0.7978845608f));
  return wasm_f32x4_mul(scaled, wasm_f32x4_add(cubic, wasm_f32x4_splat(1)));
}

INLINE v128_t gelu4(v128_t x) {
  const v128_t one = wasm_f32x4_splat(1);
  return wasm_f32x4_mul(wasm_f32x4_mul(x, wasm_f32x4_splat(0.5f)), wasm_f32x4_add(one, tanh4(gelu_inner(x))));
}

/* dy * (1 + t + x (1 - t^2) inner') / 2 */
INLINE v128_t gelu_gradient4(v128_t dy, v128_t x) {
  const v128_t one = wasm_f32x4_splat(1), t = tanh4(gelu_inner(x));
  const v128_t square = wasm_f32x4_mul(wasm_f32x4_mul(x, x), wasm_f32x4_splat(3 * 0.044715f));
  const v128_t slope = wasm_f32x4_mul(wasm_f32x4_add(square, one), wasm_f32x4_splat(0.7978845608f));
  const v128_t curve = wasm_f32x4_mul(wasm_f32x4_mul(x, wasm_f32x4_sub(one, wasm_f32x4_mul(t, t))), slope);
  return wasm_f32x4_mul(dy, wasm_f32x4_mul(wasm_f32x4_add(wasm_f32x4_add(t, one), curve), wasm_f32x4_splat(0.5f)));
}

INLINE v128_t swi_glu4(v128_t gate, v128_t up) { return wasm_f32x4_mul(wasm_f32x4_mul(gate, sigmoid(gate)), up); }

/* dy * up * s (1 + gate (1 - s)) */
INLINE v128_t gate_gradient4(v128_t dy, v128_t gate, v128_t up) {
  const v128_t one = wasm_f32x4_splat(1), s = sigmoid(gate);
  const v128_t slope = wasm_f32x4_mul(s, wasm_f32x4_add(wasm_f32x4_mul(gate, wasm_f32x4_sub(one, s)), one));
  return wasm_f32x4_mul(wasm_f32x4_mul(dy, up), slope);
}

/* Runs `statement` for i = 0, 4, 8, ... and once more for the rest; IN and OUT read and write the lanes that exist. */
#define FOR_EACH_VECTOR(size, statement)                                                                               \
  {                                                                                                                    \
    const v128_t zero = wasm_f32x4_splat(0);                                                                           \
    int i = 0;                                                                                                         \
    for (; i + 4 <= (size); i += 4) {                                                                                  \
      statement(wasm_v128_load, wasm_v128_store)                                                                       \
    }                                                                                                                  \
    const int rest = (size) - i;                                                                                       \
    if (rest > 0) {                                                                                                    \
      statement(LOAD_REST, STORE_REST)                                                                                 \
    }                                                                                                                  \
    (void)zero;                                                                                                        \
  }
#define LOAD_REST(from) load_some(from, rest, zero)
#define STORE_REST(to, value) store_some(to, rest, value)

EXPORT(geluTanh) void gelu_tanh(const float *x, float *y, int size) {
#define BODY(IN, OUT) OUT(y + i, gelu4(IN(x + i)));
  FOR_EACH_VECTOR(size, BODY)
#undef BODY
}

EXPORT(geluTanhGradient) void gelu_tanh_gradient(const float *dy, const float *x, float *dx, int size) {
#define BODY(IN, OUT) OUT(dx + i, gelu_gradient4(IN(dy + i), IN(x + i)));
  FOR_EACH_VECTOR(size, BODY)
#undef BODY
}

EXPORT(swiGlu) void swi_glu(const float *gate, const float *up, float *y, int size) {
#define BODY(IN, OUT) OUT(y + i, swi_glu4(IN(gate + i), IN(up + i)));
  FOR_EACH_VECTOR(size, BODY)
#undef BODY
}

EXPORT(swiGluGradient)
void swi_glu_gradient(const float *dy, const float *gate, const float *up, float *dgate, float *dup, int size) {
#define BODY(IN, OUT)                                                                                                  \
  const v128_t d = IN(dy + i), g = IN(gate + i);                                                                       \
  OUT(dgate + i, gate_gradient4(d, g, IN(up + i)));                                                                    \
  OUT(dup + i, wasm_f32x4_mul(d, wasm_f32x4_mul(g, sigmoid(g))));
  FOR_EACH_VECTOR(size, BODY)
#undef BODY
}

/* y = a + b; y may be a or b. */
EXPORT(add) void add(const float *a, const float *b, float *y, int size) {
  for (int i = 0; i < size; i++) y[i] = a[i] + b[i];
}

/* Adds one row to every row of y. */
EXPORT(addRow) void add_row(const float *row, float *y, int rows, int columns) {
  for (int i = 0; i < rows; i++, y += columns) add(y, row, y, columns);
}

/* y[columns] = the sum of all rows, in ascending order. */
EXPORT(sumRows) void sum_rows(const float *x, float *y, int rows, int columns) {
  for (int j = 0; j < columns; j++) y[j] = 0;
  for (int i = 0; i < rows; i++, x += columns) add(y, x, y, columns);
}

/*
 * Rotary embedding of x[batch][heads][length][size], or its transpose (the gradient) where `backward`. The angles are
 * [batch][length][size], or shared by the batch where `angle_step` is 0 (else length * size). y may be x.
 */
EXPORT(rotary)
void rotary(const float *x, const float *cosines, const float *sines, float *y, int batch, int heads, int length,
            int size, int angle_step, int backward) {
  const int half = size / 2;
  for (int b = 0; b < batch; b++)
    for (int h = 0; h < heads; h++)
      for (int i = 0; i < length; i++, x += size, y += size) {
        const float *c = cosines + b * angle_step + i * size, *s = sines + b * angle_step + i * size;
        const float *first_sine = backward ? s + half : s, *second_sine = backward ? s : s + half;
        const float sign = backward ? -1 : 1;
        int j = 0;
        for (; j + 4 <= half; j += 4) {
          const v128_t x1 = wasm_v128_load(x + j), x2 = wasm_v128_load(x + half + j);
          const v128_t turn = wasm_f32x4_splat(sign);
          const v128_t s1 = wasm_f32x4_mul(turn, wasm_v128_load(first_sine + j));
          const v128_t s2 = wasm_f32x4_mul(turn, wasm_v128_load(second_sine + j));
          wasm_v128_store(y + j, wasm_f32x4_sub(wasm_f32x4_mul(x1, wasm_v128_load(c + j)), wasm_f32x4_mul(x2, s1)));
          wasm_v128_store(y + half + j,
                          wasm_f32x4_add(wasm_f32x4_mul(x2, wasm_v128_load(c + half + j)), wasm_f32x4_mul(x1, s2)));
        }
        for (; j < half; j++) {
          const float x1 = x[j], x2 = x[half + j];
          y[j] = x1 * c[j] - x2 * (sign * first_sine[j]);
          y[half + j] = x2 * c[half + j] + x1 * (sign * second_sine[j]);
        }
      }
}

/* y[outer][b][a][inner] = x[outer][a][b][inner], inner a multiple of 4. */
EXPORT(swapAxes) void swap_axes(const float *x, float *y, int outer, int a, int b, int inner) {
  for (int o = 0; o < outer; o++, x += a * b * inner)
    for (int j = 0; j < b; j++)
      for (int i = 0; i < a; i++, y += inner) {
        const float *from = x + (i * b + j) * inner;
        for (int k = 0; k < inner; k += 4) wasm_v128_store(y + k, wasm_v128_load(from + k));
      }
}
