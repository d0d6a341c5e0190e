#include "include/vk_winograd.h"

namespace {
/// The operands of a pass.
struct winograd_operands {
  const float *bias;
  bool relu;
  const float *gate;
  float *out;
};
}  // namespace

#define VK_LAMBDA __attribute__((always_inline))
#define VK_BODY "winograd_body.hpp"
#include "for_each_level.hpp"

size_t vk_winograd_weights(const vk_winograd *shape) { return (size_t)36 * shape->high_channels * shape->low_channels; }

size_t vk_winograd_scratch(const vk_winograd *shape) {
  const size_t tiles = (size_t)(shape->height / 2) * (shape->width / 2);
  const size_t low = (size_t)4 * (shape->height + 2) * (shape->width + 2) * shape->low_channels;
  const size_t high =
      9 * (plain::point_stride(tiles * 4 * shape->high_channels) + plain::point_stride(tiles * shape->low_channels));
  return low > high ? low : high;
}

void vk_winograd_gather_weights_f32(int level, const vk_winograd *shape, int phase, const float *w, float *u) {
  static constexpr decltype(&plain::winograd_gather_weights) table[] = VK_TABLE(winograd_gather_weights);
  table[level](*shape, phase, w, u);
}

void vk_winograd_scatter_weights_f32(int level, const vk_winograd *shape, int phase, const float *w, float *u) {
  static constexpr decltype(&plain::winograd_scatter_weights) table[] = VK_TABLE(winograd_scatter_weights);
  table[level](*shape, phase, w, u);
}

void vk_winograd_gather_f32(int level, const vk_winograd *shape, const float *high, int reuse, const float *u,
                            const float *bias, int relu, const float *gate, float *scratch, float *low) {
  static constexpr decltype(&plain::winograd_gather) table[] = VK_TABLE(winograd_gather);
  table[level](*shape, reuse ? nullptr : high, u, {bias, relu != 0, gate, low}, scratch);
}

void vk_winograd_scatter_f32(int level, const vk_winograd *shape, const float *low, const float *u, const float *bias,
                             int relu, const float *gate, float *scratch, float *high) {
  static constexpr decltype(&plain::winograd_scatter) table[] = VK_TABLE(winograd_scatter);
  table[level](*shape, low, u, {bias, relu != 0, gate, high}, scratch);
}

void vk_winograd_gradient_f32(int level, const vk_winograd *shape, const float *high, const float *low, float *scratch,
                              float *du) {
  static constexpr decltype(&plain::winograd_gradient) table[] = VK_TABLE(winograd_gradient);
  table[level](*shape, high, low, scratch, du);
}

void vk_winograd_finish_f32(int level, const vk_winograd *shape, int phase, const float *du, int accumulate,
                            float *dw) {
  static constexpr decltype(&plain::winograd_finish) table[] = VK_TABLE(winograd_finish);
  table[level](*shape, phase, du, accumulate != 0, dw);
}
