#include "include/vk_trees.h"

#define VK_BODY "trees_body.hpp"
#include "for_each_level.hpp"

ptrdiff_t vk_tree_lanes(int level) {
  static constexpr ptrdiff_t table[] = VK_TABLE(tree_lanes);
  return table[level];
}

void vk_tree_splits(int level, ptrdiff_t count, const int32_t *order, const float *values, const double *residuals,
                    const uint8_t *node_of, int first, int nodes, const double *rows, double *gain, float *lower,
                    float *upper) {
  static constexpr decltype(&plain::all_tree_splits) table[] = VK_TABLE(all_tree_splits);
  table[level](count, order, values, residuals, node_of, first, nodes, rows, gain, lower, upper);
}

void vk_tree_descend(int level, ptrdiff_t count, ptrdiff_t columns, const float *values, const int32_t *column,
                     const float *lower, const double *residuals, uint8_t *node_of, double *sums) {
  static constexpr decltype(&plain::tree_descend) table[] = VK_TABLE(tree_descend);
  table[level](count, columns, values, column, lower, residuals, node_of, sums);
}

void vk_tree_residuals(int level, ptrdiff_t count, ptrdiff_t columns, ptrdiff_t apart, const double *scores,
                       const int32_t *labels, double *residuals, double *losses) {
  static constexpr decltype(&plain::tree_residuals) table[] = VK_TABLE(tree_residuals);
  table[level](count, columns, apart, scores, labels, residuals, losses);
}
