#ifndef VK_ELEMENTWISE_H
#define VK_ELEMENTWISE_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/// y[i] = f(x[i]).
typedef enum {
  VK_NEGATE, VK_EXP, VK_LOG, VK_SQRT, VK_SQUARE, VK_ABS, VK_RELU, VK_TANH, VK_SIGMOID, VK_SOFTPLUS, VK_SIGN,
  VK_RECIPROCAL
} vk_unary_op;

/// y[i] = f(a[i·sa], b[i·sb]) with strides sa and sb of 0 (one value for all) or 1.
/// VK_GATE keeps a where b > 0 and is 0 elsewhere (the pullback of ReLU).
typedef enum { VK_ADD, VK_SUBTRACT, VK_MULTIPLY, VK_DIVIDE, VK_MAXIMUM, VK_GATE } vk_binary_op;

void vk_unary_f32(int level, vk_unary_op op, size_t n, const float *x, float *y);
void vk_unary_f64(int level, vk_unary_op op, size_t n, const double *x, double *y);
void vk_binary_f32(int level, vk_binary_op op, size_t n, const float *a, int sa, const float *b, int sb, float *y);
void vk_binary_f64(int level, vk_binary_op op, size_t n, const double *a, int sa, const double *b, int sb, double *y);

/// y[i] = scale·x[i] + shift.
void vk_affine_f32(int level, size_t n, float scale, float shift, const float *x, float *y);
void vk_affine_f64(int level, size_t n, double scale, double shift, const double *x, double *y);

/// The sum of n values; float values are added in double. The order is fixed for a level.
double vk_sum_f32(int level, size_t n, const float *x);
double vk_sum_f64(int level, size_t n, const double *x);

/// log Σ exp(x[i]) over n values, with the maximum taken out; −infinity for n = 0 or all −infinity.
double vk_log_sum_exp_f32(int level, size_t n, const float *x);
double vk_log_sum_exp_f64(int level, size_t n, const double *x);

/// One step of Adam (Kingma & Ba 2015, Algorithm 1) on n parameters:
///     m ← β₁m + (1−β₁)g,  v ← β₂v + (1−β₂)g²,  p ← p − rate·m / (√v·scale + ε)
/// with rate = α/(1−β₁ᵗ) and scale = 1/√(1−β₂ᵗ), both computed by the caller.
void vk_adam_f32(int level, size_t n, float *p, const float *g, float *m, float *v, float rate, float beta1, float beta2,
                 float scale, float epsilon);

#ifdef __cplusplus
}
#endif
#endif
