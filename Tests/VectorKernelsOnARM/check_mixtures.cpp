// vk_mixture.h.
#include "checks.hpp"

namespace {

/// A mixture, its table and points near some of its components.
struct Mixture {
  const size_t n, d, samples;
  Zone<float> mean, log_variance, table, z;

  /// With components in any order, or, as those of neighbouring images, narrow ones in the order of their means.
  Mixture(size_t n, size_t d, size_t samples, Random &random, bool in_order = false)
      : n(n), d(d), samples(samples), mean(n * d, random, -4, 4), log_variance(n * d, random, -5, 1),
        table(vk_mixture_table_size(n, d), 0), z(samples * d) {
    for (size_t i = 0; in_order && i < n * d; i++) {
      mean[i] = (float)(40 * double(i / d) / double(n) + random.uniform(-0.1, 0.1));
      log_variance[i] -= 4;
    }
    for (size_t u = 0; u < samples; u++) {
      const size_t near = random.below(n);
      for (size_t k = 0; k < d; k++) z[u * d + k] = mean[near * d + k] + (float)random.uniform(-0.2, 0.2);
    }
    // The first component is the first reference. Far from everything, it makes the sum start over from a larger one.
    if (n % 2 && n > 1)
      for (size_t k = 0; k < d; k++) mean[k] = 30;
    // In two pieces, as two threads would.
    const size_t tiles = (n + VK_MIXTURE_TILE - 1) / VK_MIXTURE_TILE;
    vk_mixture_prepare(n, d, mean, log_variance, tiles / 2, tiles, table);
    vk_mixture_prepare(n, d, mean, log_variance, 0, tiles / 2, table);
  }

  /// log₂ of component i's density at point u: in dimension k, or in all dimensions for k = d.
  double log2_density(size_t i, size_t u, size_t k) const {
    double value = 0;
    for (size_t j = k < d ? k : 0; j < (k < d ? k + 1 : d); j++) {
      const double lv = log_variance[i * d + j], e = double(z[u * d + j]) - mean[i * d + j];
      value -= 0.5 * (log(2 * M_PI) + lv + e * e * exp(-lv));
    }
    return value / M_LN2;
  }

  double log2_sum(size_t u, size_t k) const {
    double largest = -INFINITY, sum = 0;
    for (size_t i = 0; i < n; i++) largest = fmax(largest, log2_density(i, u, k));
    for (size_t i = 0; i < n; i++) sum += exp2(log2_density(i, u, k) - largest);
    return largest + log2(sum);
  }

  /// What the error of a sum's logarithm, and of a term's share, is relative to: each of d dimensions adds a constant
  /// and a square, in single precision. Terms that are far below the sum can have larger squares, but do not count.
  double scale(double log2_sum) const { return 8 * double(d) + fabs(log2_sum); }
};

/// (z − m)·s has three roundings, one of them in the table; its square has twice their error, and the sum one more.
const double tolerance = 8 * unit<float>;

struct Checks {
  Check table, joint, marginals, gradients, pairs;
  explicit Checks(int level)
      : table("vk_mixture_prepare", level), joint("vk_mixture_log2_sum joint", level),
        marginals("vk_mixture_log2_sum marginals", level), gradients("vk_mixture_gradients", level),
        pairs("vk_mixture_pair_sums", level) {}
};

void check_table(Check &check, const Mixture &m) {
  Expected expected(m.table.count);
  for (size_t i = 0; i < (m.n + VK_MIXTURE_TILE - 1) / VK_MIXTURE_TILE * VK_MIXTURE_TILE; i++) {
    size_t at = i / VK_MIXTURE_TILE * (3 * m.d + 1) * VK_MIXTURE_TILE + i % VK_MIXTURE_TILE;
    double total = 0;
    for (size_t k = 0; k < m.d; k++, at += 3 * VK_MIXTURE_TILE) {
      if (i < m.n) {
        const double lv = m.log_variance[i * m.d + k], c = -0.5 / M_LN2 * (lv + log(2 * M_PI));
        expected.set(at, m.mean[i * m.d + k]);
        expected.set(at + VK_MIXTURE_TILE, sqrt(0.5 / M_LN2) * exp(-lv / 2));
        expected.set(at + 2 * VK_MIXTURE_TILE, c);
        total += c;
      } else {  // padding of density zero, whatever its mean
        expected.leave(at);
        expected.leave(at + VK_MIXTURE_TILE);
        expected.set(at + 2 * VK_MIXTURE_TILE, -INFINITY);
      }
    }
    expected.set(at, i < m.n ? total : -INFINITY);
  }
  const size_t chunk = VK_MIXTURE_CHUNK_TILES, tiles = (m.n + VK_MIXTURE_TILE - 1) / VK_MIXTURE_TILE;
  for (size_t tile = 0; tile < (tiles + chunk - 1) / chunk * chunk; tile++) {
    size_t at = (tiles * VK_MIXTURE_TILE + tile / chunk * chunk) * (3 * m.d + 1) + tile % chunk;
    double largest = -INFINITY;
    for (size_t k = 0; k < m.d; k++, at += 3 * chunk) {
      double low = INFINITY, high = -INFINITY, scale = INFINITY;
      for (size_t i = tile * VK_MIXTURE_TILE; i < m.n && i < (tile + 1) * VK_MIXTURE_TILE; i++) {
        low = fmin(low, m.mean[i * m.d + k]), high = fmax(high, m.mean[i * m.d + k]);
        scale = fmin(scale, sqrt(0.5 / M_LN2) * exp(-double(m.log_variance[i * m.d + k]) / 2));
      }
      for (int part = 0; part < 3; part++)
        expected.set(at + (size_t)part * chunk, tile < tiles ? (part == 0 ? low : part == 1 ? high : scale) : 0);
    }
    for (size_t i = tile * VK_MIXTURE_TILE; i < m.n && i < (tile + 1) * VK_MIXTURE_TILE; i++) {
      double total = 0;
      for (size_t k = 0; k < m.d; k++) total -= 0.5 / M_LN2 * (m.log_variance[i * m.d + k] + log(2 * M_PI));
      largest = fmax(largest, total);
    }
    expected.set(at, largest);
  }
  // Computed in double and rounded once; M_PI and the logarithm in the last digits of double do not matter.
  check.array(m.table, expected, 1.0001 * unit<float>);
}

void check_sums(Checks &checks, int level, const Mixture &m, std::vector<double> &joint,
                std::vector<double> &marginals) {
  const size_t d = m.d;
  joint.clear(), marginals.clear();
  for (size_t u = 0; u < m.samples; u++) {
    joint.push_back(m.log2_sum(u, d));
    for (size_t k = 0; k < d; k++) marginals.push_back(m.log2_sum(u, k));
  }
  for (bool both : {false, true}) {
    Zone<double> got(m.samples), each(m.samples * d), scratch(vk_mixture_scratch_size(m.samples, d));
    Expected sums(got.count), of_each(each.count), anything(scratch.count);
    for (size_t i = 0; i < scratch.count; i++) anything.leave(i);
    for (size_t u = 0; u < m.samples; u++) sums.set(u, joint[u], m.scale(joint[u]));
    for (size_t i = 0; both && i < each.count; i++) of_each.set(i, marginals[i], m.scale(marginals[i]));
    std::vector<int32_t> order;
    for (size_t k = 0; k < d; k++) order.push_back((int32_t)(d - 1 - k));
    vk_mixture_log2_sum(level, m.n, d, m.table, m.n % 2 ? order.data() : nullptr, m.samples, m.z, got,
                        both ? each.data() : nullptr, scratch);
    checks.joint.array(got, sums, tolerance, both ? "with marginals" : "alone");
    checks.marginals.array(each, of_each, tolerance);
    checks.joint.array(scratch, anything, 0, "scratch");
  }
}

void check_gradients(Check &check, int level, const Mixture &m, std::vector<double> joint,
                     std::vector<double> marginals) {
  const size_t d = m.d;
  // A sum of +∞ stands for one that is computed elsewhere.
  if (m.samples > 2) joint[1] = marginals[d] = INFINITY;
  Zone<double> of_joint(m.samples * d), of_each(m.samples * d), scratch(vk_mixture_gradient_scratch_size(d));
  Expected by_joint(of_joint.count), by_each(of_each.count), anything(scratch.count);
  for (size_t i = 0; i < scratch.count; i++) anything.leave(i);
  double largest = 0;
  for (size_t u = 0; u < m.samples; u++) {
    if (isfinite(joint[u])) largest = fmax(largest, m.scale(joint[u]));
    for (size_t k = 0; k < d; k++) {
      by_joint.set(u * d + k, 0);
      by_each.set(u * d + k, 0);
      for (size_t i = 0; i < m.n; i++) {
        const double slope = -(double(m.z[u * d + k]) - m.mean[i * d + k]) * exp(-double(m.log_variance[i * d + k]));
        // Shares end at 2^−126, which stands for 0.
        const double share = exp2(m.log2_density(i, u, d) - joint[u]);
        const double share_of_each = exp2(m.log2_density(i, u, k) - marginals[u * d + k]);
        by_joint.set(u * d + k, by_joint.value[u * d + k] + share * slope,
                     by_joint.scale[u * d + k] + fmax(share, 0x1p-100) * fabs(slope));
        by_each.set(u * d + k, by_each.value[u * d + k] + share_of_each * slope,
                    by_each.scale[u * d + k] + fmax(share_of_each, 0x1p-100) * fabs(slope));
      }
    }
  }
  vk_mixture_gradients(level, m.n, d, m.table, m.samples, m.z, joint.data(), marginals.data(), of_joint, of_each,
                       scratch);
  // A share is a power of 2, whose relative error is that of its exponent; and a few products follow.
  check.array(of_joint, by_joint, largest * tolerance + 8 * unit<float>, "joint");
  check.array(of_each, by_each, largest * tolerance + 8 * unit<float>, "marginals");
  check.array(scratch, anything, 0, "scratch");
}

void check_pairs(Check &check, int level, const Mixture &m, const std::vector<double> &marginals) {
  const size_t d = m.d, pairs = d * (d - 1) / 2;
  Zone<float> reference(m.samples * d), scratch(vk_mixture_pair_scratch_size(d), 0);
  Zone<double> got(m.samples * pairs);
  Expected expected(got.count), anything(scratch.count);
  for (size_t i = 0; i < scratch.count; i++) anything.leave(i);
  double largest = 0;
  for (size_t i = 0; i < reference.count; i++) {
    reference[i] = (float)round(marginals[i]);
    largest = fmax(largest, m.scale(marginals[i]));
  }
  for (size_t u = 0; u < m.samples; u++) {
    size_t at = u * pairs;
    for (size_t a = 0; a < d; a++)
      for (size_t b = a + 1; b < d; b++, at++)
        for (size_t i = 0; i < m.n; i++)
          expected.add(at, exp2(m.log2_density(i, u, a) + m.log2_density(i, u, b) - reference[u * d + a] -
                                reference[u * d + b]));
  }
  vk_mixture_pair_sums(level, m.n, d, m.table, m.samples, m.z, reference, got, scratch);
  // The errors of two powers of 2.
  check.array(got, expected, 2 * largest * tolerance + 8 * unit<float>);
  check.array(scratch, anything, 0, "scratch");
}

/// The error of the powers of 2 alone: one component, at its mean, where a sum is the product of two equal powers.
void check_powers(Check &check, int level) {
  const float mean[2] = {0.5f, -0.5f}, log_variance[2] = {-0.3f, -0.3f};
  Zone<float> table(vk_mixture_table_size(1, 2), 0), scratch(vk_mixture_pair_scratch_size(2), 0);
  vk_mixture_prepare(1, 2, mean, log_variance, 0, 1, table);
  const float constant = table[2 * VK_MIXTURE_TILE];
  for (int step = -100; step <= 100; step++) {
    check.size("2^(−2·%d/100)", step);
    const float x = constant + (float)step / 100, reference[2] = {x, x};
    Zone<double> got(1);
    vk_mixture_pair_sums(level, 1, 2, table, 1, mean, reference, got, scratch);
    const double expected = exp2(2 * (double(constant) - x));
    // Two powers with 2 units (vector.hpp's exp has 1.5; mixture_body.hpp says 1.1e-7 before rounding), their product.
    check.value(0, got[0], expected, expected, 6 * unit<float>);
  }
}

/// Points where single precision cannot represent the sum: far from every component.
void check_unrepresentable(Checks &checks, int level) {
  Random random(139);
  Mixture m(70, 2, 5, random);
  for (size_t i = 0; i < m.z.count; i++) m.z[i] = 1e30f;
  Zone<double> joint(m.samples), marginals(m.samples * m.d), scratch(vk_mixture_scratch_size(m.samples, m.d));
  vk_mixture_log2_sum(level, m.n, m.d, m.table, nullptr, m.samples, m.z, joint, marginals, scratch);
  checks.joint.size("unrepresentable");
  checks.marginals.size("unrepresentable");
  for (size_t u = 0; u < m.samples; u++) checks.joint.value((ptrdiff_t)u, joint[u], NAN, 1, 0);
  for (size_t i = 0; i < marginals.count; i++) checks.marginals.value((ptrdiff_t)i, marginals[i], NAN, 1, 0);
}

}  // namespace

void check_mixtures(int level) {
  Checks checks(level);
  Random random(149);
  // Around a tile of 64, and around a chunk of 32 tiles; samples are taken by twos and fours.
  for (size_t n : {1, 2, 63, 64, 65, 130, 321, 2049})
    for (size_t d : {1, 2, 3, 5, 9})  // pairs are summed in blocks of four dimensions
      for (size_t samples : {0, 1, 2, 3, 4, 7}) {
        if ((n > 1000 || d > 5) && samples != 3) continue;
        for (Check *check : {&checks.table, &checks.joint, &checks.marginals, &checks.gradients, &checks.pairs})
          check->size("n = %zu, d = %zu, samples = %zu", n, d, samples);
        const Mixture m(n, d, samples, random);
        std::vector<double> joint, marginals;
        check_table(checks.table, m);
        check_sums(checks, level, m, joint, marginals);
        check_gradients(checks.gradients, level, m, joint, marginals);
        check_pairs(checks.pairs, level, m, marginals);
      }
  // Most tiles are too far from a point to count; with several points, tiles that some of them need.
  for (size_t n : {64, 200, 2048, 5000})
    for (size_t d : {1, 4})
      for (size_t samples : {1, 4, 6}) {
        for (Check *check : {&checks.table, &checks.joint, &checks.marginals})
          check->size("in order, n = %zu, d = %zu, samples = %zu", n, d, samples);
        const Mixture m(n, d, samples, random, true);
        std::vector<double> joint, marginals;
        check_table(checks.table, m);
        check_sums(checks, level, m, joint, marginals);
      }
  check_powers(checks.pairs, level);
  check_unrepresentable(checks, level);
}
