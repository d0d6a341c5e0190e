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

/// log Σ exp(x[i]) over n values, relative to their maximum; −infinity for n = 0 or if all values are −infinity.
double vk_log_sum_exp_f32(int level, size_t n, const float *x);
double vk_log_sum_exp_f64(int level, size_t n, const double *x);

typedef enum {
  VK_ACTIVATION_IDENTITY, VK_ACTIVATION_RELU, VK_ACTIVATION_TANH, VK_ACTIVATION_LEAKY_RELU
} vk_activation;

/// y[r·n + i] ← activation(y[r·n + i] + bias[i]); bias may be null.
void vk_activate_f32(int level, int activation, float slope, size_t rows, size_t n, const float *bias, float *y);
void vk_activate_f64(int level, int activation, double slope, size_t rows, size_t n, const double *bias, double *y);

/// gx[i] = gy[i]·activation′(x[i]), computed from y[i] = activation(x[i]).
void vk_activation_gradient_f32(int level, int activation, float slope, size_t n, const float *y, const float *gy,
                                float *gx);
void vk_activation_gradient_f64(int level, int activation, double slope, size_t n, const double *y, const double *gy,
                                double *gx);

/// out[i·stride + j] = log N(z[i]; mean[j], exp(log_variance[j])) for i < rows, j < columns: one latent dimension.
void vk_pairwise_gaussian_f32(int level, size_t rows, size_t columns, const float *z, const float *mean,
                              const float *log_variance, float *out, size_t stride);
void vk_pairwise_gaussian_f64(int level, size_t rows, size_t columns, const double *z, const double *mean,
                              const double *log_variance, double *out, size_t stride);

/// The pullback of the above: overwrites gz[rows], gmean[columns] and glog_variance[columns].
void vk_pairwise_gaussian_gradient_f32(int level, size_t rows, size_t columns, const float *z, const float *mean,
                                       const float *log_variance, const float *g, size_t stride, float *gz,
                                       float *gmean, float *glog_variance);
void vk_pairwise_gaussian_gradient_f64(int level, size_t rows, size_t columns, const double *z, const double *mean,
                                       const double *log_variance, const double *g, size_t stride, double *gz,
                                       double *gmean, double *glog_variance);

/// What a step of Adam multiplies by, each computed in double precision and rounded once: 1 − β₂ as the difference of two
/// floats would be wrong in the fifth digit.
typedef struct {
  /// β₁ and 1 − β₁.
  float beta1, rest1;
  /// β₂ and 1 − β₂.
  float beta2, rest2;
  /// α/(1 − β₁ᵗ).
  float rate;
  /// 1/√(1 − β₂ᵗ).
  float scale;
  /// ε.
  float epsilon;
} vk_adam_coefficients;

/// One step of Adam (Kingma & Ba 2015, Algorithm 1) on n parameters:
///     m ← β₁m + (1−β₁)g,  v ← β₂v + (1−β₂)g²,  p ← p − rate·m / (√v·scale + ε)
void vk_adam_f32(int level, size_t n, float *p, const float *g, float *m, float *v,
                 const vk_adam_coefficients *coefficients);

#ifdef __cplusplus
}
#endif
#endif
