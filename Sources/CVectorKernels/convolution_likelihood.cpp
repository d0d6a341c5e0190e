#include "include/vk_convolution.h"

#define VK_LAMBDA __attribute__((always_inline))
#define VK_BODY "convolution_likelihood_body.hpp"
#include "for_each_level.hpp"

double vk_negative_log_likelihood_f32(int level, vk_density density, float scale, size_t n, const float *x,
                                      const float *t, float weight, float *gradient) {
  static constexpr decltype(&plain::negative_log_likelihood) table[] = VK_TABLE(negative_log_likelihood);
  return table[level](density, scale, n, x, t, weight, gradient);
}
