#include "include/vk_normalization.h"

#define VK_BODY "normalization_body.hpp"
#include "for_each_level.hpp"

void vk_column_moments_f32(int level, size_t rows, size_t n, const float *x, const float *center, double *sums) {
  static constexpr decltype(&plain::column_moments<float>) table[] = VK_TABLE(column_moments<float>);
  table[level](rows, n, x, center, sums);
}

void vk_column_moments_f64(int, size_t rows, size_t n, const double *x, const double *center, double *sums) {
  plain::column_moments(rows, n, x, center, sums);
}

void vk_normalize_f32(int level, size_t rows, size_t n, const float *x, const float *center, const float *scale,
                      const float *shift, float *y) {
  static constexpr decltype(&plain::normalize<float>) table[] = VK_TABLE(normalize<float>);
  table[level](rows, n, x, center, scale, shift, y);
}

void vk_normalize_f64(int, size_t rows, size_t n, const double *x, const double *center, const double *scale,
                      const double *shift, double *y) {
  plain::normalize(rows, n, x, center, scale, shift, y);
}

void vk_normalization_sums_f32(int level, size_t rows, size_t n, const float *g, const float *x, const float *center,
                               double *sums, double *products) {
  static constexpr decltype(&plain::normalization_sums<float>) table[] = VK_TABLE(normalization_sums<float>);
  table[level](rows, n, g, x, center, sums, products);
}

void vk_normalization_sums_f64(int, size_t rows, size_t n, const double *g, const double *x, const double *center,
                               double *sums, double *products) {
  plain::normalization_sums(rows, n, g, x, center, sums, products);
}

void vk_normalization_gradient_f32(int level, size_t rows, size_t n, const float *g, const float *x,
                                   const float *center, const float *a, const float *b, const float *d, float *gx) {
  static constexpr decltype(&plain::normalization_gradient<float>) table[] = VK_TABLE(normalization_gradient<float>);
  table[level](rows, n, g, x, center, a, b, d, gx);
}

void vk_normalization_gradient_f64(int, size_t rows, size_t n, const double *g, const double *x, const double *center,
                                   const double *a, const double *b, const double *d, double *gx) {
  plain::normalization_gradient(rows, n, g, x, center, a, b, d, gx);
}
