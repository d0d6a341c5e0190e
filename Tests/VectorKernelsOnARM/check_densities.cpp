// The Gaussian densities of vk_elementwise.h, the likelihoods of vk_convolution.h, and vk_normalization.h.
#include "checks.hpp"

namespace {

// The functions of both precisions under one name.
void pairwise(int l, size_t r, size_t c, const float *z, const float *m, const float *v, float *out, size_t stride) {
  vk_pairwise_gaussian_f32(l, r, c, z, m, v, out, stride);
}
void pairwise(int l, size_t r, size_t c, const double *z, const double *m, const double *v, double *out,
              size_t stride) {
  vk_pairwise_gaussian_f64(l, r, c, z, m, v, out, stride);
}
void pullback(int l, size_t r, size_t c, const float *z, const float *m, const float *v, const float *g, size_t stride,
              float *gz, float *gm, float *gv) {
  vk_pairwise_gaussian_gradient_f32(l, r, c, z, m, v, g, stride, gz, gm, gv);
}
void pullback(int l, size_t r, size_t c, const double *z, const double *m, const double *v, const double *g,
              size_t stride, double *gz, double *gm, double *gv) {
  vk_pairwise_gaussian_gradient_f64(l, r, c, z, m, v, g, stride, gz, gm, gv);
}
void moments(int l, size_t r, size_t n, const float *x, const float *center, double *sums) {
  vk_column_moments_f32(l, r, n, x, center, sums);
}
void moments(int l, size_t r, size_t n, const double *x, const double *center, double *sums) {
  vk_column_moments_f64(l, r, n, x, center, sums);
}
void normalize(int l, size_t r, size_t n, const float *x, const float *c, const float *s, const float *t, float *y) {
  vk_normalize_f32(l, r, n, x, c, s, t, y);
}
void normalize(int l, size_t r, size_t n, const double *x, const double *c, const double *s, const double *t,
               double *y) {
  vk_normalize_f64(l, r, n, x, c, s, t, y);
}
void sums(int l, size_t r, size_t n, const float *g, const float *x, const float *c, double *s, double *p) {
  vk_normalization_sums_f32(l, r, n, g, x, c, s, p);
}
void sums(int l, size_t r, size_t n, const double *g, const double *x, const double *c, double *s, double *p) {
  vk_normalization_sums_f64(l, r, n, g, x, c, s, p);
}
void gradient(int l, size_t r, size_t n, const float *g, const float *x, const float *c, const float *a, const float *b,
              const float *d, float *gx) {
  vk_normalization_gradient_f32(l, r, n, g, x, c, a, b, d, gx);
}
void gradient(int l, size_t r, size_t n, const double *g, const double *x, const double *c, const double *a,
              const double *b, const double *d, double *gx) {
  vk_normalization_gradient_f64(l, r, n, g, x, c, a, b, d, gx);
}

template <class T> std::string named(const char *function) {
  return std::string(function) + (sizeof(T) == 4 ? "_f32" : "_f64");
}

template <class T> void check_pairwise(int level) {
  Check check(named<T>("vk_pairwise_gaussian"), level), back(named<T>("vk_pairwise_gaussian_gradient"), level);
  Random random(61);
  for (size_t columns : lengths(level))
    for (size_t rows : {0, 1, 2, 7}) {
      const size_t stride = columns + 3;
      check.size("rows = %zu, columns = %zu", rows, columns);
      back.size("rows = %zu, columns = %zu", rows, columns);
      Zone<T> z(rows, random, -3, 3), mean(columns, random, -3, 3), lv(columns, random, -4, 3);
      Zone<T> g(rows * stride, random, -1, 1), out(rows * stride), gz(rows), gm(columns), gv(columns);
      Expected density(rows * stride), by_z(rows), by_mean(columns), by_lv(columns);
      for (size_t i = 0; i < rows; i++) by_z.set(i, 0);
      for (size_t j = 0; j < columns; j++) {
        by_mean.set(j, 0);
        by_lv.set(j, 0);
        for (size_t i = 0; i < rows; i++) {
          const double d = double(z[i]) - mean[j], precision = exp(-double(lv[j])), gi = g[i * stride + j];
          density.add(i * stride + j, -0.5 * log(2 * M_PI));
          density.add(i * stride + j, -0.5 * lv[j]);
          density.add(i * stride + j, -0.5 * precision * d * d);
          by_z.add(i, -gi * d * precision);
          by_mean.add(j, gi * d * precision);
          by_lv.add(j, 0.5 * gi * d * d * precision);
          by_lv.add(j, -0.5 * gi);
        }
      }
      pairwise(level, rows, columns, z, mean, lv, out, stride);
      // The exponential has two units, the other six operations one each.
      check.array(out, density, 8 * unit<T>);
      pullback(level, rows, columns, z, mean, lv, g, stride, gz, gm, gv);
      const double term = 7 * unit<T>;
      back.array(gz, by_z, term + sum_tolerance<T>(columns), "z");
      back.array(gm, by_mean, term + sum_tolerance<T>(rows), "mean");
      back.array(gv, by_lv, term + sum_tolerance<T>(2 * rows), "log-variance");
    }
}

struct Loss {
  double value, scale, derivative;
};

Loss loss(vk_density density, double s, double x, double t) {
  switch (density) {
    case VK_BERNOULLI: {
      const double rest = log1p(exp(-fabs(x))), p = x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x));
      return {fmax(x, 0) - x * t + rest, fmax(x, 0) + fabs(x * t) + rest, p - t};
    }
    case VK_GAUSSIAN: return {(x - t) * (x - t) / (2 * s * s), (x - t) * (x - t) / (2 * s * s), (x - t) / (s * s)};
    case VK_LAPLACE: return {fabs(x - t) / s, fabs(x - t) / s, (x > t ? 1 : x < t ? -1 : 0) / s};
  }
  return {NAN, NAN, NAN};
}

void check_likelihoods(int level) {
  const char *names[] = {"bernoulli", "gaussian", "laplace"};
  for (int kind = VK_BERNOULLI; kind <= VK_LAPLACE; kind++) {
    const auto density = (vk_density)kind;
    Check check(std::string("vk_negative_log_likelihood_f32 ") + names[kind], level);
    Random random(67 + kind);
    for (size_t n : lengths(level))
      for (bool wanted : {false, true}) {
        check.size("n = %zu, %s", n, wanted ? "gradient" : "no gradient");
        const float scale = 0.3f, weight = -0.7f;
        Zone<float> x(n, random, -8, 8), t(n, random, 0, 1), gradient(n);
        // Equal values, both zeros, and logits whose exponentials are 0 or 1 in single precision.
        const float special[] = {0, -0.f, 100, -100, 17, -17};
        for (size_t i = 0; i < n && i < 6; i++) x[n - 1 - i] = special[i];
        if (n > 2 && density != VK_BERNOULLI) t[n / 2] = x[n / 2];
        double total = 0, magnitude = DBL_MIN;
        Expected by_x(n);
        for (size_t i = 0; i < n; i++) {
          const Loss l = loss(density, scale, x[i], t[i]);
          total += l.value;
          magnitude += l.scale;
          // The difference of a probability and its target is relative to those.
          by_x.set(i, weight * l.derivative, fabs(weight) * (density == VK_BERNOULLI ? 1 : fabs(l.derivative)));
        }
        const double got =
            vk_negative_log_likelihood_f32(level, density, scale, n, x, t, weight, wanted ? gradient.data() : nullptr);
        // Each term is a few operations in single precision, and their sum in double.
        check.value(0, got, total, magnitude, 8 * unit<float>);
        check.array(gradient, wanted ? by_x : Expected(n), 5 * unit<float>);
      }
  }
}

template <class T> void check_normalization(int level) {
  Check first(named<T>("vk_column_moments"), level), apply(named<T>("vk_normalize"), level);
  Check both(named<T>("vk_normalization_sums"), level), back(named<T>("vk_normalization_gradient"), level);
  Random random(71);
  for (size_t n : lengths(level))
    for (size_t rows : {0, 1, 2, 9}) {
      for (Check *check : {&first, &apply, &both, &back}) check->size("rows = %zu, n = %zu", rows, n);
      const size_t all = rows * n;
      Zone<T> x(all, random, -3, 3), g(all, random, -1, 1), center(n, random, -2, 2), a(n, random, -2, 2);
      Zone<T> b(n, random, -2, 2), d(n, random, -2, 2), y(all), gx(all);
      Zone<double> sum(n, random, -1, 1), square(n, random, -1, 1), gsum(n, random, -1, 1), product(n, random, -1, 1);
      Expected sums_x(n), squares(n), sums_g(n), products(n), normal(all), by_x(all);
      for (size_t c = 0; c < n; c++) {
        sums_x.set(c, sum[c]);
        squares.set(c, square[c]);
        sums_g.set(c, gsum[c]);
        products.set(c, product[c]);
      }
      for (size_t i = 0; i < all; i++) {
        const size_t c = i % n;
        const double e = double(x[i]) - center[c], magnitude = fabs(x[i]) + fabs(center[c]);
        sums_x.add(c, x[i]);
        squares.add(c, e * e);
        sums_g.add(c, g[i]);
        products.add(c, g[i] * e);
        normal.set(i, e * a[c] + b[c], magnitude * fabs(a[c]) + fabs(b[c]));
        by_x.set(i, double(a[c]) * g[i] + (b[c] * e + d[c]),
                 fabs(double(a[c]) * g[i]) + magnitude * fabs(b[c]) + fabs(d[c]));
      }
      moments(level, rows, n, x, (const T *)nullptr, sum);
      moments(level, rows, n, x, center, square);
      const double tolerance = sum_tolerance<double>(3 * rows);
      first.array(sum, sums_x, tolerance, "sums");
      first.array(square, squares, tolerance, "squares");
      normalize(level, rows, n, x, center, a, b, y);
      apply.array(y, normal, 3 * unit<T>);  // three operations
      sums(level, rows, n, g, x, center, gsum, product);
      both.array(gsum, sums_g, tolerance, "sums");
      both.array(product, products, tolerance, "products");
      gradient(level, rows, n, g, x, center, a, b, d, gx);
      back.array(gx, by_x, 4 * unit<T>);  // at most four operations on one term
    }
}

}  // namespace

void check_densities(int level) {
  check_pairwise<float>(level);
  check_pairwise<double>(level);
  check_likelihoods(level);
  check_normalization<float>(level);
  check_normalization<double>(level);
}
