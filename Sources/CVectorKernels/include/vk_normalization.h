#ifndef VK_NORMALIZATION_H
#define VK_NORMALIZATION_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

// Normalisation over the rows of matrices x[r·n + c], column by column: batch and group normalisation of images whose
// pixels are rows and whose channels are columns. Sums are in double.

/// sums[c] += Σ_r x, or Σ_r (x − center[c])² where center is not null.
void vk_column_moments_f32(int level, size_t rows, size_t n, const float *x, const float *center, double *sums);
void vk_column_moments_f64(int level, size_t rows, size_t n, const double *x, const double *center, double *sums);

/// y = (x − center[c])·scale[c] + shift[c].
void vk_normalize_f32(int level, size_t rows, size_t n, const float *x, const float *center, const float *scale,
                      const float *shift, float *y);
void vk_normalize_f64(int level, size_t rows, size_t n, const double *x, const double *center, const double *scale,
                      const double *shift, double *y);

/// sums[c] += Σ_r g and products[c] += Σ_r g·(x − center[c]).
void vk_normalization_sums_f32(int level, size_t rows, size_t n, const float *g, const float *x, const float *center,
                               double *sums, double *products);
void vk_normalization_sums_f64(int level, size_t rows, size_t n, const double *g, const double *x,
                               const double *center, double *sums, double *products);

/// gx = a[c]·g + b[c]·(x − center[c]) + d[c].
void vk_normalization_gradient_f32(int level, size_t rows, size_t n, const float *g, const float *x,
                                   const float *center, const float *a, const float *b, const float *d, float *gx);
void vk_normalization_gradient_f64(int level, size_t rows, size_t n, const double *g, const double *x,
                                   const double *center, const double *a, const double *b, const double *d,
                                   double *gx);

#ifdef __cplusplus
}
#endif
#endif
