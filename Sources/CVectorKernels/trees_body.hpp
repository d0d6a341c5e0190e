// Splits of regression trees that leave the smallest squared error (Breiman et al. 1984), for several trees at once: one
// in each lane of a vector. The rows are visited in ascending order of a feature. With residuals of mean 0 in a node of N
// rows, whose first n have the sum s, the squared error falls by s²·N/(n·(N − n)).
#include "double_vector.hpp"

namespace VK_LEVEL {

constexpr int tree_lanes = double_width;
typedef uint8_t bytes __attribute__((vector_size(tree_lanes)));
typedef uint8_t bytes_unaligned __attribute__((vector_size(tree_lanes), aligned(1)));

/// What is known of the best splits of some nodes, `[nodes, tree_lanes]` each.
struct tree_nodes {
  const double *rows;
  double *gain;
  float *lower, *upper;

  tree_nodes from(int node) const {
    const ptrdiff_t at = (ptrdiff_t)node * tree_lanes;
    return {rows + at, gain + at, lower + at, upper + at};
  }
};

/// The row of a node that comes before row i.
static ptrdiff_t tree_previous(ptrdiff_t i, ptrdiff_t lane, int node, const int32_t *order, const uint8_t *node_of) {
  ptrdiff_t previous = i - 1;
  if (node_of)
    while (node_of[(ptrdiff_t)order[previous] * tree_lanes + lane] != node) previous--;
  return previous;
}

VK_INLINE bool tree_differ(float lower, float upper) { return upper > lower + 1e-7f; }

/// The splits of NODES nodes.
template <int NODES>
static void tree_splits(ptrdiff_t count, const int32_t *order, const float *values, const double *residuals,
                        const uint8_t *node_of, int first, tree_nodes best) {
  const dvec one = splat_double(1);
  dvec sums[NODES] = {}, numbers[NODES] = {}, rows[NODES], gains[NODES];
  lvec before[NODES];  // the best split is before this row
  for (int j = 0; j < NODES; j++) {
    rows[j] = load_doubles(best.from(j).rows);
    gains[j] = load_doubles(best.from(j).gain);
    before[j] = (lvec){} - 1;
  }
  for (ptrdiff_t i = 0; i < count; i++) {
    if (i + 24 < count) {
      const ptrdiff_t soon = (ptrdiff_t)order[i + 24] * tree_lanes;
      __builtin_prefetch(residuals + soon);
      if (node_of) __builtin_prefetch(node_of + soon);
    }
    const ptrdiff_t at = (ptrdiff_t)order[i] * tree_lanes;
    const dvec residual = load_doubles(residuals + at);
    lvec in[NODES];
    dvec sum = sums[0], number = numbers[0], all = rows[0], gain = gains[0];
    if (node_of) {
      const lvec node = __builtin_convertvector(*(const bytes_unaligned *)(node_of + at), lvec) - first;
      for (int j = 0; j < NODES; j++) in[j] = node == j;
      for (int j = 1; j < NODES; j++) {
        sum = in[j] ? sums[j] : sum;
        number = in[j] ? numbers[j] : number;
        all = in[j] ? rows[j] : all;
        gain = in[j] ? gains[j] : gain;
      }
    }
    // The split between the node's rows so far and this one; 0 > gain·0 or a NaN if there are none so far.
    const dvec weight = number * (all - number), square = sum * sum;
    const lvec better = square > gain * weight;
    if (__builtin_expect(__builtin_reduce_or(better) != 0, 0)) {
      lvec taken = better;
      // A value that is far from the one before is far from all before it.
      if (!tree_differ(values[i - 1], values[i]))
        for (int lane = 0; lane < tree_lanes; lane++) {
          const int node = node_of ? node_of[at + lane] : 0;
          if (taken[lane] && node >= first && node < first + NODES &&
              !tree_differ(values[tree_previous(i, lane, node, order, node_of)], values[i]))
            taken[lane] = 0;
        }
      // By a rounding more than it is, so that of equally good splits the first wins.
      const dvec found = square / weight * (1 + 0x1p-50);
      for (int j = 0; j < NODES; j++) {
        const lvec here = node_of ? taken & in[j] : taken;
        gains[j] = here ? found : gains[j];
        before[j] = here ? (lvec){} + i : before[j];
      }
    }
    for (int j = 0; j < NODES; j++) {
      sums[j] += node_of ? only(in[j], residual) : residual;
      numbers[j] += node_of ? only(in[j], one) : one;
    }
  }
  for (int j = 0; j < NODES; j++)
    for (int lane = 0; lane < tree_lanes; lane++)
      if (before[j][lane] >= 0) {
        const ptrdiff_t i = before[j][lane], at = (ptrdiff_t)j * tree_lanes + lane;
        best.gain[at] = gains[j][lane];
        best.lower[at] = values[tree_previous(i, lane, first + j, order, node_of)];
        best.upper[at] = values[i];
      }
}

static void all_tree_splits(ptrdiff_t count, const int32_t *order, const float *values, const double *residuals,
                            const uint8_t *node_of, int first, int nodes, const double *rows, double *gain,
                            float *lower, float *upper) {
  const tree_nodes best = {rows, gain, lower, upper};
  int j = 0;
  for (; j + 4 <= nodes; j += 4)
    tree_splits<4>(count, order, values, residuals, node_of, first + j, best.from(j));
  for (; j + 2 <= nodes; j += 2)
    tree_splits<2>(count, order, values, residuals, node_of, first + j, best.from(j));
  if (j < nodes) tree_splits<1>(count, order, values, residuals, node_of, first + j, best.from(j));
}

static void tree_descend(ptrdiff_t count, ptrdiff_t columns, const float *values, const int32_t *column,
                         const float *lower, const double *residuals, uint8_t *node_of, double *sums) {
  typedef double quadruple __attribute__((vector_size(32)));
  typedef double quadruple_unaligned __attribute__((vector_size(32), aligned(8)));
  for (ptrdiff_t row = 0; row < count; row++, values += columns)
    for (int lane = 0; lane < tree_lanes; lane++) {
      const ptrdiff_t i = row * tree_lanes + lane;
      ptrdiff_t at = (ptrdiff_t)node_of[i] * tree_lanes + lane;
      if (column) {
        const ptrdiff_t child = 2 * node_of[i] + (values[column[at]] > lower[at]);
        node_of[i] = (uint8_t)child;
        at = child * tree_lanes + lane;
      }
      const double r = residuals[i], size = __builtin_fabs(r);
      *(quadruple_unaligned *)(sums + 4 * at) += (quadruple){1, r, r * r, size * (1 - size)};
    }
}

static void tree_residuals(ptrdiff_t count, ptrdiff_t columns, ptrdiff_t apart, const double *scores,
                           const int32_t *labels, double *residuals, double *losses) {
#pragma clang fp contract(off)
  // Sums have the same order whatever the number of lanes.
  constexpr int order = 8, parts = order / tree_lanes;
  const ptrdiff_t blocks = (columns + tree_lanes - 1) / tree_lanes;
  const dvec last = lane_numbers() + splat_double(double((blocks - 1) * tree_lanes));
  const lvec there = last < splat_double(double(columns));
  for (ptrdiff_t row = 0; row < count; row++, scores += tree_lanes, residuals += tree_lanes) {
    dvec largest = splat_double(-__builtin_inf());
    for (ptrdiff_t b = 0; b < blocks; b++) {
      const dvec score = load_doubles(scores + b * apart);
      const lvec larger = b + 1 < blocks ? score > largest : (score > largest) & there;
      largest = larger ? score : largest;
    }
    double most = largest[0];
    for (int lane = 1; lane < tree_lanes; lane++) most = largest[lane] > most ? largest[lane] : most;
    dvec sums[parts] = {};
    for (ptrdiff_t b = 0; b < blocks; b++) {
      const dvec power = dexp(load_doubles(scores + b * apart) - splat_double(most));
      const dvec own = b + 1 < blocks ? power : only(there, power);
      store_doubles(residuals + b * apart, own);
      sums[b % parts] += own;
    }
    double sum = 0;
    for (int i = 0; i < order; i++) sum += sums[i / tree_lanes][i % tree_lanes];
    const dvec scale = splat_double(-1 / sum);
    for (ptrdiff_t b = 0; b < blocks; b++)
      store_doubles(residuals + b * apart, load_doubles(residuals + b * apart) * scale);
    const ptrdiff_t label = labels[row] / tree_lanes * apart + labels[row] % tree_lanes;
    residuals[label] += 1;
    losses[row] = most + __builtin_log(sum) - scores[label];
  }
}

}  // namespace VK_LEVEL
