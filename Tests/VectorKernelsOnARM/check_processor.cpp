// vk_levels.h, vk_threads.h and vk_peak.h.
#include "checks.hpp"

namespace {

void check_levels(int level) {
  Check check("vk_best_level", level);
  check.truth(vk_best_level() >= VK_PLAIN && vk_best_level() <= VK_AVX512, vk_best_level(), "is no level");
#if defined(__aarch64__)
  check.truth(vk_best_level() == VK_PLAIN, vk_best_level(), "is not the level of this processor");
#endif
}

/// Not computed before the program runs, nor moved to a place with another mode.
double product(double a, double b) {
  volatile double x = a, y = b, z = x * y;
  return z;
}
float product(float a, float b) {
  volatile float x = a, y = b, z = x * y;
  return z;
}

void check_denormals(int level) {
  Check check("vk_set_denormal_mode", level);
  const unsigned long before = vk_denormal_mode(), flushing = vk_flushing_denormals();
  const float denormal = 1e-40f;
  check.truth(before == 0, 0, "the thread did not start with denormal numbers");
#if defined(__x86_64__) || defined(__aarch64__)
  check.truth(flushing != 0, 0, "there is no mode without denormal numbers");
#endif
  check.value(0, product(FLT_MIN, 0.5f), 0x1p-127, 0x1p-127, 0);
  check.value(1, product(denormal, 0x1p60f), double(denormal) * 0x1p60, 1, 0);

  vk_set_denormal_mode(flushing);
  check.truth(vk_denormal_mode() == flushing, 2, "the mode was not set");
  if (flushing != 0) {
    check.value(3, product(FLT_MIN, 0.5f), 0, 1, 0);       // a denormal result
    check.value(4, product(denormal, 0x1p60f), 0, 1, 0);   // a denormal operand
    check.value(5, product(DBL_MIN, 0.5), 0, 1, 0);
    check.value(6, product(FLT_MIN, 2.f), 0x1p-125, 0x1p-125, 0);  // no other number
    // In a kernel as well.
    check.size("a kernel that flushes");
    const size_t n = 2 * level_width(level) + 1;
    Zone<float> x(n), y(n);
    Expected expected(n);
    for (size_t i = 0; i < n; i++) {
      x[i] = FLT_MIN;
      expected.set(i, 0);
    }
    vk_affine_f32(level, n, 0.25f, 0, x, y);
    for (size_t i = 0; i < n; i++) check.truth(y[i] == 0, (ptrdiff_t)i, "is not 0");
    check.array(y, expected, 0);
  }

  check.size("restored");
  vk_set_denormal_mode(before);
  check.truth(vk_denormal_mode() == before, 7, "the mode was not restored");
  check.value(8, product(FLT_MIN, 0.5f), 0x1p-127, 0x1p-127, 0);
  vk_pause();  // does nothing that could be seen
}

void check_peak(int level) {
  Check check("vk_multiply_add_chains", level);
  const int operations = vk_operations_per_round(level), width = (int)level_width(level);
  check.truth(operations > 0 && operations % (2 * width) == 0, operations, "operations are no whole multiply-adds");
  // With a factor of 1, chain c starts at c in each lane, and each round adds 1.
  const double chains = operations / (2 * width);
  for (size_t rounds : {0, 1, 2, 1000}) {
    check.size("rounds = %zu", rounds);
    const double expected = width * (chains * (chains - 1) / 2 + chains * double(rounds));
    check.value(0, vk_multiply_add_chains(level, rounds, 1), expected, expected, 0);  // integers below 2^24 are exact
  }
}

}  // namespace

void check_processor(int level) {
  check_levels(level);
  check_denormals(level);
  check_peak(level);
}
