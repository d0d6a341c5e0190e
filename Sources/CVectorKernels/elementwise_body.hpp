#include "double_vector.hpp"
#include "adam_body.hpp"

namespace VK_LEVEL {

VK_INLINE vec vtanh(vec x) {
  // For |x| < 0.625 an odd polynomial; otherwise 1 − 2/(e^{2|x|} + 1), which has no cancellation there.
  vec a = vabs(x), s = a * a;
  vec p = splat(-5.70498872745e-3f);
  p = fma(p, s, splat(2.06390887954e-2f));
  p = fma(p, s, splat(-5.37397155531e-2f));
  p = fma(p, s, splat(1.33314422036e-1f));
  p = fma(p, s, splat(-3.33332819422e-1f));
  vec small = fma(p * s, a, a);
  vec large = splat(1.f) - splat(2.f) / (vexp(a + a) + splat(1.f));
  vec t = select(a < splat(0.625f), small, large);
  return select(x < splat(0.f), -t, select(x != x, x, t));
}

VK_INLINE vec vsigmoid(vec x) {
  vec e = vexp(-vabs(x)), r = splat(1.f) / (splat(1.f) + e);
  return select(x < splat(0.f), e * r, r);
}

VK_INLINE vec vsoftplus(vec x) { return vmax(x, splat(0.f)) + vlog1p(vexp(-vabs(x))); }

VK_INLINE vec vsign(vec x) {
  return select(x > splat(0.f), splat(1.f), select(x < splat(0.f), splat(-1.f), splat(0.f)));
}

template <class F> VK_INLINE void map1(size_t n, const float *x, float *y, F f) {
  size_t i = 0;
  for (; i + width <= n; i += width) store(y + i, f(load(x + i)));
  if (i < n) {
    float in[width] = {}, out[width];
    __builtin_memcpy(in, x + i, (n - i) * sizeof(float));
    store(out, f(load(in)));
    __builtin_memcpy(y + i, out, (n - i) * sizeof(float));
  }
}

template <class F>
VK_INLINE void map2(size_t n, const float *a, int sa, const float *b, int sb, float *y, F f) {
  vec a0 = splat(n ? a[0] : 0), b0 = splat(n ? b[0] : 0);
  size_t i = 0;
  for (; i + width <= n; i += width) store(y + i, f(sa ? load(a + i) : a0, sb ? load(b + i) : b0));
  if (i < n) {
    float la[width] = {}, lb[width] = {}, out[width];
    __builtin_memcpy(la, sa ? a + i : a, (sa ? n - i : 1) * sizeof(float));
    __builtin_memcpy(lb, sb ? b + i : b, (sb ? n - i : 1) * sizeof(float));
    store(out, f(sa ? load(la) : a0, sb ? load(lb) : b0));
    __builtin_memcpy(y + i, out, (n - i) * sizeof(float));
  }
}

static void unary(vk_unary_op op, size_t n, const float *x, float *y) {
  switch (op) {
    case VK_NEGATE: return map1(n, x, y, [](vec v) VK_LAMBDA { return -v; });
    case VK_EXP: return map1(n, x, y, [](vec v) VK_LAMBDA { return vexp(v); });
    case VK_LOG: return map1(n, x, y, [](vec v) VK_LAMBDA { return vlog(v); });
    case VK_SQRT: return map1(n, x, y, [](vec v) VK_LAMBDA { return vsqrt(v); });
    case VK_SQUARE: return map1(n, x, y, [](vec v) VK_LAMBDA { return v * v; });
    case VK_ABS: return map1(n, x, y, [](vec v) VK_LAMBDA { return vabs(v); });
    case VK_RELU: return map1(n, x, y, [](vec v) VK_LAMBDA { return select(v < splat(0.f), splat(0.f), v); });
    case VK_TANH: return map1(n, x, y, [](vec v) VK_LAMBDA { return vtanh(v); });
    case VK_SIGMOID: return map1(n, x, y, [](vec v) VK_LAMBDA { return vsigmoid(v); });
    case VK_SOFTPLUS: return map1(n, x, y, [](vec v) VK_LAMBDA { return vsoftplus(v); });
    case VK_SIGN: return map1(n, x, y, [](vec v) VK_LAMBDA { return vsign(v); });
    case VK_RECIPROCAL: return map1(n, x, y, [](vec v) VK_LAMBDA { return splat(1.f) / v; });
  }
}

static void binary(vk_binary_op op, size_t n, const float *a, int sa, const float *b, int sb, float *y) {
  switch (op) {
    case VK_ADD: return map2(n, a, sa, b, sb, y, [](vec p, vec q) VK_LAMBDA { return p + q; });
    case VK_SUBTRACT: return map2(n, a, sa, b, sb, y, [](vec p, vec q) VK_LAMBDA { return p - q; });
    case VK_MULTIPLY: return map2(n, a, sa, b, sb, y, [](vec p, vec q) VK_LAMBDA { return p * q; });
    case VK_DIVIDE: return map2(n, a, sa, b, sb, y, [](vec p, vec q) VK_LAMBDA { return p / q; });
    case VK_MAXIMUM: return map2(n, a, sa, b, sb, y, [](vec p, vec q) VK_LAMBDA { return select(p > q, p, q); });
    case VK_GATE:
      return map2(n, a, sa, b, sb, y, [](vec p, vec q) VK_LAMBDA { return select(q > splat(0.f), p, splat(0.f)); });
  }
}

static void affine(size_t n, float scale, float shift, const float *x, float *y) {
  vec s = splat(scale), t = splat(shift);
  map1(n, x, y, [s, t](vec v) VK_LAMBDA { return fma(v, s, t); });
}

typedef double wide __attribute__((vector_size(8 * VK_WIDTH)));

static double sum(size_t n, const float *x) {
  wide total = {};
  size_t i = 0;
  for (; i + width <= n; i += width) total += __builtin_convertvector(load(x + i), wide);
  double result = 0;
  for (int lane = 0; lane < width; lane++) result += total[lane];
  for (; i < n; i++) result += x[i];
  return result;
}

static double log_sum_exp(size_t n, const float *x) {
  if (n == 0) return -__builtin_inf();
  float largest = x[0];
  size_t i = 0;
  if (n >= width) {
    vec m = load(x);
    for (; i + width <= n; i += width) m = vmax(m, load(x + i));
    largest = max_lanes(m);
  }
  for (; i < n; i++) largest = x[i] > largest ? x[i] : largest;
  if (largest == -__builtin_inff()) return largest;
  vec top = splat(largest), total = {};
  for (i = 0; i + width <= n; i += width) total += vexp(load(x + i) - top);
  if (i < n) {
    float rest[width];
    for (int lane = 0; lane < width; lane++) rest[lane] = -__builtin_inff();
    __builtin_memcpy(rest, x + i, (n - i) * sizeof(float));
    total += vexp(load(rest) - top);
  }
  return (double)largest + __builtin_log((double)sum_lanes(total));
}

static double log_sum_exp_f64(size_t n, const double *x) {
  const size_t vectors = n / double_width * double_width;
  dvec tops = splat_double(-__builtin_inf());
  for (size_t i = 0; i < vectors; i += double_width) {
    const dvec v = load_doubles(x + i);
    tops = v > tops ? v : tops;
  }
  double largest = -__builtin_inf(), total = 0;
  for (int lane = 0; lane < double_width; lane++) largest = tops[lane] > largest ? tops[lane] : largest;
  for (size_t i = vectors; i < n; i++) largest = x[i] > largest ? x[i] : largest;
  if (largest == -__builtin_inf()) {
    // NaN is no maximum, but is not left out either.
    for (size_t i = 0; i < n; i++) largest += x[i];
    return largest;
  }
  dvec sums = {};
  for (size_t i = 0; i < vectors; i += double_width) sums += dexp(load_doubles(x + i) - splat_double(largest));
  for (int lane = 0; lane < double_width; lane++) total += sums[lane];
  for (size_t i = vectors; i < n; i++) total += dexp(splat_double(x[i] - largest))[0];
  return largest + __builtin_log(total);
}

static void activate_rows(int activation, float slope, size_t rows, size_t n, const float *bias, float *y) {
  static const float zero = 0;
  for (size_t r = 0; r < rows; r++, y += n) {
    const float *b = bias ? bias : &zero;
    int step = bias ? 1 : 0;
    switch (activation) {
      case VK_ACTIVATION_RELU:
        map2(n, y, 1, b, step, y,
             [](vec p, vec q) VK_LAMBDA { vec s = p + q; return select(s < splat(0.f), splat(0.f), s); });
        break;
      case VK_ACTIVATION_TANH: map2(n, y, 1, b, step, y, [](vec p, vec q) VK_LAMBDA { return vtanh(p + q); }); break;
      case VK_ACTIVATION_LEAKY_RELU:
        map2(n, y, 1, b, step, y, [slope](vec p, vec q) VK_LAMBDA { vec s = p + q; return vmax(s, splat(slope) * s); });
        break;
      default:
        if (bias) map2(n, y, 1, b, 1, y, [](vec p, vec q) VK_LAMBDA { return p + q; });
    }
  }
}

static void activate(int activation, float slope, size_t rows, size_t n, const float *bias, float *y) {
  // Rows that are not whole vectors are processed in blocks of `width` rows, which are, with the bias repeated.
  constexpr size_t longest = 128;
  if (n <= longest && n % width != 0 && rows >= width) {
    float repeated[longest * width];
    for (size_t i = 0; bias && i < n * width; i++) repeated[i] = bias[i % n];
    const size_t blocks = rows / width;
    activate_rows(activation, slope, blocks, n * width, bias ? repeated : nullptr, y);
    y += blocks * n * width;
    rows -= blocks * width;
  }
  activate_rows(activation, slope, rows, n, bias, y);
}

static void activation_gradient(int activation, float slope, size_t n, const float *y, const float *gy, float *gx) {
  switch (activation) {
    case VK_ACTIVATION_RELU:
      return map2(n, gy, 1, y, 1, gx, [](vec g, vec v) VK_LAMBDA { return select(v > splat(0.f), g, splat(0.f)); });
    case VK_ACTIVATION_TANH:
      return map2(n, gy, 1, y, 1, gx, [](vec g, vec v) VK_LAMBDA { return g * (splat(1.f) - v * v); });
    case VK_ACTIVATION_LEAKY_RELU:
      return map2(n, gy, 1, y, 1, gx,
                  [slope](vec g, vec v) VK_LAMBDA { return select(v > splat(0.f), g, splat(slope) * g); });
    default:
      if (gx != gy) __builtin_memcpy(gx, gy, n * sizeof(float));
  }
}

static void pairwise_gaussian(size_t rows, size_t columns, const float *z, const float *mean, const float *log_variance,
                              float *out, size_t stride) {
  for (size_t j = 0; j < columns; j += width) {
    size_t live = columns - j < width ? columns - j : width;
    float m[width] = {}, v[width] = {}, rest[width];
    __builtin_memcpy(m, mean + j, live * sizeof(float));
    __builtin_memcpy(v, log_variance + j, live * sizeof(float));
    vec centre = load(m), lv = load(v), precision = vexp(-lv);
    vec constant = splat(-0.918938533204672742f) - splat(0.5f) * lv;
    for (size_t i = 0; i < rows; i++) {
      vec d = splat(z[i]) - centre, q = fma(splat(-0.5f) * precision * d, d, constant);
      if (live == width) {
        store(out + i * stride + j, q);
      } else {
        store(rest, q);
        __builtin_memcpy(out + i * stride + j, rest, live * sizeof(float));
      }
    }
  }
}

static void pairwise_gaussian_gradient(size_t rows, size_t columns, const float *z, const float *mean,
                                       const float *log_variance, const float *g, size_t stride, float *gz,
                                       float *gmean, float *glog_variance) {
  for (size_t i = 0; i < rows; i++) gz[i] = 0;
  for (size_t j = 0; j < columns; j += width) {
    size_t live = columns - j < width ? columns - j : width;
    float m[width] = {}, v[width] = {}, w[width] = {};
    __builtin_memcpy(m, mean + j, live * sizeof(float));
    __builtin_memcpy(v, log_variance + j, live * sizeof(float));
    vec centre = load(m), precision = vexp(-load(v)), gm = {}, gv = {};
    for (size_t i = 0; i < rows; i++) {
      __builtin_memcpy(w, g + i * stride + j, live * sizeof(float));  // the remaining lanes stay 0
      vec d = splat(z[i]) - centre, gi = load(w), t = gi * d * precision;
      gm += t;
      gv += splat(0.5f) * fma(t, d, -gi);
      gz[i] -= sum_lanes(t);
    }
    float a[width], b[width];
    store(a, gm);
    store(b, gv);
    __builtin_memcpy(gmean + j, a, live * sizeof(float));
    __builtin_memcpy(glog_variance + j, b, live * sizeof(float));
  }
}

static void adam(size_t n, float *p, const float *g, float *m, float *v, vk_adam_coefficients c) {
  size_t i = 0;
  for (; i + width <= n; i += width) adam_step(p + i, load(g + i), m + i, v + i, c);
  for (; i < n; i++) adam_step(p + i, g[i], m + i, v + i, c);
}

}  // namespace VK_LEVEL
