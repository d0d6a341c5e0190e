#ifndef VK_MIXTURE_H
#define VK_MIXTURE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Components per tile of the prepared table, and tiles per chunk; a chunk fits in the second-level cache.
enum { VK_MIXTURE_TILE = 64, VK_MIXTURE_CHUNK_TILES = 32 };

/// The number of floats in a prepared table of n components in d dimensions, with the bounds of its tiles.
size_t vk_mixture_table_size(size_t n, size_t d);

/// Prepares the tiles first_tile ..< last_tile of the table from means and log-variances [n, d].
///
/// Per component and dimension: the mean m, s = √(½ log₂e)·e^(−lv/2) and c = −½ log₂e·(lv + log 2π), so that
/// log₂ N(z; m, e^lv) = c − ((z − m)·s)²; per component the sum of c over dimensions. The last tile is padded with
/// components of density zero.
///
/// After the tiles follow their bounds, in chunks: per dimension the least mean, the largest and the least s of a tile's
/// components, then the largest sum of c. They stay bounds if components of a tile get density zero later.
void vk_mixture_prepare(size_t n, size_t d, const float *mean, const float *log_variance, size_t first_tile,
                        size_t last_tile, float *table);

/// log₂ Σₙ N(z; mₙ, e^lvₙ) for each of `samples` points z [samples, d], over the whole table.
///
/// joint [samples] is always written; marginals [samples, d], the same sum in each dimension on its own, unless null.
/// Without marginals, components are left out whose density is less than 2⁻⁵⁰ of a large one's, which is less than the rounding
/// of the sum: whole tiles by their bounds, others after some dimensions. Dimensions are taken in the order of `order` [d], a
/// permutation, or in their own if it is null; it is fastest if those come first in which components are farthest apart.
/// scratch holds vk_mixture_scratch_size(samples, d) doubles. A sum that single precision cannot represent is written
/// as NaN; the caller computes it in double precision.
void vk_mixture_log2_sum(int level, size_t n, size_t d, const float *table, const int32_t *order, size_t samples,
                         const float *z, double *joint, double *marginals, double *scratch);

/// The number of doubles that vk_mixture_log2_sum needs as scratch.
size_t vk_mixture_scratch_size(size_t samples, size_t d);

/// The gradients with respect to z of what vk_mixture_log2_sum gives, in nats: of log Σₙ N(z; mₙ, e^lvₙ) in joint_gradient
/// [samples, d], and of the same sum in each dimension on its own in marginal_gradient [samples, d].
///
/// joint [samples] and marginals [samples, d] are log₂ of the sums, as vk_mixture_log2_sum wrote them; where one is +∞ the
/// gradient is 0, to 10⁻³⁵. scratch holds vk_mixture_gradient_scratch_size(d) doubles.
void vk_mixture_gradients(int level, size_t n, size_t d, const float *table, size_t samples, const float *z,
                          const double *joint, const double *marginals, double *joint_gradient,
                          double *marginal_gradient, double *scratch);

/// The number of doubles that vk_mixture_gradients needs as scratch.
size_t vk_mixture_gradient_scratch_size(size_t d);

/// Σₙ e_in·e_jn of every pair i < j of dimensions, e_dn = 2^−reference_d·N(z_d; m_nd, e^lv_nd), for each of `samples`
/// points z [samples, d], over the whole table.
///
/// reference [samples, d] should be near log₂ Σₙ N(z_d; m_nd, e^lv_nd). sums [samples, d(d − 1)/2] is overwritten,
/// pairs in the order (0, 1), (0, 2), …, (1, 2), …. scratch holds vk_mixture_pair_scratch_size(d) floats, aligned to 64
/// bytes.
void vk_mixture_pair_sums(int level, size_t n, size_t d, const float *table, size_t samples, const float *z,
                          const float *reference, double *sums, float *scratch);

/// The number of floats that vk_mixture_pair_sums needs as scratch.
size_t vk_mixture_pair_scratch_size(size_t d);

#ifdef __cplusplus
}
#endif
#endif
