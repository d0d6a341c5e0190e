#include "vector.hpp"

namespace VK_LEVEL {

struct likelihood {
  vec loss, derivative;
};

VK_INLINE likelihood bernoulli(vec logit, vec target) {
  vec e = vexp(-vabs(logit)), r = splat(1.f) / (splat(1.f) + e);
  vec positive = select(logit < splat(0.f), splat(0.f), logit);
  return {positive - logit * target + vlog1p(e), select(logit < splat(0.f), e * r, r) - target};
}

VK_INLINE likelihood gaussian(vec mean, vec target, vec inverse) {
  vec z = (mean - target) * inverse;
  return {splat(0.5f) * z * z, z * inverse};
}

VK_INLINE likelihood laplace(vec mean, vec target, vec inverse) {
  vec d = mean - target;
  vec derivative = select(d > splat(0.f), inverse, select(d < splat(0.f), -inverse, d));
  return {vabs(d) * inverse, derivative};
}

typedef double wide __attribute__((vector_size(8 * VK_WIDTH)));

/// The sum of f's losses, accumulated in double; writes weight·derivative to `gradient` unless null.
template <class F>
VK_INLINE double sum_likelihood(size_t n, const float *x, const float *t, float weight, float *gradient, F f) {
  const vec factor = splat(weight);
  wide total = {};
  size_t i = 0;
  for (; i + width <= n; i += width) {
    likelihood l = f(load(x + i), load(t + i));
    total += __builtin_convertvector(l.loss, wide);
    if (gradient) store(gradient + i, factor * l.derivative);
  }
  double sum = 0;
  for (int lane = 0; lane < width; lane++) sum += total[lane];
  if (i < n) {
    const size_t rest = n - i;
    float values[width] = {}, targets[width] = {};
    __builtin_memcpy(values, x + i, rest * sizeof(float));
    __builtin_memcpy(targets, t + i, rest * sizeof(float));
    likelihood l = f(load(values), load(targets));
    for (size_t lane = 0; lane < rest; lane++) {
      sum += l.loss[lane];
      if (gradient) gradient[i + lane] = weight * l.derivative[lane];
    }
  }
  return sum;
}

static double negative_log_likelihood(vk_density density, float scale, size_t n, const float *x, const float *t,
                                      float weight, float *gradient) {
  const vec inverse = splat(1 / scale);
  switch (density) {
    case VK_BERNOULLI:
      return sum_likelihood(n, x, t, weight, gradient, [](vec l, vec v) VK_LAMBDA { return bernoulli(l, v); });
    case VK_GAUSSIAN:
      return sum_likelihood(n, x, t, weight, gradient,
                            [inverse](vec m, vec v) VK_LAMBDA { return gaussian(m, v, inverse); });
    case VK_LAPLACE:
      return sum_likelihood(n, x, t, weight, gradient,
                            [inverse](vec m, vec v) VK_LAMBDA { return laplace(m, v, inverse); });
  }
  return 0;
}

}  // namespace VK_LEVEL
