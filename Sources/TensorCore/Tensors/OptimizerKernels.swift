import CVectorKernels
import Foundation

extension Tensor where Scalar == Float {
  /// One step of Adam in place (Kingma & Ba 2015, Algorithm 1); self holds the parameters, `first` and `second` the
  /// moments, `step` counts from 1.
  package func adam(
    gradient: Tensor, first: Tensor, second: Tensor, rate: Double, beta1: Double, beta2: Double, epsilon: Double,
    step: Int
  ) {
    requireFit(
      gradient.count == count && first.count == count && second.count == count, "adam",
      "gradient \(gradient.shape) and moments \(first.shape), \(second.shape) do not fit parameters \(shape)")
    // In double precision, rounded once: as the difference of two floats, 1 − β₂ would be wrong in the fifth digit.
    let coefficients = vk_adam_coefficients(
      beta1: Float(beta1), rest1: Float(1 - beta1), beta2: Float(beta2), rest2: Float(1 - beta2),
      rate: Float(rate / (1 - pow(beta1, Double(step)))),
      scale: Float(1 / (1 - pow(beta2, Double(step))).squareRoot()), epsilon: Float(epsilon))
    let (p, g, m, v) = (pointer, gradient.pointer, first.pointer, second.pointer)
    device.forEachRange(count, grain: 4_096) { _, range in
      let i = range.lowerBound
      withUnsafePointer(to: coefficients) {
        vk_adam_f32(device.level.code, range.count, p + i, g + i, m + i, v + i, $0)
      }
    }
  }

  /// One step of gradient descent with momentum, in place: v ← momentum·v + g, p ← p − rate·v; self holds the
  /// velocities v.
  package func descend(_ parameters: Tensor, gradient: Tensor, rate: Double, momentum: Double) {
    requireFit(
      gradient.count == count && parameters.count == count, "descend",
      "gradient \(gradient.shape) and velocities \(shape) do not fit parameters \(parameters.shape)")
    let (v, p) = (pointer, parameters.pointer)
    Float.affine(device.level, count, Float(momentum), 0, v, v)
    add(gradient)
    let scaled = affine(scale: -Float(rate), shift: 0)
    Float.apply(.add, device.level, count, p, 1, scaled.pointer, 1, p)
  }
}
