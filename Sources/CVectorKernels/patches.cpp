#include "include/vk_patches.h"

#define VK_LAMBDA __attribute__((always_inline))
#define VK_BODY "patches_body.hpp"
#include "for_each_level.hpp"

ptrdiff_t vk_packed_count(int level, ptrdiff_t rows, ptrdiff_t columns) {
  static constexpr decltype(&plain::packed_count) table[] = VK_TABLE(packed_count);
  return table[level](rows, columns);
}

void vk_pack_f32(int level, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t first, ptrdiff_t last, const int32_t *offsets,
                 ptrdiff_t step, const float *w, float *packed) {
  static constexpr decltype(&plain::pack_matrix) table[] = VK_TABLE(pack_matrix);
  table[level](rows, columns, first, last, offsets, step, w, packed);
}

void vk_patch_product_f32(int level, const vk_patches *patches, ptrdiff_t columns, const float *in, const float *packed,
                          const int32_t *out_offsets, float *out) {
  static constexpr decltype(&plain::patch_product) table[] = VK_TABLE(patch_product);
  table[level](*patches, columns, in, packed, out_offsets, out);
}

void vk_patch_gradient_f32(int level, const vk_patches *patches, ptrdiff_t columns, ptrdiff_t step, const float *in,
                           const float *d, float *gradient) {
  static constexpr decltype(&plain::patch_gradient) table[] = VK_TABLE(patch_gradient);
  table[level](*patches, columns, step, in, d, gradient);
}

void vk_add_patches_f32(int level, const vk_patches *patches, ptrdiff_t apart, const float *products, ptrdiff_t step,
                        float *out) {
  static constexpr decltype(&plain::add_patches) table[] = VK_TABLE(add_patches);
  table[level](*patches, apart, products, step, out);
}

void vk_column_sums_f32(int level, ptrdiff_t rows, ptrdiff_t columns, const float *x, float *sums) {
  static constexpr decltype(&plain::column_sums) table[] = VK_TABLE(column_sums);
  table[level](rows, columns, x, sums);
}
