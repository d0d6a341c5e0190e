#ifndef VK_WINOGRAD_H
#define VK_WINOGRAD_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/// The shape of a convolution of kernel 4, stride 2 and padding 1 between an image of high resolution
/// [2·height][2·width][high_channels] and one of low resolution [height][width][low_channels]. Its passes need nine
/// multiplications where the definition needs sixteen.
///
/// The high-resolution pixels of one phase (phase = 2·(row mod 2) + column mod 2) meet two taps along each axis, so the
/// convolution is the sum of four convolutions with 2 × 2 taps and stride 1. There, two adjacent outputs need three
/// products (Winograd 1980, F(2, 2); nested in two dimensions as in Lavin and Gray 2016, equation 8). The sum over
/// phases is taken together with the sum over channels.
///
/// `height` and `width` are even; channels are multiples of 32. The row strides, with borders of one pixel, are
/// `high_row` and `low_row` floats. Weights are W[tap][high channel][low channel].
typedef struct {
  int height, width;
  int high_channels, low_channels;
  ptrdiff_t high_row, low_row;
} vk_winograd;

/// The number of floats of the transformed weights, in either form, and of their gradient:
/// 36·high_channels·low_channels.
size_t vk_winograd_weights(const vk_winograd *shape);

/// The number of floats of scratch that is enough for every pass.
size_t vk_winograd_scratch(const vk_winograd *shape);

/// Writes the quarter of `u` for one phase of the kernel's rows and columns, 0 ≤ phase < 4, for a gather.
void vk_winograd_gather_weights_f32(int level, const vk_winograd *shape, int phase, const float *w, float *u);

/// The same for a scatter, with the phase of the pixels of high resolution.
void vk_winograd_scatter_weights_f32(int level, const vk_winograd *shape, int phase, const float *w, float *u);

/// low = gate(relu(bias + convolution(high, u))). `high` points at its border, `low` and `gate` at their first pixel;
/// `bias` and `gate` may be null. If `reuse`, `scratch` still holds the transform of the same `high` from the last
/// pass.
void vk_winograd_gather_f32(int level, const vk_winograd *shape, const float *high, int reuse, const float *u,
                            const float *bias, int relu, const float *gate, float *scratch, float *low);

/// high = gate(relu(bias + transposed convolution(low, u))). `low` points at its border, `high` and `gate` at their
/// first pixel.
void vk_winograd_scatter_f32(int level, const vk_winograd *shape, const float *low, const float *u, const float *bias,
                             int relu, const float *gate, float *scratch, float *high);

/// Adds one image's gradient with respect to the weights to `du`, in transformed form. `high` points at its border,
/// `low` at its first pixel.
void vk_winograd_gradient_f32(int level, const vk_winograd *shape, const float *high, const float *low,
                              float *scratch, float *du);

/// Transforms the taps of one phase of `du` back to the layout of the weights, replacing or adding to `dw`.
void vk_winograd_finish_f32(int level, const vk_winograd *shape, int phase, const float *du, int accumulate, float *dw);

#ifdef __cplusplus
}
#endif
#endif
