// vk_trees.h: splits against all splits of each node, one after the other.
#include "checks.hpp"

#include <algorithm>
#include <numeric>

namespace {

constexpr ptrdiff_t columns = 3;

/// Values, residuals and nodes of some rows.
struct Rows {
  ptrdiff_t count, lanes;
  Zone<float> values, sorted;  // [count, columns]; the first column in ascending order
  Zone<double> residuals;
  Zone<uint8_t> node_of;
  Zone<int32_t> order;

  /// `distinct` values, or any number of them if it is 0; residuals of any kind, or −1, 0 and 1.
  Rows(Random &random, int level, size_t count, int nodes, size_t distinct, bool whole)
      : count((ptrdiff_t)count), lanes(vk_tree_lanes(level)), values(count * columns), sorted(count),
        residuals(count * (size_t)lanes), node_of(count * (size_t)lanes), order(count) {
    for (size_t i = 0; i < values.count; i++)
      values[i] = distinct ? float(random.below(distinct)) : float(random.uniform(-2, 2));
    for (size_t i = 0; i < residuals.count; i++) {
      node_of[i] = (uint8_t)random.below((size_t)nodes);
      const float x = values[i / (size_t)lanes * columns];
      residuals[i] = whole ? double(random.below(3)) - 1 : random.uniform(-.3, .3) + (x > .3f * float(i % 5) ? .5 : 0);
    }
    std::iota(order.data(), order + count, 0);
    std::sort(order.data(), order + count, [this](int32_t a, int32_t b) {
      return values[a * columns] != values[b * columns] ? values[a * columns] < values[b * columns] : a < b;
    });
    for (size_t i = 0; i < count; i++) sorted[i] = values[order[i] * columns];
  }

  /// Makes the sum of some residuals 0: of whole numbers by making the second half the negative of the first, read
  /// backwards, so that there are two equally good splits.
  void center(const std::vector<ptrdiff_t> &own, ptrdiff_t lane, bool whole) {
    double sum = 0;
    for (ptrdiff_t row : own) sum += residuals[row * lanes + lane];
    for (size_t i = 0; i < own.size(); i++) {
      double &r = residuals[own[i] * lanes + lane];
      if (!whole) r -= sum / double(own.size());
      else if (i + i + 1 == own.size()) r = 0;
      else if (i + i + 1 > own.size()) r = -residuals[own[own.size() - 1 - i] * lanes + lane];
    }
  }

  /// The rows of a node in ascending order of the first column.
  std::vector<ptrdiff_t> in(int node, ptrdiff_t lane) const {
    std::vector<ptrdiff_t> rows;
    for (ptrdiff_t i = 0; i < count; i++)
      if (node_of[order[i] * lanes + lane] == node) rows.push_back(order[i]);
    return rows;
  }
};

/// Expects the first of the best splits of a node, if it has any.
void expect_split(const Rows &rows, const std::vector<ptrdiff_t> &own, ptrdiff_t lane, size_t at, Expected &gain,
                  Expected &lower, Expected &upper) {
  const double all = double(own.size());
  double sum = 0, size = 0, best = -1;
  for (ptrdiff_t row : own) size += fabs(rows.residuals[row * rows.lanes + lane]);
  for (size_t n = 1; n < own.size(); n++) {
    sum += rows.residuals[own[n - 1] * rows.lanes + lane];
    const float left = rows.values[own[n - 1] * columns], right = rows.values[own[n] * columns];
    const double weight = double(n) * (all - double(n)), found = sum * sum / weight;
    if (!(right > left + 1e-7f) || found <= best * (1 + 1e-12)) continue;
    best = found;
    gain.set(at, found, fmax(found, size * size / weight));
    lower.set(at, left);
    upper.set(at, right);
  }
  if (best < 0) gain.set(at, -1);
}

void check_splits(int level) {
  Check check("vk_tree_splits", level);
  Random random(131);
  for (size_t count : {1, 2, 3, 9, 64, 203})
    for (int nodes : {1, 2, 3, 4, 7, 8, 16})
      for (size_t distinct : {0, 1, 2, 7})
        for (bool whole : {false, true}) {
          Rows rows(random, level, count, nodes, distinct, whole);
          const size_t lanes = (size_t)rows.lanes;
          // The first nodes are left to another call.
          const int first = nodes > 4 ? 3 : 0, taken = nodes - first;
          check.size("count = %zu, nodes %d ..< %d, %zu values, whole %d", count, first, nodes, distinct, whole);
          Zone<double> numbers((size_t)taken * lanes), gain(numbers.count);
          Zone<float> lower(numbers.count), upper(numbers.count);
          Expected gains(numbers.count), lowers(numbers.count), uppers(numbers.count);
          for (int node = 0; node < nodes; node++)
            for (size_t lane = 0; lane < lanes; lane++) {
              const std::vector<ptrdiff_t> own = rows.in(node, (ptrdiff_t)lane);
              rows.center(own, (ptrdiff_t)lane, whole);
              if (node < first) continue;
              const size_t at = (size_t)(node - first) * lanes + lane;
              const bool closed = random.below(8) == 0;
              numbers[at] = double(own.size());
              gain[at] = closed ? INFINITY : -1;
              if (closed) gains.set(at, INFINITY);
              else expect_split(rows, own, (ptrdiff_t)lane, at, gains, lowers, uppers);
            }
          vk_tree_splits(level, rows.count, rows.order, rows.sorted, rows.residuals,
                         nodes > 1 ? rows.node_of.data() : nullptr, first, taken, numbers, gain, lower, upper);
          check.array(gain, gains, sum_tolerance<double>(count), "gain");
          check.array(lower, lowers, 0, "lower");
          check.array(upper, uppers, 0, "upper");
        }
}

void check_descents(int level) {
  Check check("vk_tree_descend", level);
  Random random(137);
  for (size_t count : {0, 1, 7, 64})
    for (int nodes : {1, 2, 8, 128})
      for (bool descends : {false, true}) {
        check.size("count = %zu, %d nodes, descends %d", count, nodes, descends);
        Rows rows(random, level, count, nodes, 5, false);
        const size_t lanes = (size_t)rows.lanes, children = (size_t)nodes * (descends ? 2 : 1) * lanes;
        Zone<int32_t> column((size_t)nodes * lanes);
        Zone<float> lower(column.count);
        for (size_t i = 0; i < column.count; i++) {
          column[i] = (int32_t)random.below(columns);
          lower[i] = random.below(4) ? float(random.below(5)) : INFINITY;
        }
        Zone<double> sums(4 * children, random, -1, 1);
        Expected nodes_after(rows.node_of.count), expected(sums.count);
        for (size_t i = 0; i < sums.count; i++) expected.set(i, sums[i]);
        for (size_t i = 0; i < rows.node_of.count; i++) {
          size_t node = rows.node_of[i];
          const size_t at = node * lanes + i % lanes;
          if (descends)
            node = 2 * node + (rows.values[i / lanes * columns + (size_t)column[at]] > lower[at] ? 1 : 0);
          nodes_after.set(i, double(node));
          const double r = rows.residuals[i];
          const double terms[] = {1, r, r * r, fabs(r) * (1 - fabs(r))};
          for (size_t k = 0; k < 4; k++) expected.add((node * lanes + i % lanes) * 4 + k, terms[k]);
        }
        vk_tree_descend(level, rows.count, columns, rows.values, descends ? column.data() : nullptr, lower,
                        rows.residuals, rows.node_of, sums);
        for (size_t i = 0; i < rows.node_of.count; i++)
          check.truth(rows.node_of[i] == (uint8_t)nodes_after.value[i], (ptrdiff_t)i, "is in another node");
        check.truth(rows.node_of.damage() == 0, rows.node_of.damage(), "outside the array was written");
        check.array(sums, expected, sum_tolerance<double>(count + 1));
      }
}

void check_residuals(int level) {
  Check check("vk_tree_residuals", level);
  Random random(139);
  const ptrdiff_t lanes = vk_tree_lanes(level);
  for (ptrdiff_t count : {0, 1, 5})
    for (ptrdiff_t columns : {3, 4, 7, 8, 9, 16, 40})
      for (double spread : {0., 3., 2000.}) {
        check.size("count = %td, %td columns, spread %g", count, columns, spread);
        const ptrdiff_t blocks = (columns + lanes - 1) / lanes, apart = count * lanes + 3;
        Zone<double> scores((size_t)(blocks * apart), random, -spread, spread), residuals(scores.count);
        Zone<double> losses((size_t)count);
        std::vector<int32_t> labels;
        Expected expected(residuals.count), expected_losses(losses.count);
        for (ptrdiff_t row = 0; row < count; row++) {
          labels.push_back((int32_t)random.below((size_t)columns));
          auto at = [&](ptrdiff_t k) { return k / lanes * apart + row * lanes + k % lanes; };
          double largest = -INFINITY, sum = 0;
          for (ptrdiff_t k = 0; k < columns; k++) largest = fmax(largest, scores[at(k)]);
          for (ptrdiff_t k = 0; k < columns; k++) sum += exp(scores[at(k)] - largest);
          for (ptrdiff_t k = 0; k < blocks * lanes; k++) {
            const double p = k < columns ? exp(scores[at(k)] - largest) / sum : 0;
            // e^−708 takes the place of everything smaller.
            expected.set((size_t)at(k), (k == labels.back()) - p, fmax(p + (k == labels.back()), 1e-280));
          }
          const double score = scores[at(labels.back())];
          expected_losses.set((size_t)row, largest + log(sum) - score, fabs(largest) + log(sum) + fabs(score));
        }
        vk_tree_residuals(level, count, columns, apart, scores, labels.data(), residuals, losses);
        check.array(residuals, expected, 16 * unit<double>, "residuals");
        check.array(losses, expected_losses, 16 * unit<double>, "losses");
      }
}

}  // namespace

void check_trees(int level) {
  check_splits(level);
  check_descents(level);
  check_residuals(level);
}
