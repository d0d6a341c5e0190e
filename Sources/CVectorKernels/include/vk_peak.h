#ifndef VK_PEAK_H
#define VK_PEAK_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Floating-point operations in one round of `vk_multiply_add_chains`; a multiply-add counts as two.
int vk_operations_per_round(int level);

/// Runs independent multiply-adds in registers and nothing else, the peak rate of the processor. Returns a value that
/// depends on all of them.
float vk_multiply_add_chains(int level, size_t rounds, float factor);

#ifdef __cplusplus
}
#endif
#endif
