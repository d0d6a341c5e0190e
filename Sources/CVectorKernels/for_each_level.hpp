// Includes the file named by VK_BODY once per instruction level, each time in its own namespace (plain, avx2, avx512)
// with VK_WIDTH floats in a vector. A kernel is written once, with the vectors of vector.hpp; a table of function
// pointers, indexed by level, selects the copy to run. No include guard: the file is included by every kernel file.

#define VK_LEVEL plain
#define VK_WIDTH 4
#include VK_BODY
#undef VK_LEVEL
#undef VK_WIDTH

#if defined(__x86_64__)

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define VK_LEVEL avx2
#define VK_WIDTH 8
#include VK_BODY
#undef VK_LEVEL
#undef VK_WIDTH
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma"))), apply_to = function)
#define VK_LEVEL avx512
#define VK_WIDTH 16
#include VK_BODY
#undef VK_LEVEL
#undef VK_WIDTH
#pragma clang attribute pop

#define VK_TABLE(f) { plain::f, avx2::f, avx512::f }
#else
#define VK_TABLE(f) { plain::f, plain::f, plain::f }
#endif
