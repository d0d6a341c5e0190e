// A vector of doubles, of the size of vector.hpp's vector of floats, and the functions on it that kernels share. No include
// guard, as there.
#include "vector.hpp"

namespace VK_LEVEL {

constexpr int double_width = width / 2;
typedef double dvec __attribute__((vector_size(8 * double_width)));
typedef double dvec_unaligned __attribute__((vector_size(8 * double_width), aligned(8)));
typedef __INT64_TYPE__ lvec __attribute__((vector_size(8 * double_width)));
typedef __UINT64_TYPE__ ulvec __attribute__((vector_size(8 * double_width)));

VK_INLINE dvec load_doubles(const double *p) { return *(const dvec_unaligned *)p; }
VK_INLINE void store_doubles(double *p, dvec v) { *(dvec_unaligned *)p = v; }
VK_INLINE dvec splat_double(double x) { return x - (dvec){}; }
VK_INLINE dvec only(lvec mask, dvec x) { return (dvec)(mask & (lvec)x); }

/// 0, 1, 2, …
VK_INLINE dvec lane_numbers() {
  dvec result;
  for (int i = 0; i < double_width; i++) result[i] = i;
  return result;
}

/// e^x with a relative error below 4e-16, the same bits at every level: 2^k·e^r with |r| ≤ ½ log 2, and Taylor's
/// polynomial of degree 13 for e^r. Below −708 it is e^−708, above 709 e^709; NaN for NaN.
VK_INLINE dvec dexp(dvec x) {
#pragma clang fp contract(off)
  const dvec low = splat_double(-708), high = splat_double(709), magic = splat_double(0x1.8p52);
  const dvec above = x < low ? low : x, clamped = above > high ? high : above;
  const dvec shifted = clamped * splat_double(1.4426950408889634) + magic, k = shifted - magic;
  // log 2 in two parts, the first so short that its product with k is exact.
  const dvec r = (clamped - k * splat_double(6.93147180369123816490e-01)) - k * splat_double(1.90821492927058770002e-10);
  constexpr double factors[] = {13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1};
  dvec p = splat_double(1);
#pragma unroll
  for (double n : factors) p = p * (r * splat_double(1 / n)) + splat_double(1);
  // The low bits of `shifted` are k.
  const dvec result = (dvec)((ulvec)p + ((ulvec)shifted << 52));
  return x != x ? x : result;
}

}  // namespace VK_LEVEL
