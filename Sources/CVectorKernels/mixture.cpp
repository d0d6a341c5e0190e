#include "include/vk_mixture.h"

/// The number of components whose densities are stored for the products of all pairs of dimensions.
enum { VK_MIXTURE_STRIP = 4 * VK_MIXTURE_TILE };

#define VK_LAMBDA __attribute__((always_inline))
#define VK_BODY "mixture_body.hpp"
#include "for_each_level.hpp"

size_t vk_mixture_table_size(size_t n, size_t d) {
  const size_t tiles = (n + VK_MIXTURE_TILE - 1) / VK_MIXTURE_TILE;
  const size_t chunks = (tiles + VK_MIXTURE_CHUNK_TILES - 1) / VK_MIXTURE_CHUNK_TILES;
  return (tiles * VK_MIXTURE_TILE + chunks * VK_MIXTURE_CHUNK_TILES) * (3 * d + 1);
}

/// The bounds of a tile, as described where the table is.
static void prepare_bounds(size_t n, size_t d, size_t tile, float *table) {
  const size_t tiles = (n + VK_MIXTURE_TILE - 1) / VK_MIXTURE_TILE, stride = (3 * d + 1) * VK_MIXTURE_TILE;
  const size_t live = n - tile * VK_MIXTURE_TILE < VK_MIXTURE_TILE ? n - tile * VK_MIXTURE_TILE : VK_MIXTURE_TILE;
  float *bounds = table + tiles * stride + tile / VK_MIXTURE_CHUNK_TILES * VK_MIXTURE_CHUNK_TILES * (3 * d + 1);
  const size_t column = tile % VK_MIXTURE_CHUNK_TILES;
  const float *p = table + tile * stride;
  for (size_t j = 0; j < d; j++, p += 3 * VK_MIXTURE_TILE, bounds += 3 * VK_MIXTURE_CHUNK_TILES) {
    float low = p[0], high = p[0], scale = p[VK_MIXTURE_TILE];
    for (size_t i = 1; i < live; i++) {
      low = p[i] < low ? p[i] : low;
      high = p[i] > high ? p[i] : high;
      scale = p[VK_MIXTURE_TILE + i] < scale ? p[VK_MIXTURE_TILE + i] : scale;
    }
    bounds[column] = low;
    bounds[VK_MIXTURE_CHUNK_TILES + column] = high;
    bounds[2 * VK_MIXTURE_CHUNK_TILES + column] = scale;
  }
  float constant = p[0];
  for (size_t i = 1; i < live; i++) constant = p[i] > constant ? p[i] : constant;
  bounds[column] = constant;
  // What is left of the last chunk has no density.
  if (tile + 1 < tiles) return;
  bounds -= 3 * d * VK_MIXTURE_CHUNK_TILES;
  for (size_t i = column + 1; i < VK_MIXTURE_CHUNK_TILES; i++) {
    for (size_t j = 0; j < 3 * d; j++) bounds[j * VK_MIXTURE_CHUNK_TILES + i] = 0;
    bounds[3 * d * VK_MIXTURE_CHUNK_TILES + i] = -__builtin_inff();
  }
}

size_t vk_mixture_scratch_size(size_t samples, size_t d) {
  // Alignment; vectors of 16 doubles and 16 floats for up to four samples; two doubles for each running sum.
  return 16 + 4 * (d + 1) * (16 + 8) + 2 * samples * (d + 1);
}

void vk_mixture_prepare(size_t n, size_t d, const float *mean, const float *log_variance, size_t first_tile,
                        size_t last_tile, float *table) {
  const double half_log2e = 0.72134752044448170368, log_2pi = 1.83787706640934548356;
  const double root = __builtin_sqrt(half_log2e);
  for (size_t tile = first_tile; tile < last_tile; tile++) {
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
    prepare_bounds(n, d, tile, table);
  }
}

void vk_mixture_log2_sum(int level, size_t n, size_t d, const float *table, const int32_t *order, size_t samples,
                         const float *z, double *joint, double *marginals, double *scratch) {
  static constexpr decltype(&plain::mixture_log2_sum) dispatch[] = VK_TABLE(mixture_log2_sum);
  dispatch[level](n, d, table, order, samples, z, joint, marginals, scratch);
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
