#ifndef VK_THREADS_H
#define VK_THREADS_H

/// Tells the processor that the caller is in a spin loop.
static inline void vk_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

#endif
