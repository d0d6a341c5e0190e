import TensorCore

// Operations on images `[B, H, W, C]` that move pixels.

extension Variable {
  /// Images with zeros around them.
  public func padded(_ edges: ImageEdges) -> Variable {
    Variable.recording(value.padded(edges), from: [self]) { g, gradients in
      gradients.add(g.cropped(edges), to: self)
    }
  }

  /// Images without their edges.
  public func cropped(_ edges: ImageEdges) -> Variable {
    Variable.recording(value.cropped(edges), from: [self]) { g, gradients in
      gradients.add(g.padded(edges), to: self)
    }
  }

  /// Nearest-neighbour upsampling: y[i, j] = x[⌊i/f⌋, ⌊j/f⌋] for a whole factor f ≥ 1, `[B, f·H, f·W, C]`.
  public func upsampled(by factor: Int) -> Variable {
    return Variable.recording(value.upsampled(by: factor), from: [self]) { g, gradients in
      gradients.add(g.blockSums(by: factor), to: self)
    }
  }

  /// Codes `[B, D]` at every pixel of an image with two channels of coordinates appended, `[B, H, W, D + 2]`.
  ///
  /// The first of them is x, along the width, the second y, along the height, both from −1 to 1 in equal steps. Watters et
  /// al. 2019, Spatial Broadcast Decoder (arXiv:1901.07017), algorithm 1.
  public func spatiallyBroadcast(height: Int, width: Int) -> Variable {
    value.requireRank(2, "spatiallyBroadcast", "codes [B, D]")
    let batch = shape[0], latents = shape[1]
    return Variable.recording(value.spatiallyBroadcast(height: height, width: width), from: [self]) { g, gradients in
      let sums = g.reshaped([batch, height * width, latents + 2]).sum(axis: 1)
      gradients.add(sums.reshaped([batch, latents + 2]).columns(0..<latents), to: self)
    }
  }
}
