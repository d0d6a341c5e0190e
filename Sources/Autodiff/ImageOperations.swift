import TensorCore

// What moves pixels of images `[B, height, width, channels]` without arithmetic.

extension Variable {
  /// Each pixel repeated `factor` times in both directions: nearest-neighbour upsampling to
  /// `[B, factor·height, factor·width, channels]`.
  public func upsampled(by factor: Int) -> Variable {
    precondition(shape.rank == 4 && factor >= 1, "\(shape) is no batch of images to be enlarged by \(factor)")
    if factor == 1 { return self }
    let (b, h, w, c) = (shape[0], shape[1], shape[2], shape[3])
    let zeros = Variable(Tensor<Scalar>(repeating: 0, [b, h, factor, w, factor, c], on: value.device))
    return (reshaped([b, h, 1, w, 1, c]) + zeros).reshaped([b, h * factor, w * factor, c])
  }

  /// The rows of a code `[B, D]` at every pixel of an image, with further channels of constants behind them:
  /// `[B, height, width, D + channels]`.
  ///
  /// - Parameter constants: `[height, width, channels]`, as the coordinates of the pixels (Watters et al. 2019,
  ///   arXiv:1901.07017, section 3).
  public func tiled(with constants: Tensor<Scalar>) -> Variable {
    precondition(shape.rank == 2 && constants.shape.rank == 3, "\(shape) and \(constants.shape) make no tile")
    let (b, d) = (shape[0], shape[1]), pixels = constants.shape[0] * constants.shape[1], extra = constants.shape[2]
    let device = value.device, result = Tensor<Scalar>(uninitialized: [b, pixels, d + extra], on: device)
    let all = result.reshaped([b * pixels, d + extra])
    let codes = Tensor<Scalar>(repeating: 0, [b, pixels, d], on: device).combined(.add, value.reshaped([b, 1, d]))
    let places = Tensor<Scalar>(repeating: 0, [b, pixels, extra], on: device)
      .combined(.add, constants.reshaped([1, pixels, extra]))
    all.setColumns(0..<d, to: codes.reshaped([b * pixels, d]))
    all.setColumns(d..<d + extra, to: places.reshaped([b * pixels, extra]))
    let image = result.reshaped([b, constants.shape[0], constants.shape[1], d + extra])
    return Variable.recording(image, from: [self]) { g, gradients in
      let own = g.reshaped([b * pixels, d + extra]).columns(0..<d).reshaped([b, pixels, d])
      gradients.add(own.sum(axis: 1).reshaped([b, d]), to: self)
    }
  }

  /// Zeros around images: rows above and below, columns to the left and right.
  public func padded(top: Int, bottom: Int, left: Int, right: Int) -> Variable {
    if top == 0, bottom == 0, left == 0, right == 0 { return self }
    let frame = Frame(top: top, bottom: bottom, left: left, right: right)
    return Variable.recording(frame.padded(value), from: [self]) { g, gradients in
      gradients.add(frame.cropped(g), to: self)
    }
  }

  /// Images without some of their rows and columns at the edges.
  public func cropped(top: Int, bottom: Int, left: Int, right: Int) -> Variable {
    if top == 0, bottom == 0, left == 0, right == 0 { return self }
    let frame = Frame(top: top, bottom: bottom, left: left, right: right)
    return Variable.recording(frame.cropped(value), from: [self]) { g, gradients in
      gradients.add(frame.padded(g), to: self)
    }
  }
}

/// What lies around an image.
private struct Frame {
  let top: Int, bottom: Int, left: Int, right: Int

  /// The images with zeros around them.
  func padded<Scalar: TensorScalar>(_ images: Tensor<Scalar>) -> Tensor<Scalar> {
    let s = images.shape
    let result = Tensor<Scalar>(
      repeating: 0, [s[0], s[1] + top + bottom, s[2] + left + right, s[3]], on: images.device)
    copyRows(inner: images, outer: result) { inner, outer, count in outer.update(from: inner, count: count) }
    return result
  }

  /// The images inside.
  func cropped<Scalar: TensorScalar>(_ images: Tensor<Scalar>) -> Tensor<Scalar> {
    let s = images.shape
    precondition(s[1] > top + bottom && s[2] > left + right, "nothing is left of images \(s)")
    let result = Tensor<Scalar>(
      uninitialized: [s[0], s[1] - top - bottom, s[2] - left - right, s[3]], on: images.device)
    copyRows(inner: result, outer: images) { inner, outer, count in inner.update(from: outer, count: count) }
    return result
  }

  private func copyRows<Scalar: TensorScalar>(
    inner: Tensor<Scalar>, outer: Tensor<Scalar>,
    _ copy: (UnsafeMutablePointer<Scalar>, UnsafeMutablePointer<Scalar>, _ count: Int) -> Void
  ) {
    let (height, width, channels) = (inner.shape[1], inner.shape[2], inner.shape[3])
    let outerHeight = outer.shape[1], outerWidth = outer.shape[2]
    inner.withMutableElements { i in
      outer.withMutableElements { o in
        guard let i = i.baseAddress, let o = o.baseAddress else { return }
        for image in 0..<inner.shape[0] {
          for y in 0..<height {
            copy(
              i + (image * height + y) * width * channels,
              o + ((image * outerHeight + y + top) * outerWidth + left) * channels, width * channels)
          }
        }
      }
    }
  }
}
