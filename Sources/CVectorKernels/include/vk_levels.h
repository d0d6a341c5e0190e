#ifndef VK_LEVELS_H
#define VK_LEVELS_H

#ifdef __cplusplus
extern "C" {
#endif

/// Instruction levels, from the one that every processor supports to the widest. The first is SSE2 on x86-64 and NEON
/// on 64-bit ARM, where it is the only one.
enum { VK_PLAIN = 0, VK_AVX2 = 1, VK_AVX512 = 2 };

/// The widest level that this processor and operating system support.
int vk_best_level(void);

#ifdef __cplusplus
}
#endif
#endif
