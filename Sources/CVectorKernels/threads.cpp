#include "include/vk_threads.h"

#if defined(__x86_64__)
#include <immintrin.h>

// Bits of MXCSR: 15 flushes results (FTZ), 6 treats operands as zero (DAZ).
static constexpr unsigned denormal_bits = 0x8040;

unsigned long vk_denormal_mode(void) { return _mm_getcsr() & denormal_bits; }

void vk_set_denormal_mode(unsigned long mode) {
  unsigned state = _mm_getcsr();
  if ((state & denormal_bits) != mode) _mm_setcsr((state & ~denormal_bits) | (unsigned)(mode & denormal_bits));
}

unsigned long vk_flushing_denormals(void) { return denormal_bits; }

#elif defined(__aarch64__)

// Bit 24 of FPCR, FZ, does both.
static constexpr unsigned long denormal_bits = 1ul << 24;

static unsigned long control(void) {
  unsigned long state;
  __asm__ volatile("mrs %0, fpcr" : "=r"(state));
  return state;
}

unsigned long vk_denormal_mode(void) { return control() & denormal_bits; }

void vk_set_denormal_mode(unsigned long mode) {
  unsigned long state = control();
  if ((state & denormal_bits) == mode) return;
  state = (state & ~denormal_bits) | (mode & denormal_bits);
  __asm__ volatile("msr fpcr, %0" : : "r"(state) : "memory");
}

unsigned long vk_flushing_denormals(void) { return denormal_bits; }

#else

unsigned long vk_denormal_mode(void) { return 0; }
void vk_set_denormal_mode(unsigned long) {}
unsigned long vk_flushing_denormals(void) { return 0; }

#endif
