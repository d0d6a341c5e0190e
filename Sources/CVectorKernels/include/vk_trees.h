#ifndef VK_TREES_H
#define VK_TREES_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// How many regression trees grow side by side, each on residuals of its own.
ptrdiff_t vk_tree_lanes(int level);

/// Finds the best split along one feature in nodes first ..< first + nodes of a level of the trees.
///
/// `order` has the rows in ascending order of the feature and `values` its values in this order. residuals
/// `[count, lanes]` have the sum 0 in every node, and node_of `[count, lanes]` says in which node of the level a row is;
/// null if all are in node 0. `rows` says how many rows a node has. Only splits between values that are more than 10⁻⁷
/// apart count, in single precision; of those that are equally good to rounding the first wins.
///
/// gain becomes s²/(n·(rows − n)) of the best split, where n rows go left and s is the sum of their residuals: the squared
/// error falls by this times `rows`. It is −1 before, and stays so if there is no split; infinity says that a node is not
/// to be split. lower is the largest value that goes left, upper the smallest that goes right; they are written with the
/// gain only. All of these are `[nodes, lanes]`, beginning with node `first`.
void vk_tree_splits(int level, ptrdiff_t count, const int32_t *order, const float *values, const double *residuals,
                    const uint8_t *node_of, int first, int nodes, const double *rows, double *gain, float *lower,
                    float *upper);

/// Moves rows from the nodes of a level to their children, and adds up their residuals there.
///
/// A row of node i goes to node 2i + 1 of the next level if its value in column[i] of values `[count, columns]` is
/// greater than lower[i], else to node 2i; null for `column` leaves all where they are. Then 1, r, r² and |r|·(1 − |r|) of
/// the residual r are added to the four sums of its node, `[nodes, lanes, 4]`.
void vk_tree_descend(int level, ptrdiff_t count, ptrdiff_t columns, const float *values, const int32_t *column,
                     const float *lower, const double *residuals, uint8_t *node_of, double *sums);

/// The residuals of classes, and −log p of the right one, from scores F:
///
///     p_k = e^F_k / Σ_j e^F_j,   residual_k = [k = label] − p_k
///
/// Column k of row i of `scores` and `residuals` is at k / lanes · apart + i·lanes + k mod lanes; what is behind the last
/// column becomes 0. The bits do not depend on the level.
void vk_tree_residuals(int level, ptrdiff_t count, ptrdiff_t columns, ptrdiff_t apart, const double *scores,
                       const int32_t *labels, double *residuals, double *losses);

#ifdef __cplusplus
}
#endif
#endif
