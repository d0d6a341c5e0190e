import CVectorKernels
import Foundation

/// What one step of Adam multiplies by (Kingma & Ba 2015, Algorithm 1).
package struct AdamStep {
  fileprivate let coefficients: vk_adam_coefficients

  /// The step of a number, counted from 1.
  package init(rate: Double, beta1: Double, beta2: Double, epsilon: Double, step: Int) {
    // In double precision, rounded once: as the difference of two floats, 1 − β₂ would be wrong in the fifth digit.
    coefficients = vk_adam_coefficients(
      beta1: Float(beta1), rest1: Float(1 - beta1), beta2: Float(beta2), rest2: Float(1 - beta2),
      rate: Float(rate / (1 - pow(beta1, Double(step)))),
      scale: Float(1 / (1 - pow(beta2, Double(step))).squareRoot()), epsilon: Float(epsilon))
  }
}

extension Tensor where Scalar == Float {
  /// One step of Adam in place; self holds the parameters, `first` and `second` the moments.
  package func adam(gradient: Tensor, first: Tensor, second: Tensor, _ step: AdamStep) {
    requireFit(
      gradient.count == count && first.count == count && second.count == count, "adam",
      "gradient \(gradient.shape) and moments \(first.shape), \(second.shape) do not fit parameters \(shape)")
    let (p, g, m, v) = (pointer, gradient.pointer, first.pointer, second.pointer)
    device.forEachRange(count, grain: 4_096) { _, range in
      let i = range.lowerBound
      withUnsafePointer(to: step.coefficients) {
        vk_adam_f32(device.level.code, range.count, p + i, g + i, m + i, v + i, $0)
      }
    }
  }

  /// The most rows of the factors of a gradient that ``adam(gradientOf:_:first:second:_:)`` takes.
  package static var mostFusedRows: Int { Int(VK_PRODUCT_DEPTH) }

  /// One step of Adam in place with the gradient aᵀ·b, which is never written to memory; to the bit what the product and the
  /// step one after the other give.
  ///
  /// - Parameters:
  ///   - a: `[B, M]` with at most ``mostFusedRows`` rows; self is `[M, N]`.
  ///   - b: `[B, N]`.
  package func adam(gradientOf a: Tensor, _ b: Tensor, first: Tensor, second: Tensor, _ step: AdamStep) {
    requireFit(
      shape.rank == 2 && a.shape.rank == 2 && b.shape.rank == 2 && a.shape[0] == b.shape[0]
        && a.shape[0] <= Self.mostFusedRows && shape == [a.shape[1], b.shape[1]] && first.count == count
        && second.count == count, "adam",
      "\(a.shape)ᵀ times \(b.shape) and moments \(first.shape), \(second.shape) do not fit parameters \(shape)")
    let (pa, pb, p, m, v) = (a.pointer, b.pointer, pointer, first.pointer, second.pointer)
    let (rows, columns, depth) = (shape[0], shape[1], a.shape[0])
    device.forEachBlock(of: rows, columns, inner: depth, transposeA: true) { i, j in
      var shape = vk_product(
        m: i.count, n: j.count, k: depth, a_row: 1, a_step: rows, b_row: columns, b_step: 1, c_row: columns, c_step: 1,
        accumulate: 0)
      let at = i.lowerBound * columns + j.lowerBound
      withUnsafePointer(to: step.coefficients) {
        vk_product_adam_f32(
          device.level.code, &shape, pa + i.lowerBound, pb + j.lowerBound, p + at, m + at, v + at, $0)
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
