#ifndef VK_PRODUCT_H
#define VK_PRODUCT_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/// A matrix product whose one side is a batch, so that no dimension is long enough to pay for packing a large operand:
///
///     c[i][j] = Σ_{p < k} a[i][p] · b[p][j],  or c += …
///
/// with a[i][p] at i·a_row + p·a_step and so on. In each operand one of the two strides is 1.
typedef struct {
  ptrdiff_t m, n, k;
  ptrdiff_t a_row, a_step, b_row, b_step, c_row, c_step;
  int accumulate;
} vk_product;

/// Fastest where b is the small operand, or m is small: b is packed, 32 columns at a time, and a read as it is if its
/// rows are contiguous.
void vk_product_f32(int level, const vk_product *shape, const float *a, const float *b, float *c);

#ifdef __cplusplus
}
#endif
#endif
