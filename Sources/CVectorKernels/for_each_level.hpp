// Includes the file named by VK_BODY once per instruction level, each time in its own namespace (plain, avx2, avx512)
// with VK_WIDTH floats in a vector, VK_REGISTERS vector registers, and VK_FUSED 1 if there is a fused multiply-add. A
// kernel is written once, with the vectors of vector.hpp; a table of function pointers, indexed by level, selects the
// copy to run. No include guard: the file is included by every kernel file.
//
// The level plain is what every processor of an architecture has: SSE2 on x86-64, NEON on 64-bit ARM, where it is the
// only level. Both have 4 floats in a vector, but NEON has 32 registers and a fused multiply-add.

#define VK_LEVEL plain
#define VK_WIDTH 4
#if defined(__aarch64__)
#define VK_REGISTERS 32
#define VK_FUSED 1
#else
#define VK_REGISTERS 16
#define VK_FUSED 0
#endif
#include VK_BODY
#undef VK_LEVEL
#undef VK_WIDTH
#undef VK_REGISTERS
#undef VK_FUSED

#if defined(__x86_64__)

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define VK_LEVEL avx2
#define VK_WIDTH 8
#define VK_REGISTERS 16
#define VK_FUSED 1
#include VK_BODY
#undef VK_LEVEL
#undef VK_WIDTH
#undef VK_REGISTERS
#undef VK_FUSED
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma"))), apply_to = function)
#define VK_LEVEL avx512
#define VK_WIDTH 16
#define VK_REGISTERS 32
#define VK_FUSED 1
#include VK_BODY
#undef VK_LEVEL
#undef VK_WIDTH
#undef VK_REGISTERS
#undef VK_FUSED
#pragma clang attribute pop

#define VK_TABLE(f) { plain::f, avx2::f, avx512::f }
#else
#define VK_TABLE(f) { plain::f, plain::f, plain::f }
#endif
