import CVectorKernels

// What direct convolutions work on: images with their padding, patches of these, and packed weights.

/// An image with zeros around it.
struct PaddedPlane {
  let image: ImageShape
  let before: Int
  let after: (height: Int, width: Int)

  init(_ image: ImageShape, before: Int, after: (height: Int, width: Int)) {
    (self.image, self.before, self.after) = (image, before, after)
  }

  /// Floats in a row.
  var rowCount: Int { (before + image.width + after.width) * image.channels }
  /// Floats in all.
  var count: Int { (before + image.height + after.height) * rowCount }
  /// Whether there are any zeros.
  var isPadded: Bool { before > 0 || after.height > 0 || after.width > 0 }

  /// Where a pixel of the image lies; it may be one of the zeros.
  func offset(y: Int, x: Int) -> Int { (y + before) * rowCount + (x + before) * image.channels }

  /// The patches under all low pixels of so many images.
  func patches(of g: ConvolutionGeometry, images: Int) -> PatchTable {
    var offsets: [Int32] = []
    offsets.reserveCapacity(images * g.low.height * g.low.width)
    for image in 0..<images {
      for y in 0..<g.low.height {
        for x in 0..<g.low.width {
          offsets.append(Int32(image * count + y * g.stride * rowCount + x * g.stride * self.image.channels))
        }
      }
    }
    return PatchTable(offsets: offsets, rows: g.kernel, run: g.kernel * image.channels, rowStride: rowCount)
  }

  /// Images with their zeros: copied into scratch, whose zeros are there already, or as they are if there are none.
  func inserted(
    _ images: UnsafePointer<Float>, images count: Int, _ scratch: UnsafeMutablePointer<Float>
  ) -> UnsafePointer<Float> {
    guard isPadded else { return images }
    let row = image.width * image.channels
    for position in 0..<count {
      let source = images + position * image.count, target = scratch + position * self.count
      for y in 0..<image.height { (target + offset(y: y, x: 0)).update(from: source + y * row, count: row) }
    }
    return UnsafePointer(scratch)
  }

  /// Copies the image out of its zeros.
  func extract(_ padded: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>) {
    let row = image.width * image.channels
    for y in 0..<image.height { (target + y * row).update(from: padded + offset(y: y, x: 0), count: row) }
  }
}

/// Patches by their offsets; see `vk_patches`.
struct PatchTable {
  let offsets: [Int32]
  let rows: Int, run: Int, rowStride: Int

  private func with(_ range: Range<Int>, _ body: (UnsafePointer<vk_patches>) -> Void) {
    offsets.withUnsafeBufferPointer {
      var patches = vk_patches(
        count: range.count, offsets: $0.baseAddress.map { $0 + range.lowerBound }, rows: rows, run: run,
        in_row: rowStride)
      body(&patches)
    }
  }

  func product(
    count: Int, _ packed: PackedWeights, row: Int, _ input: UnsafePointer<Float>, _ outputs: [Int32],
    _ output: UnsafeMutablePointer<Float>
  ) {
    with(0..<count) {
      vk_patch_product_f32(packed.device.level.code, $0, packed.columns, input, packed.pointer(row), outputs, output)
    }
  }

  /// For a range of the patches; `d` begins with the first of them.
  func gradient(
    _ range: Range<Int>, columns: Int, step: Int, _ input: UnsafePointer<Float>, _ d: UnsafePointer<Float>,
    _ gradient: UnsafeMutablePointer<Float>, _ level: VectorLevel
  ) {
    with(range) { vk_patch_gradient_f32(level.code, $0, columns, step, input, d, gradient) }
  }

  func add(
    _ products: UnsafePointer<Float>, step: Int, apart: Int, to output: UnsafeMutablePointer<Float>,
    _ level: VectorLevel
  ) {
    with(0..<offsets.count) { vk_add_patches_f32(level.code, $0, apart, products, step, output) }
  }
}

/// Matrices of weights in the kernels' form, one after the other.
struct PackedWeights {
  private let storage: Storage<Float>
  let columns: Int
  let device: Device

  /// Room for so many rows in all.
  init(rows: Int, columns: Int, on device: Device) {
    (self.columns, self.device) = (columns, device)
    storage = Storage(count: vk_packed_count(device.level.code, rows, columns), on: device)
  }

  /// The matrix that begins at a row.
  func pointer(_ row: Int) -> UnsafeMutablePointer<Float> {
    storage.pointer + vk_packed_count(device.level.code, row, columns)
  }

  /// Packs a matrix that begins at a row; its element (r, c) is at `offsets[r] + c·step` of the weights.
  func fill(_ row: Int, _ offsets: [Int32], step: Int, from weights: UnsafePointer<Float>) {
    let target = pointer(row), columns = columns
    device.forEachRange(offsets.count, grain: max(16, 16_384 / columns)) { _, rows in
      vk_pack_f32(
        device.level.code, offsets.count, columns, rows.lowerBound, rows.upperBound, offsets, step, weights, target)
    }
  }
}
