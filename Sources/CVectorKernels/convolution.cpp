#include "include/vk_convolution.h"

#define VK_LAMBDA __attribute__((always_inline))
#define VK_BODY "convolution_body.hpp"
#include "for_each_level.hpp"

void vk_correlate_f32(int level, const vk_correlation *shape, const float *in, const float *w, const float *bias,
                      int relu, const float *gate, float *out) {
#if defined(__x86_64__)
  if (level == 2) return avx512::correlate(*shape, {in, w, bias, relu != 0, gate, out});
  if (level == 1) return avx2::correlate(*shape, {in, w, bias, relu != 0, gate, out});
#else
  (void)level;  // there is one level
#endif
  plain::correlate(*shape, {in, w, bias, relu != 0, gate, out});
}

void vk_correlate_weights_f32(int level, const vk_correlation *shape, const float *in, const float *out, float *dw) {
  static constexpr decltype(&plain::correlate_weights) table[] = VK_TABLE(correlate_weights);
  table[level](*shape, in, out, dw);
}

void vk_expand_f32(int level, const vk_expansion *shape, const float *in, const float *w, const float *bias,
                   float *products, float *out) {
  static constexpr decltype(&plain::expand) table[] = VK_TABLE(expand);
  table[level](*shape, in, w, bias, products, out);
}

void vk_channel_sums_f32(int level, int height, int width, int channels, ptrdiff_t row, const float *x, float *sums) {
  static constexpr decltype(&plain::channel_sums) table[] = VK_TABLE(channel_sums);
  table[level](height, width, channels, row, x, sums);
}

void vk_support_f32(int level, int height, int floats, const float *x, int bounds[4]) {
  static constexpr decltype(&plain::support) table[] = VK_TABLE(support);
  table[level](height, floats, x, bounds);
}

void vk_transpose_f32(int rows, int columns, const float *from, ptrdiff_t from_row, float *to, ptrdiff_t to_row) {
  constexpr int block = 8;
  for (int r = 0; r < rows; r += block)
    for (int c = 0; c < columns; c++)
      for (int i = r; i < r + block && i < rows; i++) to[c * to_row + i] = from[i * from_row + c];
}
