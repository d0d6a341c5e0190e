#ifndef VK_CONVOLUTION_H
#define VK_CONVOLUTION_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/// The shape of a bilinear map on one image, of which every pass of a strided convolution is an instance:
///
///     out[y][x][n] = Σ_{k < rows} Σ_{j < run} in[y·in_step + k·in_row + x·in_pixel + j] · w[(k·run + j)·w_row + n]
///
/// with out[y][x][n] at y·out_row + x·out_pixel + n. A run is contiguous in the input and in the weights: one row of
/// the kernel with all its channels. All strides count floats.
typedef struct {
  int height, width;   ///< pixels of `out`
  int channels;        ///< n: a multiple of 16
  int rows, run;       ///< rows of the kernel, floats in each; the weight gradient needs both even
  ptrdiff_t in_row, in_step, in_pixel;
  ptrdiff_t w_row;
  ptrdiff_t out_row, out_pixel;
} vk_correlation;

/// out = gate(relu(bias + map(in, w))). `bias` [channels] and `gate` may be null; `gate` has the layout of `out`, and
/// `out` is set to 0 where `gate` is not positive.
void vk_correlate_f32(int level, const vk_correlation *shape, const float *in, const float *w, const float *bias,
                      int relu, const float *gate, float *out);

/// dw[(k·run + j)·w_row + n] += Σ_{y,x} in[…] · out[y][x][n]: the gradient with respect to the weights.
/// `channels` must be a multiple of 32.
void vk_correlate_weights_f32(int level, const vk_correlation *shape, const float *in, const float *out, float *dw);

/// Transposed convolution of stride 2 with too few output channels to fill a vector: each pixel of
/// `in` [height][width][in_channels] (rows `in_row` apart) is multiplied by w [in_channels][w_row], and the resulting
/// patch [kernel][kernel][channels] is added to `out` at pixel (2y, 2x).
///
/// `w_row` is kernel·kernel·channels rounded up to a multiple of 16 (the padding columns are 0), `products` has room
/// for width·w_row floats. `out` [2·height + kernel − 2][…][channels], with a row stride of `out_row`, is overwritten.
typedef struct {
  int height, width, in_channels;
  int kernel, channels;
  ptrdiff_t in_row, w_row, out_row;
} vk_expansion;

void vk_expand_f32(int level, const vk_expansion *shape, const float *in, const float *w, const float *bias,
                   float *products, float *out);

/// sums[n] += Σ_{y,x} x[y·row + x·channels + n].
void vk_channel_sums_f32(int level, int height, int width, int channels, ptrdiff_t row, const float *x, float *sums);

/// The bounding box of the nonzero values of x [height][floats]: rows bounds[0] ..< bounds[1], columns bounds[2] ..<
/// bounds[3]; all 0 if there are no nonzero values.
void vk_support_f32(int level, int height, int floats, const float *x, int bounds[4]);

/// to[c·to_row + r] = from[r·from_row + c].
void vk_transpose_f32(int rows, int columns, const float *from, ptrdiff_t from_row, float *to, ptrdiff_t to_row);

/// Densities of one value t given one network output, and their negative logarithms ℓ:
/// Bernoulli with logit l  ℓ = max(l, 0) − l·t + log(1 + exp(−|l|))
/// Gaussian with mean m    ℓ = ½(t − m)²/s²      + ½ log 2πs²   (the caller adds the constant)
/// Laplace with median m   ℓ = |t − m|/s         + log 2s       (the caller adds the constant)
typedef enum { VK_BERNOULLI, VK_GAUSSIAN, VK_LAPLACE } vk_density;

/// Returns Σ ℓ(x[i], t[i]) over n values without its constants, and writes weight·∂ℓ/∂x[i] to `gradient` unless null.
double vk_negative_log_likelihood_f32(int level, vk_density density, float scale, size_t n, const float *x,
                                      const float *t, float weight, float *gradient);

#ifdef __cplusplus
}
#endif
#endif
