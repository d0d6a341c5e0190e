// What the checks of the vector kernels share: inputs from a fixed generator, arrays between guard zones, expected
// values with the scale that their errors are relative to, and the report of each kernel.
//
// An error is |got − expected| / scale. For a single operation the scale is |expected|; for a sum it is the sum of its
// terms' absolute values, because that is what rounding errors are proportional to.
#ifndef CHECKS_HPP
#define CHECKS_HPP

#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <string>
#include <vector>

#include "CVectorKernels.h"

/// The largest relative error of one rounding.
template <class T> constexpr double unit = sizeof(T) == 4 ? 0x1p-24 : 0x1p-53;

/// The tolerance of a sum of `terms` rounded terms, relative to the sum of their absolute values. In the worst case
/// rounding errors add up to `terms` units, but with random signs to their root. The inputs are fixed, so that a check
/// that passes once passes always; a lost or doubled term is an error of about 1/terms, far above the tolerance.
template <class T> double sum_tolerance(size_t terms) { return 4 * sqrt(double(terms) + 1) * unit<T>; }

/// Numbers in a fixed order (splitmix64, Steele et al. 2014).
class Random {
 public:
  explicit Random(uint64_t seed) : state(seed) {}

  double uniform(double low, double high) { return low + (high - low) * double(next() >> 11) * 0x1p-53; }
  size_t below(size_t end) { return next() % end; }

 private:
  uint64_t state;

  uint64_t next() {
    uint64_t z = (state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
};

/// An array between two guard zones, all filled with a NaN whose pattern no other array has. A kernel that writes
/// outside changes the pattern, even by a copy of what it reads outside of another array; a value that it does not
/// write stays NaN, and a value that it reads outside spoils its result.
template <class T> class Zone {
 public:
  /// The array starts `shift` elements after an address that is a multiple of 64 bytes.
  explicit Zone(size_t count, size_t shift = 1) : count(count), storage(count + 2 * guard + 64 / sizeof(T)) {
    const size_t bytes = 64 - (size_t)storage.data() % 64;
    start = bytes / sizeof(T) + guard + shift;
    static uint64_t zones = 0;
    const uint64_t bits = (sizeof(T) == 4 ? 0x7fc00000 : 0x7ff8000000000000) + (++zones & 0x3fffff);
    memcpy(&pattern, &bits, sizeof pattern);
    for (T &x : storage) x = pattern;
  }
  Zone(size_t count, Random &random, double low, double high, size_t shift = 1) : Zone(count, shift) {
    for (size_t i = 0; i < count; i++) (*this)[i] = T(random.uniform(low, high));
  }

  const size_t count;

  T *data() { return storage.data() + start; }
  const T *data() const { return storage.data() + start; }
  operator T *() { return data(); }
  operator const T *() const { return data(); }

  bool untouched(ptrdiff_t i) const { return memcmp(data() + i, &pattern, sizeof pattern) == 0; }
  /// The first element outside the array that was written to; 0 if there is none.
  ptrdiff_t damage() const {
    for (ptrdiff_t i = -(ptrdiff_t)start; i < (ptrdiff_t)(storage.size() - start); i++)
      if ((i < 0 || i >= (ptrdiff_t)count) && !untouched(i)) return i;
    return 0;
  }

 private:
  static constexpr size_t guard = 256;
  std::vector<T> storage;
  size_t start;
  T pattern;
};

/// What an array should hold. Elements that were not set must be untouched.
class Expected {
 public:
  explicit Expected(size_t count) : value(count), scale(count), state(count, unset) {}

  void set(size_t i, double x, double magnitude) {
    value[i] = x;
    scale[i] = magnitude;
    state[i] = wanted;
  }
  void set(size_t i, double x) { set(i, x, fabs(x)); }
  /// One more term of a sum.
  void add(size_t i, double term) { set(i, value[i] + term, scale[i] + fabs(term)); }
  /// The element may have any value.
  void leave(size_t i) { state[i] = any; }
  /// What follows the sum in convolutions.
  void finish(size_t i, bool relu, const float *gate) {
    if (relu && value[i] < 0) value[i] = 0;
    if (gate && !(*gate > 0)) value[i] = 0;
  }

  enum State : char { unset, wanted, any };
  std::vector<double> value, scale;
  std::vector<State> state;
};

inline const char *level_name(int level) {
  const char *names[] = {"plain", "avx2", "avx512"};
  return names[level];
}

/// Floats in a vector of the level.
inline size_t level_width(int level) { return (size_t)4 << level; }

/// Lengths around those of vectors and tiles.
inline std::vector<size_t> lengths(int level) {
  const size_t width = level_width(level);
  return {0, 1, width - 1, width, width + 1, 2 * width + 1, 4 * width - 1, 37, 257};
}

/// The checks of one kernel at one level; prints a line at the end.
class Check {
 public:
  inline static size_t total = 0, failures = 0, kernels = 0;

  Check(std::string kernel, int level) : kernel(std::move(kernel)), level(level) {}
  Check(const Check &) = delete;
  ~Check() {
    printf("%-40s %-6s %7zu checks   largest relative error %.1e%s\n", kernel.c_str(), level_name(level), count,
           largest, failed ? "   FAILED" : "");
    total += count;
    failures += failed;
    kernels++;
  }

  /// Names the size for messages.
  __attribute__((format(printf, 2, 3))) void size(const char *format, ...) {
    char text[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    description = text;
  }

  /// NaN is expected where `expected` is NaN, and an infinity exactly.
  void value(ptrdiff_t index, double got, double expected, double scale, double tolerance) {
    count++;
    if (isnan(expected) ? isnan(got) : got == expected) return;
    const double error = fabs(got - expected) / scale;
    if (error > largest && isfinite(expected)) largest = error;
    if (isfinite(expected) && error <= tolerance) return;  // not so if the error is NaN
    fail("index %td: got %.9g, expected %.9g, relative error %.2g, tolerance %.2g", index, got, expected, error,
         tolerance);
  }

  /// Compares an array and looks at its guard zones. Errors below the smallest normal number do not count.
  template <class T> void array(const Zone<T> &got, const Expected &expected, double tolerance, const char *what = "") {
    const double smallest = sizeof(T) == 4 ? FLT_MIN : DBL_MIN;
    const std::string whole = description;
    if (*what) description += std::string(", ") + what;
    for (size_t i = 0; i < got.count; i++) {
      if (expected.state[i] == Expected::wanted) {
        const double rounded = double(T(expected.value[i]));
        value((ptrdiff_t)i, double(got[i]), isinf(rounded) ? rounded : expected.value[i],
              fmax(expected.scale[i], smallest), tolerance);
      } else if (expected.state[i] == Expected::unset) {
        truth(got.untouched((ptrdiff_t)i), (ptrdiff_t)i, "was written, should be untouched");
      }
    }
    const ptrdiff_t damage = got.damage();
    truth(damage == 0, damage, "outside the array was written");
    description = whole;
  }

  void truth(bool holds, ptrdiff_t index, const char *otherwise) {
    count++;
    if (!holds) fail("index %td: %s", index, otherwise);
  }

 private:
  const std::string kernel;
  const int level;
  std::string description;
  size_t count = 0, failed = 0;
  double largest = 0;

  /// Prints the first few failures of a kernel.
  __attribute__((format(printf, 2, 3))) void fail(const char *format, ...) {
    if (failed++ >= 5) return;
    printf("FAILED %s, level %s, %s, ", kernel.c_str(), level_name(level), description.c_str());
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
  }
};

void check_convolutions(int level);
void check_densities(int level);
void check_elementwise(int level);
void check_grid(int level);
void check_matrices(int level);
void check_mixtures(int level);
void check_patches(int level);
void check_processor(int level);
void check_winograd(int level);
void check_tiles(int level);
void check_trees(int level);

#endif
