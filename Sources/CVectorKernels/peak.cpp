#include "include/vk_peak.h"

#define VK_BODY "peak_body.hpp"
#include "for_each_level.hpp"

int vk_operations_per_round(int level) {
  static constexpr decltype(&plain::operations_per_round) table[] = VK_TABLE(operations_per_round);
  return table[level]();
}

float vk_multiply_add_chains(int level, size_t rounds, float factor) {
  static constexpr decltype(&plain::multiply_add_chains) table[] = VK_TABLE(multiply_add_chains);
  return table[level](rounds, factor);
}
