#ifndef VK_TILES_H
#define VK_TILES_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

// The transforms of a convolution in tiles of 2 × 2 outputs, for one to three taps along each axis: (y_taps + 1)·(x_taps + 1)
// products replace 4·y_taps·x_taps (Winograd 1980, F(2, r); nested in two dimensions as in Lavin and Gray 2016, equation
// 8). Convolutions with more taps, or a stride, are sums of these. The transformed values are called points; the products
// of each point are a matrix product over tiles and channels, of `vk_patch_product_f32` for images and of
// `vk_patch_gradient_f32` for the gradient of the weights.

/// A row of tiles, each two outputs after the one before, with any number of channels. Points are p = (x_taps + 1)·a + b, a
/// along y and b along x.
typedef struct {
  int y_taps, x_taps;
  ptrdiff_t channels, tiles;
} vk_tiles;

/// v[p·v_point + t·v_tile + c] = the points of y_taps + 1 rows of 2·tiles + x_taps − 1 pixels, in_row and in_pixel apart.
void vk_tile_image_f32(int level, const vk_tiles *shape, const float *in, ptrdiff_t in_row, ptrdiff_t in_pixel, float *v,
                       ptrdiff_t v_point, ptrdiff_t v_tile);

/// Outputs from their points m[p·m_point + t·channels + c]: `rows` rows, 1 or 2, of `columns` pixels, 2·tiles − 1 or
/// 2·tiles. They are written to `out`, or added to it.
void vk_tile_output_f32(int level, const vk_tiles *shape, ptrdiff_t rows, ptrdiff_t columns, const float *m,
                        ptrdiff_t m_point, int add, float *out, ptrdiff_t out_row, ptrdiff_t out_pixel);

/// e[p·e_point + t·channels + c] = the points of an output's gradient, of `rows` rows of `columns` adjacent pixels; what
/// lies beyond counts as 0.
void vk_tile_gradient_f32(int level, const vk_tiles *shape, ptrdiff_t rows, ptrdiff_t columns, const float *in,
                          ptrdiff_t in_row, float *e, ptrdiff_t e_point);

/// Taps of a kernel, row by row, by their numbers.
typedef struct {
  int y_taps, x_taps;
  int numbers[9];
} vk_taps;

/// u[p·u_point + i] = the points of the taps w[number·count + i], for first ≤ i < last.
void vk_tile_weights_f32(int level, const vk_taps *taps, ptrdiff_t count, ptrdiff_t first, ptrdiff_t last,
                         const float *w, float *u, ptrdiff_t u_point);

/// w[(number·rows + r)·columns + c] += the gradient of the taps, from that of their points du[p·du_point + r·du_row + c],
/// for first ≤ r < last.
void vk_tile_finish_f32(int level, const vk_taps *taps, ptrdiff_t rows, ptrdiff_t first, ptrdiff_t last,
                        ptrdiff_t columns, const float *du, ptrdiff_t du_point, ptrdiff_t du_row, float *w);

#ifdef __cplusplus
}
#endif
#endif
