#include "include/vk_product.h"

#define VK_BODY "product_body.hpp"
#include "for_each_level.hpp"

void vk_product_f32(int level, const vk_product *shape, const float *a, const float *b, float *c) {
  static constexpr decltype(&plain::product) table[] = VK_TABLE(product);
  table[level](*shape, a, b, c);
}

void vk_product_adam_f32(int level, const vk_product *shape, const float *a, const float *b, float *p, float *m,
                         float *v, const vk_adam_coefficients *step) {
  static constexpr decltype(&plain::product_adam) table[] = VK_TABLE(product_adam);
  table[level](*shape, a, b, p, m, v, *step);
}
