#ifndef VK_THREADS_H
#define VK_THREADS_H

#ifdef __cplusplus
extern "C" {
#endif

/// How the calling thread treats denormal numbers, those below the smallest normal one (1.2e-38, 2.2e-308): 0 as IEEE
/// 754 has it.
unsigned long vk_denormal_mode(void);

/// Makes the calling thread treat denormal numbers as a thread did of which `vk_denormal_mode` told.
void vk_set_denormal_mode(unsigned long mode);

/// The mode in which denormal results become zero and denormal operands are zero; 0 where there is none.
unsigned long vk_flushing_denormals(void);

/// Tells the processor that the caller is in a spin loop.
static inline void vk_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

#ifdef __cplusplus
}
#endif
#endif
