/// Rows and columns on the four sides of an image: those that padding adds or cropping removes.
public struct ImageEdges: Sendable, Hashable, Codable {
  /// Rows above.
  public var top: Int
  /// Columns on the left.
  public var left: Int
  /// Rows below.
  public var bottom: Int
  /// Columns on the right.
  public var right: Int

  /// Describes the four sides; none is negative.
  public init(top: Int, left: Int, bottom: Int, right: Int) {
    requireFit(
      min(top, left, bottom, right) >= 0, "ImageEdges", "\(top), \(left), \(bottom), \(right) are no widths of edges")
    (self.top, self.left, self.bottom, self.right) = (top, left, bottom, right)
  }

  /// No edges.
  public static let none = ImageEdges(top: 0, left: 0, bottom: 0, right: 0)

  /// What lies around a smaller image in the centre of a larger one; where the difference is odd, bottom and right have one
  /// more.
  ///
  /// - Precondition: the larger image has at least the smaller one's height and width.
  public init(of larger: ImageShape, around smaller: ImageShape) {
    let rows = larger.height - smaller.height, columns = larger.width - smaller.width
    self.init(top: rows / 2, left: columns / 2, bottom: rows - rows / 2, right: columns - columns / 2)
  }

  /// An image with these edges added.
  public func adding(to image: ImageShape) -> ImageShape {
    ImageShape(
      height: image.height + top + bottom, width: image.width + left + right, channels: image.channels)
  }

  /// An image with these edges removed.
  ///
  /// - Precondition: at least one pixel is left.
  public func removing(from image: ImageShape) -> ImageShape {
    ImageShape(
      height: image.height - top - bottom, width: image.width - left - right, channels: image.channels)
  }
}

// Operations on images `[B, H, W, C]` that move pixels and compute nothing.

extension Tensor {
  private func image(_ operation: StaticString) -> ImageShape {
    requireRank(4, operation, "images [B, H, W, C]")
    requireFit(shape.dimensions.dropFirst().allSatisfy { $0 > 0 }, operation, "images of \(shape) have no pixels")
    return ImageShape(height: shape[1], width: shape[2], channels: shape[3])
  }

  /// Images with zeros around them.
  package func padded(_ edges: ImageEdges) -> Tensor {
    let small = image("padded"), large = edges.adding(to: small)
    let result = Tensor(uninitialized: large.batch(shape[0]), on: device)
    let x = pointer, y = result.pointer, row = small.width * small.channels, wide = large.width * large.channels
    let left = edges.left * small.channels, right = edges.right * small.channels
    device.forEachRange(shape[0]) { _, images in
      for b in images {
        let from = x + b * small.count, to = y + b * large.count
        to.update(repeating: 0, count: edges.top * wide)
        for r in 0..<small.height {
          let line = to + (edges.top + r) * wide
          line.update(repeating: 0, count: left)
          (line + left).update(from: from + r * row, count: row)
          (line + left + row).update(repeating: 0, count: right)
        }
        (to + (edges.top + small.height) * wide).update(repeating: 0, count: edges.bottom * wide)
      }
    }
    return result
  }

  /// Images without their edges.
  package func cropped(_ edges: ImageEdges) -> Tensor {
    let large = image("cropped")
    requireFit(
      edges.top + edges.bottom < large.height && edges.left + edges.right < large.width, "cropped",
      "nothing is left of \(shape) without \(edges.top) + \(edges.bottom) rows and \(edges.left) + \(edges.right) columns"
    )
    let small = edges.removing(from: large)
    let result = Tensor(uninitialized: small.batch(shape[0]), on: device)
    let x = pointer, y = result.pointer, row = small.width * small.channels, wide = large.width * large.channels
    device.forEachRange(shape[0]) { _, images in
      for b in images {
        let from = x + b * large.count + edges.top * wide + edges.left * large.channels, to = y + b * small.count
        for r in 0..<small.height { (to + r * row).update(from: from + r * wide, count: row) }
      }
    }
    return result
  }

  /// Each pixel repeated factor × factor times: nearest-neighbour upsampling.
  package func upsampled(by factor: Int) -> Tensor {
    requireFit(factor >= 1, "upsampled", "\(shape) cannot be upsampled by \(factor)")
    let small = image("upsampled"), channels = small.channels, wide = small.width * factor * channels
    let large = ImageShape(height: small.height * factor, width: small.width * factor, channels: channels)
    let result = Tensor(uninitialized: large.batch(shape[0]), on: device)
    let x = pointer, y = result.pointer
    device.forEachRange(shape[0] * small.height) { _, rows in
      for r in rows {
        let from = x + r * small.width * channels, to = y + r * factor * wide
        for p in 0..<small.width * factor {
          (to + p * channels).update(from: from + p / factor * channels, count: channels)
        }
        for copy in 1..<Swift.max(factor, 1) { (to + copy * wide).update(from: to, count: wide) }
      }
    }
    return result
  }

  /// The sums over blocks of factor × factor pixels: the pullback of ``upsampled(by:)``.
  package func blockSums(by factor: Int) -> Tensor {
    let whole = image("blockSums")
    requireFit(
      factor >= 1 && whole.height % factor == 0 && whole.width % factor == 0, "blockSums",
      "\(shape) has no whole blocks of \(factor) × \(factor) pixels")
    let large = whole, channels = large.channels, wide = large.width * channels
    let small = ImageShape(height: large.height / factor, width: large.width / factor, channels: channels)
    let result = Tensor(repeating: 0, small.batch(shape[0]), on: device)
    let x = pointer, y = result.pointer, level = device.level
    device.forEachRange(shape[0] * small.height) { _, rows in
      for r in rows {
        let to = y + r * small.width * channels
        for line in 0..<factor {
          let from = x + (r * factor + line) * wide
          for p in 0..<large.width {
            let sum = to + p / factor * channels
            Scalar.apply(.add, level, channels, sum, 1, from + p * channels, 1, sum)
          }
        }
      }
    }
    return result
  }

  /// Codes `[B, D]` at every pixel, and two more channels with the pixel's coordinates: `[B, H, W, D + 2]`.
  ///
  /// The first is x, along the width, the second y, along the height; both go from −1 to 1.
  package func spatiallyBroadcast(height: Int, width: Int) -> Tensor {
    requireRank(2, "spatiallyBroadcast", "codes [B, D]")
    requireFit(height > 0 && width > 0, "spatiallyBroadcast", "\(height) × \(width) pixels are no image")
    let latents = shape[1], channels = latents + 2, row = width * channels
    let result = Tensor(uninitialized: [shape[0], height, width, channels], on: device)
    let z = pointer, y = result.pointer
    device.forEachRange(shape[0]) { _, images in
      for b in images {
        let image = y + b * height * row
        for p in 0..<width {
          let pixel = image + p * channels
          pixel.update(from: z + b * latents, count: latents)
          pixel[latents] = Scalar(Self.coordinate(p, of: width))
        }
        for r in (0..<height).reversed() {
          let line = image + r * row, coordinate = Scalar(Self.coordinate(r, of: height))
          if r > 0 { line.update(from: image, count: row) }
          for p in 0..<width { line[p * channels + latents + 1] = coordinate }
        }
      }
    }
    return result
  }

  /// The pixel's place from −1 to 1; −1 where there is only one.
  private static func coordinate(_ index: Int, of extent: Int) -> Double {
    extent == 1 ? -1 : 2 * Double(index) / Double(extent - 1) - 1
  }
}
