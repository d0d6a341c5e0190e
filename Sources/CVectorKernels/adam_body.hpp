// One step of Adam on values in registers, shared by the kernels that make it; included after vector.hpp, hence no include
// guard.

namespace VK_LEVEL {

/// A step on a vector of parameters at p, with moments at m and v, from its gradient.
VK_INLINE void adam_step(float *p, vec g, float *m, float *v, const vk_adam_coefficients &c) {
  vec mi = splat(c.beta1) * load(m) + splat(c.rest1) * g;
  vec vi = splat(c.beta2) * load(v) + splat(c.rest2) * g * g;
  store(m, mi);
  store(v, vi);
  store(p, load(p) - splat(c.rate) * mi / (vsqrt(vi) * splat(c.scale) + splat(c.epsilon)));
}

/// The same on one parameter.
VK_INLINE void adam_step(float *p, float g, float *m, float *v, const vk_adam_coefficients &c) {
  *m = c.beta1 * *m + c.rest1 * g;
  *v = c.beta2 * *v + c.rest2 * g * g;
  *p -= c.rate * *m / (__builtin_sqrtf(*v) * c.scale + c.epsilon);
}

}  // namespace VK_LEVEL
