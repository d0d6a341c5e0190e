#include "vector.hpp"

namespace VK_LEVEL {

// Enough chains to hide the latency of the instruction (4 cycles, two units; up to four where vectors are narrow), and
// few enough for the registers of every level.
constexpr int chains = many_narrow ? 24 : 12;

static float multiply_add_chains(size_t rounds, float factor) {
  vec sum[chains], f = splat(factor), one = splat(1.f);
  for (int i = 0; i < chains; i++) sum[i] = splat((float)i);
  for (size_t r = 0; r < rounds; r++) {
#pragma clang loop unroll(full)
    for (int i = 0; i < chains; i++) {
      // The instruction of 64-bit ARM overwrites its addend: there, another addend would be copied first.
      sum[i] = many_narrow ? fma(f, f, sum[i]) : fma(sum[i], f, one);
    }
  }
  vec total = {};
  for (int i = 0; i < chains; i++) total += sum[i];
  return sum_lanes(total);
}

static int operations_per_round() { return 2 * chains * width; }

}  // namespace VK_LEVEL
