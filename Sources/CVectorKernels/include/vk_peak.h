#ifndef VK_PEAK_H
#define VK_PEAK_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Floating-point operations in one round of `vk_multiply_add_chains`; a multiply-add counts two.
int vk_operations_per_round(int level);

/// Rounds of independent multiply-adds in registers, nothing else: what the processor can do at best. Returns a value
/// that depends on all of them.
float vk_multiply_add_chains(int level, size_t rounds, float factor);

#ifdef __cplusplus
}
#endif
#endif
