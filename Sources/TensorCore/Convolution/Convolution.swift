import Diagnostics

/// A square convolution between a high-resolution and a low-resolution side.
///
/// A convolution maps high to low, a transposed convolution low to high; each is the other's input gradient, so both
/// share one weight layout, `W[ky·K + kx, high channel, low channel]`, and the three products below serve both.
public struct ConvolutionGeometry: Sendable, Hashable {
  /// Side K of the kernel.
  public var kernel: Int
  /// Pixels on the high side between adjacent pixels on the low side.
  public var stride: Int
  /// Zeros around the high side.
  public var padding: Int
  /// Height, width and channels of the high-resolution side.
  public var high: ImageShape
  /// Channels of the low-resolution side.
  public var lowChannels: Int

  /// Makes a geometry.
  ///
  /// - Precondition: kernel and stride are positive, padding is not negative, and the kernel fits the padded image.
  public init(kernel: Int, stride: Int, padding: Int, high: ImageShape, lowChannels: Int) {
    requireFit(
      kernel > 0 && stride > 0 && padding >= 0 && lowChannels > 0, "ConvolutionGeometry",
      "kernel \(kernel), stride \(stride), padding \(padding) and \(lowChannels) channels are no convolution")
    requireFit(
      high.height + 2 * padding >= kernel && high.width + 2 * padding >= kernel, "ConvolutionGeometry",
      "the kernel \(kernel) is larger than the image \(high) with padding \(padding)")
    (self.kernel, self.stride, self.padding, self.high, self.lowChannels) = (kernel, stride, padding, high, lowChannels)
  }

  /// Height, width and channels of the low-resolution side.
  public var low: ImageShape {
    ImageShape(
      height: (high.height + 2 * padding - kernel) / stride + 1,
      width: (high.width + 2 * padding - kernel) / stride + 1,
      channels: lowChannels)
  }

  /// `[K·K·high channels, low channels]`.
  public var weightShape: Shape { [saturatingProduct(kernel, kernel, high.channels), lowChannels] }
}

/// A convolution with what follows it.
public struct ConvolutionLayer: Sendable, Hashable {
  /// Kernel, stride, padding and the sides' extents.
  public var geometry: ConvolutionGeometry
  /// Whether it maps low to high.
  public var transposed: Bool
  /// What follows the bias.
  public var activation: Activation

  /// Groups them.
  public init(_ geometry: ConvolutionGeometry, transposed: Bool, activation: Activation) {
    (self.geometry, self.transposed, self.activation) = (geometry, transposed, activation)
  }

  /// A layer for the image that goes in.
  ///
  /// Its output has (extent + 2·padding − kernel)/stride + 1 pixels a side, rounded down; where transposed,
  /// (extent − 1)·stride + kernel − 2·padding.
  ///
  /// - Parameters:
  ///   - input: the image that goes in.
  ///   - channels: channels of the image that comes out.
  ///   - kernel: side of the kernel.
  ///   - stride: the stride.
  ///   - padding: zeros around the high-resolution side.
  ///   - transposed: whether it is a transposed convolution.
  ///   - activation: what follows the bias.
  /// - Precondition: as of ``ConvolutionGeometry``; something comes out.
  public init(
    from input: ImageShape, channels: Int, kernel: Int, stride: Int = 1, padding: Int = 0, transposed: Bool = false,
    activation: Activation = .identity
  ) {
    func grown(_ extent: Int) -> Int { (extent - 1) * stride + kernel - 2 * padding }
    let high =
      transposed
      ? ImageShape(height: grown(input.height), width: grown(input.width), channels: channels) : input
    self.init(
      ConvolutionGeometry(
        kernel: kernel, stride: stride, padding: padding, high: high,
        lowChannels: transposed ? input.channels : channels),
      transposed: transposed, activation: activation)
  }

  /// What goes in.
  public var input: ImageShape { transposed ? geometry.low : geometry.high }
  /// What comes out.
  public var output: ImageShape { transposed ? geometry.high : geometry.low }
  /// Values in the weights, K·K·C_high·C_low.
  public var weightCount: Int { geometry.weightShape.count }
}

extension Tensor {
  /// activation(x ∗ W + b), or activation(x ∗ᵀ W + b), for images x, `[B, height, width, channels]`.
  package func convolved(_ layer: ConvolutionLayer, weights: Tensor, bias: Tensor) -> Tensor {
    requireRank(4, "convolved", "images [B, height, width, channels]")
    requireFit(
      shape == layer.input.batch(shape[0]), "convolved", "\(shape) is not a batch of images of \(layer.input)")
    requireFit(
      weights.shape == layer.geometry.weightShape && bias.count == layer.output.channels, "convolved",
      "weights \(weights.shape) and bias \(bias.shape) do not fit, expected \(layer.geometry.weightShape) and "
        + "[\(layer.output.channels)]")
    let result = Tensor(uninitialized: layer.output.batch(shape[0]), on: device)
    Scalar.convolve(
      layer, batch: shape[0], pointer, weights.pointer, bias.pointer, result.pointer, on: device)
    return result
  }

  /// The pullback of ``convolved(_:weights:bias:)``; self is its value.
  ///
  /// - Parameters:
  ///   - layer: the layer.
  ///   - input: what went in.
  ///   - weights: W.
  ///   - gradient: the gradient at the value.
  ///   - weightGradient: the gradient at W is added to it.
  ///   - biasGradient: the gradient at b is added to it.
  ///   - inputGradient: receives the gradient at the input; nil if it is not needed.
  package func convolutionGradients(
    _ layer: ConvolutionLayer, input: Tensor, weights: Tensor, gradient: Tensor, weightGradient: Tensor,
    biasGradient: Tensor, inputGradient: Tensor?
  ) {
    requireFit(
      gradient.count == count && weightGradient.count == weights.count && biasGradient.count == layer.output.channels
        && inputGradient.map { $0.count == input.count } ?? true, "convolutionGradients",
      "gradients \(gradient.shape), \(weightGradient.shape), \(biasGradient.shape) do not fit output \(shape) and weights "
        + "\(weights.shape)")
    Scalar.convolutionGradients(
      layer, batch: shape[0], input.pointer, weights.pointer, output: pointer, outputGradient: gradient.pointer,
      weightGradient: weightGradient.pointer, biasGradient: biasGradient.pointer,
      inputGradient: inputGradient?.pointer, on: device)
  }
}

// In double precision by definition, one product after the other: the kernels for `Float` are held to it.
// The requirements are documented where they are declared.
// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
extension Double {
  public static func convolve(
    _ layer: ConvolutionLayer, batch: Int, _ input: UnsafePointer<Double>, _ weights: UnsafePointer<Double>,
    _ bias: UnsafePointer<Double>, _ output: UnsafeMutablePointer<Double>, on device: Device
  ) {
    let shape = layer.output, channels = layer.geometry.lowChannels
    device.forEachRange(batch) { _, images in
      for image in images {
        let x = input + image * layer.input.count, y = output + image * shape.count
        y.update(repeating: 0, count: shape.count)
        forEachTap(layer.geometry) { high, row, low in
          for n in 0..<channels {
            if layer.transposed {
              y[high] += x[low + n] * weights[row + n]
            } else {
              y[low + n] += x[high] * weights[row + n]
            }
          }
        }
        activate(device.level, layer.activation, shape.height * shape.width, shape.channels, bias, y)
      }
    }
  }

  public static func convolutionGradients(
    _ layer: ConvolutionLayer, batch: Int, _ input: UnsafePointer<Double>, _ weights: UnsafePointer<Double>,
    output: UnsafePointer<Double>, outputGradient: UnsafePointer<Double>, weightGradient: UnsafeMutablePointer<Double>,
    biasGradient: UnsafeMutablePointer<Double>, inputGradient: UnsafeMutablePointer<Double>?, on device: Device
  ) {
    let shape = layer.output, channels = layer.geometry.lowChannels
    let inner = Storage<Double>(count: shape.count, on: device), g = inner.pointer
    for image in 0..<batch {
      activationGradient(
        device.level, layer.activation, shape.count, output + image * shape.count,
        outputGradient + image * shape.count, g)
      for i in 0..<shape.count { biasGradient[i % shape.channels] += g[i] }
      let x = input + image * layer.input.count, gx = inputGradient.map { $0 + image * layer.input.count }
      gx?.update(repeating: 0, count: layer.input.count)
      forEachTap(layer.geometry) { high, row, low in
        for n in 0..<channels {
          let (from, to) = layer.transposed ? (low + n, high) : (high, low + n)
          weightGradient[row + n] += x[from] * g[to]
          gx?[from] += weights[row + n] * g[to]
        }
      }
    }
  }

  /// Visits every value of the high side together with every low pixel that it meets, and the row of W between them.
  private static func forEachTap(
    _ g: ConvolutionGeometry, _ body: (_ high: Int, _ weightRow: Int, _ lowPixel: Int) -> Void
  ) {
    for ly in 0..<g.low.height {
      for lx in 0..<g.low.width {
        for ky in 0..<g.kernel {
          let y = ly * g.stride - g.padding + ky
          guard y >= 0, y < g.high.height else { continue }
          for kx in 0..<g.kernel {
            let x = lx * g.stride - g.padding + kx
            guard x >= 0, x < g.high.width else { continue }
            for c in 0..<g.high.channels {
              body(
                (y * g.high.width + x) * g.high.channels + c,
                ((ky * g.kernel + kx) * g.high.channels + c) * g.lowChannels, (ly * g.low.width + lx) * g.lowChannels)
            }
          }
        }
      }
    }
  }
}
