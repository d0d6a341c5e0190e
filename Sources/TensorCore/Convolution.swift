/// A square convolution between a high-resolution and a low-resolution side.
///
/// A convolution maps high to low, a transposed convolution low to high; each is the other's input gradient, so both
/// share one weight layout, `W[ky·K + kx, high channel, low channel]`, and the three products below serve both.
public struct ConvolutionGeometry: Sendable, Hashable {
  /// Side K of the kernel.
  public var kernel: Int
  /// Pixels on the high side between neighbours on the low side.
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
    precondition(kernel > 0 && stride > 0 && padding >= 0 && lowChannels > 0, "not a convolution")
    precondition(
      high.height + 2 * padding >= kernel && high.width + 2 * padding >= kernel, "the kernel is larger than the image")
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
  public var weightShape: Shape { [kernel * kernel * high.channels, lowChannels] }
}

/// The three products of a convolution over a batch, any kernel, stride, padding and channel count.
extension Tensor {
  /// low = patches(high)·W: a convolution, or the input gradient of a transposed one.
  package static func correlate(high: Tensor, weights: Tensor, _ g: ConvolutionGeometry, into low: Tensor) {
    Scalar.correlate(g, batch: high.shape[0], high.pointer, weights.pointer, low.pointer, on: high.device)
  }

  /// high = Σ patches of low·Wᵀ: a transposed convolution, or the input gradient of a convolution.
  package static func spread(low: Tensor, weights: Tensor, _ g: ConvolutionGeometry, into high: Tensor) {
    Scalar.spread(g, batch: low.shape[0], low.pointer, weights.pointer, high.pointer, on: low.device)
  }

  /// W-gradient = Σ_images patches(high)ᵀ·low, written or added to `gradient`; both kinds of convolution.
  package static func weightGradient(
    high: Tensor, low: Tensor, _ g: ConvolutionGeometry, into gradient: Tensor, accumulate: Bool
  ) {
    if !accumulate { gradient.fill(0) }
    Scalar.addWeightGradient(g, batch: low.shape[0], high.pointer, low.pointer, to: gradient.pointer, on: low.device)
  }
}

// The requirements are documented where they are declared.
// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
extension Double {
  public static func correlate(
    _ g: ConvolutionGeometry, batch: Int, _ high: UnsafePointer<Double>, _ weights: UnsafePointer<Double>,
    _ low: UnsafeMutablePointer<Double>, on device: Device
  ) {
    device.forEachRange(batch) { _, images in
      for image in images {
        let low = low + image * g.low.count, high = high + image * g.high.count
        low.update(repeating: 0, count: g.low.count)
        forEachTap(g) { highValue, row, lowPixel in
          for n in 0..<g.lowChannels { low[lowPixel + n] += high[highValue] * weights[row + n] }
        }
      }
    }
  }

  public static func spread(
    _ g: ConvolutionGeometry, batch: Int, _ low: UnsafePointer<Double>, _ weights: UnsafePointer<Double>,
    _ high: UnsafeMutablePointer<Double>, on device: Device
  ) {
    device.forEachRange(batch) { _, images in
      for image in images {
        let low = low + image * g.low.count, high = high + image * g.high.count
        high.update(repeating: 0, count: g.high.count)
        forEachTap(g) { highValue, row, lowPixel in
          for n in 0..<g.lowChannels { high[highValue] += low[lowPixel + n] * weights[row + n] }
        }
      }
    }
  }

  public static func addWeightGradient(
    _ g: ConvolutionGeometry, batch: Int, _ high: UnsafePointer<Double>, _ low: UnsafePointer<Double>,
    to gradient: UnsafeMutablePointer<Double>, on device: Device
  ) {
    for image in 0..<batch {
      let low = low + image * g.low.count, high = high + image * g.high.count
      forEachTap(g) { highValue, row, lowPixel in
        for n in 0..<g.lowChannels { gradient[row + n] += high[highValue] * low[lowPixel + n] }
      }
    }
  }

  /// Visits every value of the high side together with every low pixel that it meets, and the row of W between them: the
  /// definition of a convolution, as the kernels for `Float` are held to it.
  private static func forEachTap(
    _ g: ConvolutionGeometry, _ body: (_ highValue: Int, _ weightRow: Int, _ lowPixel: Int) -> Void
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
