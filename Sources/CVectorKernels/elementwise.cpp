#include "include/vk_elementwise.h"

#define VK_LAMBDA __attribute__((always_inline))
#define VK_BODY "elementwise_body.hpp"
#include "for_each_level.hpp"

void vk_unary_f32(int level, vk_unary_op op, size_t n, const float *x, float *y) {
  static constexpr decltype(&plain::unary) table[] = VK_TABLE(unary);
  table[level](op, n, x, y);
}

void vk_binary_f32(int level, vk_binary_op op, size_t n, const float *a, int sa, const float *b, int sb, float *y) {
  static constexpr decltype(&plain::binary) table[] = VK_TABLE(binary);
  table[level](op, n, a, sa, b, sb, y);
}

void vk_affine_f32(int level, size_t n, float scale, float shift, const float *x, float *y) {
  static constexpr decltype(&plain::affine) table[] = VK_TABLE(affine);
  table[level](n, scale, shift, x, y);
}

double vk_sum_f32(int level, size_t n, const float *x) {
  static constexpr decltype(&plain::sum) table[] = VK_TABLE(sum);
  return table[level](n, x);
}

double vk_log_sum_exp_f32(int level, size_t n, const float *x) {
  static constexpr decltype(&plain::log_sum_exp) table[] = VK_TABLE(log_sum_exp);
  return table[level](n, x);
}

void vk_adam_f32(int level, size_t n, float *p, const float *g, float *m, float *v,
                 const vk_adam_coefficients *coefficients) {
  static constexpr decltype(&plain::adam) table[] = VK_TABLE(adam);
  table[level](n, p, g, m, v, *coefficients);
}

void vk_activate_f32(int level, int activation, float slope, size_t rows, size_t n, const float *bias, float *y) {
  static constexpr decltype(&plain::activate) table[] = VK_TABLE(activate);
  table[level](activation, slope, rows, n, bias, y);
}

void vk_activation_gradient_f32(int level, int activation, float slope, size_t n, const float *y, const float *gy,
                                float *gx) {
  static constexpr decltype(&plain::activation_gradient) table[] = VK_TABLE(activation_gradient);
  table[level](activation, slope, n, y, gy, gx);
}

void vk_pairwise_gaussian_f32(int level, size_t rows, size_t columns, const float *z, const float *mean,
                              const float *log_variance, float *out, size_t stride) {
  static constexpr decltype(&plain::pairwise_gaussian) table[] = VK_TABLE(pairwise_gaussian);
  table[level](rows, columns, z, mean, log_variance, out, stride);
}

void vk_pairwise_gaussian_gradient_f32(int level, size_t rows, size_t columns, const float *z, const float *mean,
                                       const float *log_variance, const float *g, size_t stride, float *gz,
                                       float *gmean, float *glog_variance) {
  static constexpr decltype(&plain::pairwise_gaussian_gradient) table[] = VK_TABLE(pairwise_gaussian_gradient);
  table[level](rows, columns, z, mean, log_variance, g, stride, gz, gmean, glog_variance);
}

// Double precision is for gradient checks and reference values: plain loops with the C library, the same at every
// level.

template <class F> static void map1(size_t n, const double *x, double *y, F f) {
  for (size_t i = 0; i < n; i++) y[i] = f(x[i]);
}

void vk_unary_f64(int, vk_unary_op op, size_t n, const double *x, double *y) {
  switch (op) {
    case VK_NEGATE: return map1(n, x, y, [](double v) { return -v; });
    case VK_EXP: return map1(n, x, y, [](double v) { return __builtin_exp(v); });
    case VK_LOG: return map1(n, x, y, [](double v) { return __builtin_log(v); });
    case VK_SQRT: return map1(n, x, y, [](double v) { return __builtin_sqrt(v); });
    case VK_SQUARE: return map1(n, x, y, [](double v) { return v * v; });
    case VK_ABS: return map1(n, x, y, [](double v) { return __builtin_fabs(v); });
    case VK_RELU: return map1(n, x, y, [](double v) { return v < 0 ? 0 : v; });
    case VK_TANH: return map1(n, x, y, [](double v) { return __builtin_tanh(v); });
    case VK_SIGMOID:
      return map1(n, x, y, [](double v) {
        double e = __builtin_exp(-__builtin_fabs(v));
        return v < 0 ? e / (1 + e) : 1 / (1 + e);
      });
    case VK_SOFTPLUS:
      return map1(n, x, y,
                  [](double v) { return (v > 0 ? v : 0) + __builtin_log1p(__builtin_exp(-__builtin_fabs(v))); });
    case VK_SIGN: return map1(n, x, y, [](double v) { return (double)((v > 0) - (v < 0)); });
    case VK_RECIPROCAL: return map1(n, x, y, [](double v) { return 1 / v; });
  }
}

template <class F> static void map2(size_t n, const double *a, int sa, const double *b, int sb, double *y, F f) {
  for (size_t i = 0; i < n; i++) y[i] = f(a[sa ? i : 0], b[sb ? i : 0]);
}

void vk_binary_f64(int, vk_binary_op op, size_t n, const double *a, int sa, const double *b, int sb, double *y) {
  switch (op) {
    case VK_ADD: return map2(n, a, sa, b, sb, y, [](double p, double q) { return p + q; });
    case VK_SUBTRACT: return map2(n, a, sa, b, sb, y, [](double p, double q) { return p - q; });
    case VK_MULTIPLY: return map2(n, a, sa, b, sb, y, [](double p, double q) { return p * q; });
    case VK_DIVIDE: return map2(n, a, sa, b, sb, y, [](double p, double q) { return p / q; });
    case VK_MAXIMUM: return map2(n, a, sa, b, sb, y, [](double p, double q) { return p > q ? p : q; });
    case VK_GATE: return map2(n, a, sa, b, sb, y, [](double p, double q) { return q > 0 ? p : 0; });
  }
}

void vk_affine_f64(int, size_t n, double scale, double shift, const double *x, double *y) {
  map1(n, x, y, [=](double v) { return scale * v + shift; });
}

double vk_sum_f64(int, size_t n, const double *x) {
  double total = 0;
  for (size_t i = 0; i < n; i++) total += x[i];
  return total;
}

double vk_log_sum_exp_f64(int level, size_t n, const double *x) {
  static constexpr decltype(&plain::log_sum_exp_f64) table[] = VK_TABLE(log_sum_exp_f64);
  return table[level](n, x);
}

void vk_activate_f64(int, int activation, double slope, size_t rows, size_t n, const double *bias, double *y) {
  for (size_t r = 0; r < rows; r++)
    for (size_t i = 0; i < n; i++, y++) {
      double s = *y + (bias ? bias[i] : 0);
      switch (activation) {
        case VK_ACTIVATION_RELU: *y = s < 0 ? 0 : s; break;
        case VK_ACTIVATION_TANH: *y = __builtin_tanh(s); break;
        case VK_ACTIVATION_LEAKY_RELU: *y = s > 0 ? s : slope * s; break;
        default: *y = s;
      }
    }
}

void vk_activation_gradient_f64(int, int activation, double slope, size_t n, const double *y, const double *gy,
                                double *gx) {
  for (size_t i = 0; i < n; i++) switch (activation) {
      case VK_ACTIVATION_RELU: gx[i] = y[i] > 0 ? gy[i] : 0; break;
      case VK_ACTIVATION_TANH: gx[i] = gy[i] * (1 - y[i] * y[i]); break;
      case VK_ACTIVATION_LEAKY_RELU: gx[i] = y[i] > 0 ? gy[i] : slope * gy[i]; break;
      default: gx[i] = gy[i];
    }
}

void vk_pairwise_gaussian_f64(int, size_t rows, size_t columns, const double *z, const double *mean,
                              const double *log_variance, double *out, size_t stride) {
  for (size_t j = 0; j < columns; j++) {
    double precision = __builtin_exp(-log_variance[j]), constant = -0.91893853320467274178 - 0.5 * log_variance[j];
    for (size_t i = 0; i < rows; i++) {
      double d = z[i] - mean[j];
      out[i * stride + j] = constant - 0.5 * precision * d * d;
    }
  }
}

void vk_pairwise_gaussian_gradient_f64(int, size_t rows, size_t columns, const double *z, const double *mean,
                                       const double *log_variance, const double *g, size_t stride, double *gz,
                                       double *gmean, double *glog_variance) {
  for (size_t i = 0; i < rows; i++) gz[i] = 0;
  for (size_t j = 0; j < columns; j++) {
    double precision = __builtin_exp(-log_variance[j]);
    gmean[j] = glog_variance[j] = 0;
    for (size_t i = 0; i < rows; i++) {
      double d = z[i] - mean[j], gi = g[i * stride + j], t = gi * d * precision;
      gmean[j] += t;
      glog_variance[j] += 0.5 * (t * d - gi);
      gz[i] -= t;
    }
  }
}
