#include "include/vk_mixture.h"

/// The number of components whose densities are stored for the products of all pairs of dimensions.
enum { VK_MIXTURE_STRIP = 4 * VK_MIXTURE_TILE };

#define VK_BODY "mixture_body.hpp"
#include "for_each_level.hpp"

size_t vk_mixture_table_size(size_t n, size_t d) {
  return (n + VK_MIXTURE_TILE - 1) / VK_MIXTURE_TILE * (3 * d + 1) * VK_MIXTURE_TILE;
}

size_t vk_mixture_scratch_size(size_t samples, size_t d) {
  // Alignment; vectors of 16 doubles and 16 floats for up to four samples; two doubles for each running sum.
  return 16 + 4 * (d + 1) * (16 + 8) + 2 * samples * (d + 1);
}

void vk_mixture_prepare(size_t n, size_t d, const float *mean, const float *log_variance, size_t first_tile,
                        size_t last_tile, float *table) {
  const double half_log2e = 0.72134752044448170368, log_2pi = 1.83787706640934548356;
  const double root = __builtin_sqrt(half_log2e);
  for (size_t tile = first_tile; tile < last_tile; tile++)
    for (size_t i = 0; i < VK_MIXTURE_TILE; i++) {
      size_t component = tile * VK_MIXTURE_TILE + i;
      float *p = table + tile * (3 * d + 1) * VK_MIXTURE_TILE + i;
      double constant = 0;
      for (size_t j = 0; j < d; j++, p += 3 * VK_MIXTURE_TILE) {
        if (component < n) {
          double lv = log_variance[component * d + j], c = -half_log2e * (lv + log_2pi);
          p[0] = mean[component * d + j];
          p[VK_MIXTURE_TILE] = (float)(root * __builtin_exp(-0.5 * lv));
          p[2 * VK_MIXTURE_TILE] = (float)c;
          constant += c;
        } else {
          p[0] = p[VK_MIXTURE_TILE] = 0;
          p[2 * VK_MIXTURE_TILE] = -__builtin_inff();
        }
      }
      *p = component < n ? (float)constant : -__builtin_inff();
    }
}

void vk_mixture_log2_sum(int level, size_t n, size_t d, const float *table, size_t samples, const float *z,
                         double *joint, double *marginals, double *scratch) {
  static constexpr decltype(&plain::mixture_log2_sum) dispatch[] = VK_TABLE(mixture_log2_sum);
  dispatch[level](n, d, table, samples, z, joint, marginals, scratch);
}

size_t vk_mixture_gradient_scratch_size(size_t d) { return 16 + 2 * d * (16 + 8); }

void vk_mixture_gradients(int level, size_t n, size_t d, const float *table, size_t samples, const float *z,
                          const double *joint, const double *marginals, double *joint_gradient,
                          double *marginal_gradient, double *scratch) {
  static constexpr decltype(&plain::mixture_gradients) dispatch[] = VK_TABLE(mixture_gradients);
  dispatch[level](n, d, table, samples, z, joint, marginals, joint_gradient, marginal_gradient, scratch);
}

size_t vk_mixture_pair_scratch_size(size_t d) {
  // In blocks of four dimensions: the densities of a strip of components, and a vector of up to 16 floats for each
  // pair.
  size_t blocks = (d + 3) / 4;
  return 4 * blocks * VK_MIXTURE_STRIP + blocks * (blocks + 1) / 2 * 16 * 16;
}

void vk_mixture_pair_sums(int level, size_t n, size_t d, const float *table, size_t samples, const float *z,
                          const float *reference, double *sums, float *scratch) {
  static constexpr decltype(&plain::mixture_pair_sums) dispatch[] = VK_TABLE(mixture_pair_sums);
  dispatch[level](n, d, table, samples, z, reference, sums, scratch);
}
