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

/// The general convolution: any kernel, stride, padding and channel count, one image at a time through a patch matrix
/// ("im2col") that stays in cache, with OpenBLAS for the product.
extension Tensor {
  /// low = patches(high)·W: a convolution, or the input gradient of a transposed one.
  package static func correlate(high: Tensor, weights: Tensor, _ g: ConvolutionGeometry, into low: Tensor) {
    let batch = high.shape[0], pixels = g.low.height * g.low.width, rows = g.weightShape[0]
    let (ph, pw, pl) = (high.pointer, weights.pointer, low.pointer)
    high.device.forEachRange(batch) { _, images in
      let patches = Storage<Scalar>(count: pixels * rows, on: high.device)
      for b in images {
        gather(ph + b * g.high.count, g, into: patches.pointer)
        Scalar.matrixProduct(
          false, false, pixels, g.lowChannels, rows, patches.pointer, rows, pw, g.lowChannels, 0, pl + b * g.low.count,
          g.lowChannels)
      }
    }
  }

  /// high = Σ patches of low·Wᵀ: a transposed convolution, or the input gradient of a convolution.
  package static func spread(low: Tensor, weights: Tensor, _ g: ConvolutionGeometry, into high: Tensor) {
    let batch = low.shape[0], pixels = g.low.height * g.low.width, rows = g.weightShape[0]
    let (ph, pw, pl) = (high.pointer, weights.pointer, low.pointer)
    low.device.forEachRange(batch) { _, images in
      let patches = Storage<Scalar>(count: pixels * rows, on: low.device)
      for b in images {
        Scalar.matrixProduct(
          false, true, pixels, rows, g.lowChannels, pl + b * g.low.count, g.lowChannels, pw, g.lowChannels, 0,
          patches.pointer, rows)
        scatter(patches.pointer, g, level: low.device.level, into: ph + b * g.high.count)
      }
    }
  }

  /// W-gradient = Σ_images patches(high)ᵀ·low, written or added to `gradient`; both kinds of convolution.
  package static func weightGradient(
    high: Tensor, low: Tensor, _ g: ConvolutionGeometry, into gradient: Tensor, accumulate: Bool
  ) {
    let batch = low.shape[0], pixels = g.low.height * g.low.width, rows = g.weightShape[0]
    let device = low.device, size = g.weightShape.count
    let parts = Storage<Scalar>(count: device.threads * size, on: device)
    parts.pointer.update(repeating: 0, count: parts.count)
    let (ph, pl, pp) = (high.pointer, low.pointer, parts.pointer)
    device.forEachRange(batch) { worker, images in
      let patches = Storage<Scalar>(count: pixels * rows, on: device)
      for b in images {
        gather(ph + b * g.high.count, g, into: patches.pointer)
        Scalar.matrixProduct(
          true, false, rows, g.lowChannels, pixels, patches.pointer, rows, pl + b * g.low.count, g.lowChannels, 1,
          pp + worker * size, g.lowChannels)
      }
    }
    let out = gradient.pointer
    for worker in 0..<device.threads {
      if worker == 0 && !accumulate {
        out.update(from: pp, count: size)
      } else {
        Scalar.apply(.add, device.level, size, out, 1, pp + worker * size, 1, out)
      }
    }
  }

  /// Copies the K×K patch under every low pixel into a row of `patches`, zeros outside the image.
  private static func gather(
    _ image: UnsafePointer<Scalar>, _ g: ConvolutionGeometry, into patches: UnsafeMutablePointer<Scalar>
  ) {
    let c = g.high.channels
    forEachRow(g) { patch, y, x, first, last in
      let row = patches + patch
      guard first < last, y >= 0, y < g.high.height else { return row.update(repeating: 0, count: g.kernel * c) }
      row.update(repeating: 0, count: first * c)
      (row + first * c).update(from: image + (y * g.high.width + x + first) * c, count: (last - first) * c)
      (row + last * c).update(repeating: 0, count: (g.kernel - last) * c)
    }
  }

  /// Adds every row of `patches` back to where it came from.
  private static func scatter(
    _ patches: UnsafePointer<Scalar>, _ g: ConvolutionGeometry, level: VectorLevel,
    into image: UnsafeMutablePointer<Scalar>
  ) {
    let c = g.high.channels
    image.update(repeating: 0, count: g.high.count)
    forEachRow(g) { patch, y, x, first, last in
      guard first < last, y >= 0, y < g.high.height else { return }
      let target = image + (y * g.high.width + x + first) * c
      Scalar.apply(.add, level, (last - first) * c, target, 1, patches + patch + first * c, 1, target)
    }
  }

  /// Visits every kernel row of every low pixel: its offset in the patch matrix, the high row and first column it
  /// covers (both may lie outside), and the part of the kernel row that lies inside the image.
  private static func forEachRow(
    _ g: ConvolutionGeometry, _ body: (_ patch: Int, _ y: Int, _ x: Int, _ first: Int, _ last: Int) -> Void
  ) {
    let length = g.kernel * g.high.channels
    var patch = 0
    for ly in 0..<g.low.height {
      for lx in 0..<g.low.width {
        let x = lx * g.stride - g.padding
        let first = max(0, -x), last = min(g.kernel, g.high.width - x)
        for ky in 0..<g.kernel {
          body(patch, ly * g.stride - g.padding + ky, x, first, last)
          patch += length
        }
      }
    }
  }
}
