// vk_elementwise.h but for the functions of densities: single operations on arrays, activations, Adam.
#include "checks.hpp"

namespace {

// The functions of both precisions under one name.
void unary(int l, vk_unary_op op, size_t n, const float *x, float *y) { vk_unary_f32(l, op, n, x, y); }
void unary(int l, vk_unary_op op, size_t n, const double *x, double *y) { vk_unary_f64(l, op, n, x, y); }
void binary(int l, vk_binary_op op, size_t n, const float *a, int sa, const float *b, int sb, float *y) {
  vk_binary_f32(l, op, n, a, sa, b, sb, y);
}
void binary(int l, vk_binary_op op, size_t n, const double *a, int sa, const double *b, int sb, double *y) {
  vk_binary_f64(l, op, n, a, sa, b, sb, y);
}
void affine(int l, size_t n, float s, float t, const float *x, float *y) { vk_affine_f32(l, n, s, t, x, y); }
void affine(int l, size_t n, double s, double t, const double *x, double *y) { vk_affine_f64(l, n, s, t, x, y); }
double sum(int l, size_t n, const float *x) { return vk_sum_f32(l, n, x); }
double sum(int l, size_t n, const double *x) { return vk_sum_f64(l, n, x); }
double log_sum_exp(int l, size_t n, const float *x) { return vk_log_sum_exp_f32(l, n, x); }
double log_sum_exp(int l, size_t n, const double *x) { return vk_log_sum_exp_f64(l, n, x); }
void activate(int l, int f, float slope, size_t rows, size_t n, const float *bias, float *y) {
  vk_activate_f32(l, f, slope, rows, n, bias, y);
}
void activate(int l, int f, double slope, size_t rows, size_t n, const double *bias, double *y) {
  vk_activate_f64(l, f, slope, rows, n, bias, y);
}
void gradient(int l, int f, float slope, size_t n, const float *y, const float *gy, float *gx) {
  vk_activation_gradient_f32(l, f, slope, n, y, gy, gx);
}
void gradient(int l, int f, double slope, size_t n, const double *y, const double *gy, double *gx) {
  vk_activation_gradient_f64(l, f, slope, n, y, gy, gx);
}

template <class T> std::string named(const char *function, const char *operation = "") {
  return std::string(function) + (sizeof(T) == 4 ? "_f32 " : "_f64 ") + operation;
}

struct UnaryCase {
  vk_unary_op op;
  const char *name;
  double (*f)(double);
  double low, high;  // the inputs' range
  /// In units of rounding, single precision. One for an operation that is rounded once; exp and log have errors of 1.5
  /// and 2 units (vector.hpp); the functions made of them add two or three roundings.
  double units;
  bool flushes;  // results below the smallest normal number are 0
};

const UnaryCase unary_cases[] = {
    {VK_NEGATE, "negate", [](double x) { return -x; }, -9, 9, 0, false},
    {VK_EXP, "exp", [](double x) { return exp(x); }, -87, 88, 2, true},
    {VK_LOG, "log", [](double x) { return log(x); }, 0, 10, 2.5, false},
    {VK_SQRT, "sqrt", [](double x) { return sqrt(x); }, 0, 1e6, 1, false},
    {VK_SQUARE, "square", [](double x) { return x * x; }, -9, 9, 1, false},
    {VK_ABS, "abs", [](double x) { return fabs(x); }, -9, 9, 0, false},
    {VK_RELU, "relu", [](double x) { return x < 0 ? 0 : x; }, -9, 9, 0, false},
    {VK_TANH, "tanh", [](double x) { return tanh(x); }, -3, 3, 4, false},
    {VK_SIGMOID, "sigmoid", [](double x) { return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x)); }, -30, 30, 4,
     true},
    {VK_SOFTPLUS, "softplus", [](double x) { return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)); }, -30, 30, 5, true},
    {VK_SIGN, "sign", [](double x) { return x > 0 ? 1. : x < 0 ? -1. : x; }, -9, 9, 0, false},
    {VK_RECIPROCAL, "reciprocal", [](double x) { return 1 / x; }, -9, 9, 1, false},
};

/// Zeros, infinities, denormal numbers, and both sides of the limits of exp in single precision.
const double special_values[] = {0.,      -0.,     INFINITY, -INFINITY, NAN,  1e-40, -1e-40, FLT_MIN, FLT_MAX, -FLT_MAX,
                                 88.72,   88.73,   -87.33,   -87.34,    -104, 104,   1,      -1,      0.625,   -0.625,
                                 0.70710, 0.70711, 1e-7,     -1e-7};

template <class T> double unary_expected(const UnaryCase &c, double x) {
  const bool single = sizeof(T) == 4;
  // log counts positive denormal numbers as 0.
  if (single && c.op == VK_LOG && x > 0 && x < FLT_MIN) return -INFINITY;
  const double y = c.f(x);
  return single && c.flushes && y < FLT_MIN ? 0 : y;
}

template <class T> void check_unary(int level) {
  for (const UnaryCase &c : unary_cases) {
    Check check(named<T>("vk_unary", c.name), level);
    // Double precision uses the C library, whose functions are wrong by up to a unit or two each.
    const double tolerance = sizeof(T) == 4 || c.units <= 1 ? c.units * unit<T> : 8 * unit<T>;
    Random random(11 + c.op);
    for (size_t n : lengths(level)) {
      check.size("n = %zu", n);
      Zone<T> x(n, random, c.low, c.high), y(n);
      unary(level, c.op, n, x, y);
      Expected expected(n);
      for (size_t i = 0; i < n; i++) expected.set(i, unary_expected<T>(c, x[i]));
      check.array(y, expected, tolerance);
    }
    // Each special value in every lane of a vector and of the rest behind the last one.
    for (double special : special_values) {
      if (c.op == VK_SIGN && isnan(special)) continue;
      const size_t n = 2 * level_width(level) - 1;
      check.size("n = %zu, f(%g)", n, special);
      Zone<T> x(n), y(n);
      Expected expected(n);
      for (size_t i = 0; i < n; i++) {
        x[i] = T(special);
        expected.set(i, unary_expected<T>(c, x[i]));
      }
      unary(level, c.op, n, x, y);
      check.array(y, expected, tolerance);
      if (c.op == VK_NEGATE || c.op == VK_ABS)  // the sign of zero as well
        for (size_t i = 0; i < n && special == 0; i++)
          check.truth(!signbit(y[i]) == !signbit(c.f(special)), (ptrdiff_t)i, "the sign of zero is wrong");
    }
  }
}

struct BinaryCase {
  vk_binary_op op;
  const char *name;
  double (*f)(double, double);
};

const BinaryCase binary_cases[] = {
    {VK_ADD, "add", [](double a, double b) { return a + b; }},
    {VK_SUBTRACT, "subtract", [](double a, double b) { return a - b; }},
    {VK_MULTIPLY, "multiply", [](double a, double b) { return a * b; }},
    {VK_DIVIDE, "divide", [](double a, double b) { return a / b; }},
    {VK_MAXIMUM, "maximum", [](double a, double b) { return a > b ? a : b; }},
    {VK_GATE, "gate", [](double a, double b) { return b > 0 ? a : 0; }},
};

template <class T> void check_binary(int level) {
  for (const BinaryCase &c : binary_cases) {
    Check check(named<T>("vk_binary", c.name), level);
    Random random(23 + c.op);
    for (size_t n : lengths(level))
      for (int strides = 0; strides < 4; strides++) {
        const int sa = strides & 1, sb = strides >> 1;
        check.size("n = %zu, strides %d and %d", n, sa, sb);
        Zone<T> a(sa ? n : 1, random, -5, 5), b(sb ? n : 1, random, -5, 5), y(n);
        if (sb && n > 2) b[n - 1] = 0, b[1] = T(INFINITY), b[0] = a[0];
        binary(level, c.op, n, a, sa, b, sb, y);
        Expected expected(n);
        for (size_t i = 0; i < n; i++) expected.set(i, c.f(a[sa ? i : 0], b[sb ? i : 0]));
        check.array(y, expected, unit<T>);  // rounded once
      }
  }
}

template <class T> void check_affine(int level) {
  Check check(named<T>("vk_affine"), level);
  Random random(31);
  for (size_t n : lengths(level)) {
    check.size("n = %zu", n);
    Zone<T> x(n, random, -5, 5), y(n);
    const T scale = T(random.uniform(-3, 3)), shift = T(random.uniform(-3, 3));
    affine(level, n, scale, shift, x, y);
    Expected expected(n);
    for (size_t i = 0; i < n; i++) {
      expected.add(i, double(scale) * x[i]);
      expected.add(i, shift);
    }
    check.array(y, expected, 2 * unit<T>);  // two roundings
  }
}

template <class T> void check_sums(int level) {
  Check check(named<T>("vk_sum"), level), exponentials(named<T>("vk_log_sum_exp"), level);
  Random random(37);
  for (size_t n : lengths(level)) {
    Zone<T> x(n, random, -5, 5);
    check.size("n = %zu", n);
    double total = 0, magnitude = DBL_MIN;
    for (size_t i = 0; i < n; i++) total += x[i], magnitude += fabs(x[i]);
    check.value(0, sum(level, n, x), total, magnitude, sum_tolerance<double>(n));

    // Near each other, then with some far below and above. The relative error of the sum is the absolute one of its
    // logarithm.
    for (double other : {0., (double)-INFINITY, 8., -300., 300.}) {
      exponentials.size("n = %zu, with %g", n, other);
      if (n > 0) x[random.below(n)] = T(other);
      double largest = -INFINITY, all = 0;
      for (size_t i = 0; i < n; i++) largest = fmax(largest, x[i]);
      for (size_t i = 0; i < n && largest > -INFINITY; i++) all += exp(x[i] - largest);
      const double expected = all > 0 ? largest + log(all) : -INFINITY;
      exponentials.value(0, log_sum_exp(level, n, x), expected, fmax(1, fabs(expected)), sum_tolerance<T>(n));
    }
    for (size_t i = 0; i < n; i++) x[i] = T(-INFINITY);
    exponentials.size("n = %zu, all −infinity", n);
    exponentials.value(0, log_sum_exp(level, n, x), -INFINITY, 1, 0);
  }
}

const char *activation_names[] = {"identity", "relu", "tanh", "leaky relu"};

double activated(int f, double slope, double s) {
  switch (f) {
    case VK_ACTIVATION_RELU: return s < 0 ? 0 : s;
    case VK_ACTIVATION_TANH: return tanh(s);
    case VK_ACTIVATION_LEAKY_RELU: return s > 0 ? s : slope * s;
    default: return s;
  }
}

template <class T> void check_activations(int level) {
  // Tanh adds its own error to that of the sum with the bias, and slope·s a rounding.
  const double tolerance = 6 * unit<T>;
  const T slope = T(0.2);
  for (int f = VK_ACTIVATION_IDENTITY; f <= VK_ACTIVATION_LEAKY_RELU; f++) {
    Check check(named<T>("vk_activate", activation_names[f]), level);
    Check pullback(named<T>("vk_activation_gradient", activation_names[f]), level);
    Random random(41 + f);
    // Rows of up to 128 floats are taken several at a time where they are not whole vectors.
    for (size_t n : {1, 3, 4, 5, 16, 31, 127, 130})
      for (size_t rows : {0, 1, 3, 4, 17, 35})
        for (bool biased : {false, true}) {
          check.size("rows = %zu, n = %zu, %s", rows, n, biased ? "bias" : "no bias");
          Zone<T> y(rows * n, random, -4, 4), bias(n, random, -4, 4);
          Expected expected(rows * n);
          for (size_t i = 0; i < rows * n; i++) {
            const double b = biased ? bias[i % n] : 0;
            expected.set(i, activated(f, slope, y[i] + b), fabs(y[i]) + fabs(b));
          }
          activate(level, f, slope, rows, n, biased ? bias.data() : nullptr, y);
          check.array(y, expected, tolerance);
        }
    for (size_t n : lengths(level)) {
      pullback.size("n = %zu", n);
      Zone<T> y(n, random, -4, 4), gy(n, random, -4, 4), gx(n);
      Expected expected(n);
      for (size_t i = 0; i < n; i++) {
        y[i] = T(activated(f, slope, y[i]));
        const double out = y[i];
        const double derivative = f == VK_ACTIVATION_TANH         ? 1 - out * out
                                  : f == VK_ACTIVATION_RELU       ? out > 0
                                  : f == VK_ACTIVATION_LEAKY_RELU ? (out > 0 ? 1 : double(slope))
                                                                  : 1;
        expected.set(i, gy[i] * derivative, fabs(gy[i]));
      }
      gradient(level, f, slope, n, y, gy, gx);
      pullback.array(gx, expected, tolerance);
    }
  }
}

void check_adam(int level) {
  Check check("vk_adam_f32", level);
  Random random(53);
  const vk_adam_coefficients c = {0.9f, 0.1f, 0.999f, 0.001f, 0.01f, 3.2f, 1e-8f};
  for (size_t n : lengths(level)) {
    check.size("n = %zu", n);
    Zone<float> p(n, random, -1, 1), g(n, random, -1, 1), m(n, random, -1, 1), v(n, random, 0, 1);
    Expected parameter(n), first(n), second(n);
    for (size_t i = 0; i < n; i++) {
      const double mi = double(c.beta1) * m[i] + double(c.rest1) * g[i];
      const double vi = double(c.beta2) * v[i] + double(c.rest2) * g[i] * g[i];
      const double magnitude = double(c.beta1) * fabs(m[i]) + double(c.rest1) * fabs(g[i]);
      const double factor = c.rate / (sqrt(vi) * c.scale + c.epsilon);
      first.set(i, mi, magnitude);
      second.set(i, vi);
      parameter.set(i, p[i] - factor * mi, fabs(p[i]) + factor * magnitude);
    }
    vk_adam_f32(level, n, p, g, m, v, &c);
    // Two products and a sum; three products and a sum; both of them, with a root, a quotient, two more products and
    // two more sums.
    check.array(m, first, 3 * unit<float>, "m");
    check.array(v, second, 4 * unit<float>, "v");
    check.array(p, parameter, 10 * unit<float>, "p");
  }
}

template <class T> void check_all(int level) {
  check_unary<T>(level);
  check_binary<T>(level);
  check_affine<T>(level);
  check_sums<T>(level);
  check_activations<T>(level);
}

}  // namespace

void check_elementwise(int level) {
  check_all<float>(level);
  check_all<double>(level);
  check_adam(level);
}
