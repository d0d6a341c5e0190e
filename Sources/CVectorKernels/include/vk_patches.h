#ifndef VK_PATCHES_H
#define VK_PATCHES_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Patches of an image, read in place: patch i is `rows` runs of `run` contiguous floats, the first at offsets[i], the
/// next ones in_row apart. One description covers convolutions of any kernel, stride and padding.
typedef struct {
  ptrdiff_t count;
  const int32_t *offsets;
  ptrdiff_t rows, run, in_row;
} vk_patches;

/// The number of floats of a packed matrix of `rows` rows and `columns` columns; packing pads columns to whole vectors.
ptrdiff_t vk_packed_count(int level, ptrdiff_t rows, ptrdiff_t columns);

/// Packs rows first ..< last of a matrix of `rows` rows, whose element (r, c) is at w[offsets[r] + c·step].
void vk_pack_f32(int level, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t first, ptrdiff_t last, const int32_t *offsets,
                 ptrdiff_t step, const float *w, float *packed);

/// out[out_offsets[i] + c] = Σ_r patch_i[r] · w[r][c] for c < columns, with w packed, rows·run rows of it.
void vk_patch_product_f32(int level, const vk_patches *patches, ptrdiff_t columns, const float *in, const float *packed,
                          const int32_t *out_offsets, float *out);

/// gradient[r·step + c] += Σ_i patch_i[r] · d[i·columns + c] for c < columns ≤ step; step is a multiple of 16. Up to 15
/// floats after each row of d are read as well; they affect only the gradient's padding columns, whose values are
/// meaningless.
void vk_patch_gradient_f32(int level, const vk_patches *patches, ptrdiff_t columns, ptrdiff_t step, const float *in,
                           const float *d, float *gradient);

/// out[offsets[i] + …] += products[i·step + r]: adds patches to the image at their positions. Patches i and i + apart
/// do not overlap within a row.
void vk_add_patches_f32(int level, const vk_patches *patches, ptrdiff_t apart, const float *products, ptrdiff_t step,
                        float *out);

/// sums[c] += Σ_r x[r·columns + c].
void vk_column_sums_f32(int level, ptrdiff_t rows, ptrdiff_t columns, const float *x, float *sums);

#ifdef __cplusplus
}
#endif
#endif
