// A vector of VK_WIDTH floats and the functions on it that the kernels share. The body of every kernel file includes it
// once per instruction level (see for_each_level.hpp), hence no include guard.
//
// exp and log use the standard scheme: reduce the argument to a short interval around 0 (or 1), evaluate a minimax
// polynomial, restore the exponent. Largest relative errors, measured: exp 9e-8, log 1.2e-7.

namespace VK_LEVEL {

typedef float vec __attribute__((vector_size(4 * VK_WIDTH)));
typedef float vec_unaligned __attribute__((vector_size(4 * VK_WIDTH), aligned(4)));
typedef int ivec __attribute__((vector_size(4 * VK_WIDTH)));
constexpr int width = VK_WIDTH;
/// Vector registers of the level; the tiles that kernels hold in registers follow from it.
constexpr int registers = VK_REGISTERS;
/// Many registers of few floats, as on 64-bit ARM.
constexpr bool many_narrow = registers == 32 && width == 4;

#define VK_MEMBER inline __attribute__((always_inline))
#define VK_INLINE static VK_MEMBER

VK_INLINE vec load(const float *p) { return *(const vec_unaligned *)p; }
VK_INLINE void store(float *p, vec v) { *(vec_unaligned *)p = v; }
VK_INLINE vec splat(float x) { return x - (vec){}; }
VK_INLINE vec select(ivec mask, vec a, vec b) { return (vec)((mask & (ivec)a) | (~mask & (ivec)b)); }
VK_INLINE vec vmax(vec a, vec b) { return __builtin_elementwise_max(a, b); }
VK_INLINE vec vmin(vec a, vec b) { return __builtin_elementwise_min(a, b); }
VK_INLINE vec vabs(vec a) { return __builtin_elementwise_abs(a); }
VK_INLINE vec vsqrt(vec a) { return __builtin_elementwise_sqrt(a); }

/// a·b + c, fused if the level has the instruction.
VK_INLINE vec fma(vec a, vec b, vec c) {
#if VK_FUSED
  return __builtin_elementwise_fma(a, b, c);
#else
  return a * b + c;
#endif
}

/// Adds the lanes in a fixed order, by pairwise halving.
VK_INLINE float sum_lanes(vec v) {
  float lanes[width];
  __builtin_memcpy(lanes, &v, sizeof v);
  for (int half = width / 2; half > 0; half /= 2)
    for (int i = 0; i < half; i++) lanes[i] += lanes[i + half];
  return lanes[0];
}

VK_INLINE float max_lanes(vec v) {
  float lanes[width];
  __builtin_memcpy(lanes, &v, sizeof v);
  float largest = lanes[0];
  for (int i = 1; i < width; i++) largest = lanes[i] > largest ? lanes[i] : largest;
  return largest;
}

/// e^x; 0 below −87.33 (no denormals), infinity above 88.72, NaN for NaN.
VK_INLINE vec vexp(vec x) {
  const vec low = splat(-87.33654f), high = splat(88.72283f);
  vec clamped = vmin(vmax(x, low), high);
  vec shifted = fma(clamped, splat(1.44269504088896341f), splat(12582912.f));
  vec k = shifted - splat(12582912.f);
  vec r = fma(k, splat(-0.693359375f), clamped);
  r = fma(k, splat(2.12194440e-4f), r);
  vec p = splat(1.9875691500e-4f);
  p = fma(p, r, splat(1.3981999507e-3f));
  p = fma(p, r, splat(8.3334519073e-3f));
  p = fma(p, r, splat(4.1665795894e-2f));
  p = fma(p, r, splat(1.6666665459e-1f));
  p = fma(p, r, splat(5.0000001201e-1f));
  p = fma(p, r * r, r + splat(1.f));
  // 2^k in two factors: k reaches 128, one more than a single exponent field holds.
  ivec whole = __builtin_convertvector(k, ivec);
  ivec first = whole >> 1, second = whole - first;
  vec result = p * (vec)((first + 127) << 23) * (vec)((second + 127) << 23);
  result = select(x < low, splat(0.f), result);
  result = select(x > high, splat(__builtin_inff()), result);
  return select(x != x, x, result);
}

/// Natural logarithm; −infinity at 0, NaN for negative numbers, infinity at infinity. Positive denormals count as 0.
VK_INLINE vec vlog(vec x) {
  ivec bits = (ivec)x;
  ivec exponent = ((bits >> 23) & 0xff) - 126;
  vec mantissa = (vec)((bits & 0x007fffff) | 0x3f000000);  // in [0.5, 1)
  ivec small = mantissa < splat(0.707106781186547524f);
  exponent += small;  // a true lane is −1
  vec t = select(small, mantissa + mantissa, mantissa) - splat(1.f);
  vec e = __builtin_convertvector(exponent, vec), z = t * t;
  vec p = splat(7.0376836292e-2f);
  p = fma(p, t, splat(-1.1514610310e-1f));
  p = fma(p, t, splat(1.1676998740e-1f));
  p = fma(p, t, splat(-1.2420140846e-1f));
  p = fma(p, t, splat(1.4249322787e-1f));
  p = fma(p, t, splat(-1.6668057665e-1f));
  p = fma(p, t, splat(2.0000714765e-1f));
  p = fma(p, t, splat(-2.4999993993e-1f));
  p = fma(p, t, splat(3.3333331174e-1f));
  vec result = fma(p, t * z, fma(e, splat(-2.12194440e-4f), splat(-0.5f) * z)) + t + e * splat(0.693359375f);
  result = select(x < splat(1.17549435e-38f), splat(-__builtin_inff()), result);
  result = select(x == splat(__builtin_inff()), x, result);
  result = select(x < splat(0.f), splat(__builtin_nanf("")), result);
  return select(x != x, x, result);
}

/// log(1 + e) for e in [0, 1], accurate relative to e: log(1+e)·e/((1+e)−1), with the limit e where 1+e rounds to 1.
VK_INLINE vec vlog1p(vec e) {
  vec u = splat(1.f) + e, d = u - splat(1.f);
  return select(d == splat(0.f), e, vlog(u) * (e / d));
}

}  // namespace VK_LEVEL
