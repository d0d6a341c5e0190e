#include "include/vk_tiles.h"

#define VK_LAMBDA __attribute__((always_inline))
#define VK_BODY "tiles_body.hpp"
#include "for_each_level.hpp"

void vk_tile_image_f32(int level, const vk_tiles *shape, const float *in, ptrdiff_t in_row, ptrdiff_t in_pixel, float *v,
                       ptrdiff_t v_point, ptrdiff_t v_tile) {
  static constexpr decltype(&plain::tile_image) table[] = VK_TABLE(tile_image);
  table[level](*shape, in, in_row, in_pixel, v, v_point, v_tile);
}

void vk_tile_output_f32(int level, const vk_tiles *shape, ptrdiff_t rows, ptrdiff_t columns, const float *m,
                        ptrdiff_t m_point, int add, float *out, ptrdiff_t out_row, ptrdiff_t out_pixel) {
  static constexpr decltype(&plain::tile_output) table[] = VK_TABLE(tile_output);
  table[level](*shape, rows, columns, m, m_point, add, out, out_row, out_pixel);
}

void vk_tile_gradient_f32(int level, const vk_tiles *shape, ptrdiff_t rows, ptrdiff_t columns, const float *in,
                          ptrdiff_t in_row, float *e, ptrdiff_t e_point) {
  static constexpr decltype(&plain::tile_gradient) table[] = VK_TABLE(tile_gradient);
  table[level](*shape, rows, columns, in, in_row, e, e_point);
}

void vk_tile_weights_f32(int level, const vk_taps *taps, ptrdiff_t count, ptrdiff_t first, ptrdiff_t last,
                         const float *w, float *u, ptrdiff_t u_point) {
  static constexpr decltype(&plain::tile_weights) table[] = VK_TABLE(tile_weights);
  table[level](*taps, count, first, last, w, u, u_point);
}

void vk_tile_finish_f32(int level, const vk_taps *taps, ptrdiff_t rows, ptrdiff_t first, ptrdiff_t last,
                        ptrdiff_t columns, const float *du, ptrdiff_t du_point, ptrdiff_t du_row, float *w) {
  static constexpr decltype(&plain::tile_finish) table[] = VK_TABLE(tile_finish);
  table[level](*taps, rows, first, last, columns, du, du_point, du_row, w);
}
