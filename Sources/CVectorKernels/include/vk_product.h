#ifndef VK_PRODUCT_H
#define VK_PRODUCT_H

#include <stddef.h>

#include "vk_elementwise.h"

#ifdef __cplusplus
extern "C" {
#endif

/// A matrix product with a batch as one operand, where no dimension is large enough to amortise packing a large
/// operand:
///
///     c[i][j] = Σ_{p < k} a[i][p] · b[p][j],  or c += …
///
/// with a[i][p] at i·a_row + p·a_step and so on. One of the two strides of each operand is 1.
typedef struct {
  ptrdiff_t m, n, k;
  ptrdiff_t a_row, a_step, b_row, b_step, c_row, c_step;
  int accumulate;
} vk_product;

/// Fastest if b is the small operand or m is small: b is packed, two vectors of columns at a time; a is read in place
/// if its rows are contiguous, and packed otherwise.
void vk_product_f32(int level, const vk_product *shape, const float *a, const float *b, float *c);

/// Steps of p of a product that are summed in registers at once.
enum { VK_PRODUCT_DEPTH = 512 };

/// One step of Adam (vk_adam_f32) on p, with moments m and v, all laid out as c, whose gradient is the product, of
/// k ≤ VK_PRODUCT_DEPTH. The gradient is not written to memory.
void vk_product_adam_f32(int level, const vk_product *shape, const float *a, const float *b, float *p, float *m,
                         float *v, const vk_adam_coefficients *step);

#ifdef __cplusplus
}
#endif
#endif
