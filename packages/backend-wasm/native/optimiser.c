/* The update of an optimiser: one pass over a weight, its gradient and its running averages. */
#include "kernels.h"

/*
 * AdamW for `size` weights w, gradients g and running averages m and v, with g scaled first:
 *
 *   m' = m + first_rate (g - m)      v' = second_keep v + second_rate g^2      w' = decay w - step_size m' / (sqrt(v') + epsilon)
 *
 * in the order of operations in which adamWUpdate of tensor-ops composes them.
 */
EXPORT(adamW)
void adamw(const float *restrict weight, const float *restrict gradient, const float *restrict first,
           const float *restrict second, float *restrict new_weight, float *restrict new_first,
           float *restrict new_second, int size, float gradient_scale, float decay, float first_rate, float second_keep,
           float second_rate, float epsilon, float step_size) {
  for (int i = 0; i < size; i++) {
    const float g = gradient[i] * gradient_scale;
    const float m = first[i] + (g - first[i]) * first_rate;
    const float v = second[i] * second_keep + g * g * second_rate;
    new_first[i] = m;
    new_second[i] = v;
    new_weight[i] = weight[i] * decay - m / (__builtin_sqrtf(v) + epsilon) * step_size;
  }
}
