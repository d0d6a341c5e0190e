import TensorCore

/// A convolution stack straight from its definition, in double precision: what the fused path is compared with.
struct FusedReference {
  let layers: [ConvolutionLayer]
  let weights: [[Double]]
  let biases: [[Double]]
  private(set) var weightGradients: [[Double]]
  private(set) var biasGradients: [[Double]]

  init(layers: [ConvolutionLayer], weights: [[Float]], biases: [[Float]]) {
    self.layers = layers
    self.weights = weights.map { $0.map(Double.init) }
    self.biases = biases.map { $0.map(Double.init) }
    weightGradients = self.weights.map { $0.map { _ in 0 } }
    biasGradients = self.biases.map { $0.map { _ in 0 } }
  }

  /// All activations of one image: the input, then each layer's output.
  func activations(_ input: [Float]) -> [[Double]] {
    var result = [input.map(Double.init)]
    for (i, layer) in layers.enumerated() {
      let from = result[i]
      let pixels = layer.output.height * layer.output.width
      var to = (0..<pixels).flatMap { _ in biases[i] }
      let (high, low) = layer.channels
      weights[i].withUnsafeBufferPointer { w in
        from.withUnsafeBufferPointer { from in
          to.withUnsafeMutableBufferPointer { to in
            layer.forEachConnection { h, l, tap in
              for c in 0..<high {
                if layer.transposed {
                  var sum = 0.0
                  for n in 0..<low { sum += from[l + n] * w[tap + c * low + n] }
                  to[h + c] += sum
                } else {
                  let value = from[h + c]
                  for n in 0..<low { to[l + n] += value * w[tap + c * low + n] }
                }
              }
            }
          }
        }
      }
      result.append(layer.activation == .relu ? to.map { max($0, 0) } : to)
    }
    return result
  }

  /// Adds one image's parameter gradients and returns its input gradient.
  mutating func backward(_ activations: [[Double]], outputGradient: [Double]) -> [Double] {
    var gradient = outputGradient
    for (i, layer) in layers.enumerated().reversed() {
      if layer.activation == .relu {
        gradient = zip(gradient, activations[i + 1]).map { $1 > 0 ? $0 : 0 }
      }
      for (j, g) in gradient.enumerated() { biasGradients[i][j % layer.output.channels] += g }
      var inputGradient = [Double](repeating: 0, count: layer.input.count)
      let (high, low) = layer.channels
      weightGradients[i].withUnsafeMutableBufferPointer { dw in
        weights[i].withUnsafeBufferPointer { w in
          gradient.withUnsafeBufferPointer { g in
            activations[i].withUnsafeBufferPointer { a in
              inputGradient.withUnsafeMutableBufferPointer { d in
                layer.forEachConnection { h, l, tap in
                  for c in 0..<high {
                    let row = tap + c * low
                    if layer.transposed {
                      for n in 0..<low {
                        dw[row + n] += g[h + c] * a[l + n]
                        d[l + n] += g[h + c] * w[row + n]
                      }
                    } else {
                      let value = a[h + c]
                      var sum = 0.0
                      for n in 0..<low {
                        dw[row + n] += value * g[l + n]
                        sum += g[l + n] * w[row + n]
                      }
                      d[h + c] += sum
                    }
                  }
                }
              }
            }
          }
        }
      }
      gradient = inputGradient
    }
    return gradient
  }
}

extension ConvolutionLayer {
  /// Channels on the side of high resolution and on that of low resolution.
  fileprivate var channels: (high: Int, low: Int) {
    (geometry.high.channels, geometry.low.channels)
  }

  /// Calls `body` for each pair of pixels that a kernel tap connects, with the offsets of the high pixel's channels, of
  /// the low pixel's channels and of the tap's matrix `[C_high][C_low]`.
  fileprivate func forEachConnection(_ body: (_ high: Int, _ low: Int, _ tap: Int) -> Void) {
    let low = geometry.low, high = geometry.high, kernel = geometry.kernel
    for y in 0..<low.height {
      for x in 0..<low.width {
        for ky in 0..<kernel {
          for kx in 0..<kernel {
            let hy = geometry.stride * y + ky - geometry.padding, hx = geometry.stride * x + kx - geometry.padding
            guard hy >= 0, hy < high.height, hx >= 0, hx < high.width else { continue }
            body(
              (hy * high.width + hx) * channels.high, (y * low.width + x) * channels.low,
              (ky * kernel + kx) * channels.high * channels.low)
          }
        }
      }
    }
  }
}
