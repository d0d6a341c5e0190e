import CVectorKernels

// Convolutions of any kernel, stride, padding and channel count, straight from the pixels: no patch matrix is made.
// Each worker takes a part of the batch, a few images at a time that fit its cache. Weights are packed once a call.

// The requirements are documented where they are declared.
// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
extension Float {
  public static func correlate(
    _ g: ConvolutionGeometry, batch: Int, _ high: UnsafePointer<Float>, _ weights: UnsafePointer<Float>,
    _ low: UnsafeMutablePointer<Float>, on device: Device
  ) {
    let plane = PaddedPlane(g.high, before: g.padding, after: (g.padding, g.padding))
    let rows = g.weightShape[0]
    let packed = PackedWeights(rows: rows, columns: g.lowChannels, on: device)
    packed.fill(0, (0..<rows).map { Int32($0 * g.lowChannels) }, step: 1, from: weights, columns: g.lowChannels)
    let group = plane.imagesInCache(beside: g.low)
    let patches = plane.patches(of: g, images: group)
    let outputs = (0..<group * g.low.height * g.low.width).map { Int32($0 * g.lowChannels) }
    plane.forEachGroup(of: high, batch: batch, group: group, on: device) { _, images, padded in
      patches.product(
        count: images.count * g.low.height * g.low.width, columns: g.lowChannels, padded, packed.pointer(0), outputs,
        low + images.lowerBound * g.low.count, device.level)
    }
  }

  public static func spread(
    _ g: ConvolutionGeometry, batch: Int, _ low: UnsafePointer<Float>, _ weights: UnsafePointer<Float>,
    _ high: UnsafeMutablePointer<Float>, on device: Device
  ) {
    if g.high.channels < 12 {
      spreadFewChannels(g, batch: batch, low, weights, high, on: device)
    } else {
      spreadByPhases(g, batch: batch, low, weights, high, on: device)
    }
  }

  /// Each high pixel gathers from the low pixels that reach it. Pixels with the same remainder of y + padding and of
  /// x + padding by the stride meet the same taps: they are a convolution of stride 1, with W's rows for those taps.
  private static func spreadByPhases(
    _ g: ConvolutionGeometry, batch: Int, _ low: UnsafePointer<Float>, _ weights: UnsafePointer<Float>,
    _ high: UnsafeMutablePointer<Float>, on device: Device
  ) {
    let vertical = SpreadPhase.all(g, extent: g.high.height), horizontal = SpreadPhase.all(g, extent: g.high.width)
    let before = vertical.map { $0.taps - 1 - $0.first }.max() ?? 0
    let plane = PaddedPlane(
      g.low, before: max(0, before),
      after: (
        max(0, (vertical.map(\.last).max() ?? 0) - g.low.height + 1),
        max(0, (horizontal.map(\.last).max() ?? 0) - g.low.width + 1)
      ))
    let group = plane.imagesInCache(beside: g.high)
    let packed = PackedWeights(rows: g.kernel * g.kernel * g.lowChannels, columns: g.high.channels, on: device)
    struct Part {
      var patches: PatchTable
      var outputs: [Int32]
      var pixels: Int
      var firstRow: Int
    }
    var parts: [Part] = []
    var row = 0
    for y in vertical where y.first <= y.last {
      for x in horizontal where x.first <= x.last {
        var offsets: [Int32] = [], outputs: [Int32] = []
        for image in 0..<group {
          for ty in y.first...y.last {
            for tx in x.first...x.last {
              offsets.append(
                Int32(image * plane.count + plane.offset(y: ty - (y.taps - 1), x: tx - (x.taps - 1))))
              outputs.append(
                Int32(image * g.high.count + (y.high(ty) * g.high.width + x.high(tx)) * g.high.channels))
            }
          }
        }
        // Low pixels lie in ascending order, so their taps come in descending order.
        let rows = (0..<y.taps).reversed().flatMap { a in
          (0..<x.taps).reversed().flatMap { b in
            (0..<g.lowChannels).map { n in
              Int32(((y.tap(a) * g.kernel + x.tap(b)) * g.high.channels) * g.lowChannels + n)
            }
          }
        }
        packed.fill(row, rows, step: g.lowChannels, from: weights, columns: g.high.channels)
        parts.append(
          Part(
            patches: PatchTable(
              offsets: offsets, rows: y.taps, run: x.taps * g.lowChannels, rowStride: plane.rowCount),
            outputs: outputs, pixels: offsets.count / group, firstRow: row))
        row += rows.count
      }
    }
    plane.forEachGroup(of: low, batch: batch, group: group, on: device) { _, images, padded in
      for part in parts {
        part.patches.product(
          count: images.count * part.pixels, columns: g.high.channels, padded, packed.pointer(part.firstRow),
          part.outputs, high + images.lowerBound * g.high.count, device.level)
      }
    }
  }

  /// With few high channels a vector is better filled by a whole patch: the products of a low pixel with all taps, which
  /// are then added where they belong.
  private static func spreadFewChannels(
    _ g: ConvolutionGeometry, batch: Int, _ low: UnsafePointer<Float>, _ weights: UnsafePointer<Float>,
    _ high: UnsafeMutablePointer<Float>, on device: Device
  ) {
    let pixels = g.low.height * g.low.width, rows = g.weightShape[0]
    let plane = PaddedPlane(g.high, before: g.padding, after: (g.padding, g.padding))
    let packed = PackedWeights(rows: g.lowChannels, columns: rows, on: device)
    packed.fill(0, (0..<g.lowChannels).map { Int32($0) }, step: g.lowChannels, from: weights, columns: rows)
    let inputs = PatchTable(
      offsets: (0..<pixels).map { Int32($0 * g.lowChannels) }, rows: 1, run: g.lowChannels, rowStride: 0)
    let products = (0..<pixels).map { Int32($0 * rows) }
    let patches = plane.patches(of: g, images: 1)
    let apart = (g.kernel + g.stride - 1) / g.stride
    device.forEachRange(batch) { _, images in
      let scratch = Storage<Float>(count: pixels * rows + plane.count, on: device)
      let padded = scratch.pointer + pixels * rows
      for image in images {
        inputs.product(
          count: pixels, columns: rows, low + image * g.low.count, packed.pointer(0), products, scratch.pointer,
          device.level)
        padded.update(repeating: 0, count: plane.count)
        patches.add(scratch.pointer, step: rows, apart: apart, to: padded, device.level)
        plane.extract(padded, to: high + image * g.high.count)
      }
    }
  }

  public static func addWeightGradient(
    _ g: ConvolutionGeometry, batch: Int, _ high: UnsafePointer<Float>, _ low: UnsafePointer<Float>,
    to gradient: UnsafeMutablePointer<Float>, on device: Device
  ) {
    let plane = PaddedPlane(g.high, before: g.padding, after: (g.padding, g.padding))
    let rows = g.weightShape[0], columns = (g.lowChannels + 15) / 16 * 16, pixels = g.low.height * g.low.width
    let group = plane.imagesInCache(beside: g.low)
    let patches = plane.patches(of: g, images: group)
    let sums = Storage<Float>(count: device.threads * rows * columns, on: device)
    sums.pointer.update(repeating: 0, count: sums.count)
    let part = sums.pointer
    plane.forEachGroup(of: high, batch: batch, group: group, on: device) { worker, images, padded in
      let first = low + images.lowerBound * g.low.count, count = images.count * pixels
      let sum = part + worker * rows * columns
      if columns == g.lowChannels {
        patches.gradient(count: count, columns: columns, padded, first, sum, device.level)
      } else {
        let wide = Storage<Float>(count: group * pixels * columns, on: device)
        for i in 0..<count {
          (wide.pointer + i * columns).update(from: first + i * g.lowChannels, count: g.lowChannels)
          (wide.pointer + i * columns + g.lowChannels).update(repeating: 0, count: columns - g.lowChannels)
        }
        patches.gradient(count: count, columns: columns, padded, wide.pointer, sum, device.level)
      }
    }
    for worker in 0..<device.threads {
      let sum = part + worker * rows * columns
      if columns == g.lowChannels {
        apply(.add, device.level, rows * columns, gradient, 1, sum, 1, gradient)
      } else {
        for row in 0..<rows {
          let to = gradient + row * g.lowChannels
          for n in 0..<g.lowChannels { to[n] += sum[row * columns + n] }
        }
      }
    }
  }
}

/// The high pixels, along one axis, whose position plus padding has one remainder by the stride.
private struct SpreadPhase {
  let remainder: Int
  let geometry: ConvolutionGeometry
  /// How many taps of the kernel meet these pixels.
  let taps: Int
  /// The first and the last of them; the tap after t meets low pixel t, the next one t − 1, and so on.
  let first: Int, last: Int

  static func all(_ g: ConvolutionGeometry, extent: Int) -> [SpreadPhase] {
    (0..<g.stride).map { remainder in
      let below = max(0, g.padding - remainder), reach = extent - 1 + g.padding - remainder
      return SpreadPhase(
        remainder: remainder, geometry: g,
        taps: remainder < g.kernel ? (g.kernel - remainder + g.stride - 1) / g.stride : 0,
        first: (below + g.stride - 1) / g.stride, last: reach < 0 ? -1 : reach / g.stride)
    }
  }

  /// The high pixel.
  func high(_ t: Int) -> Int { geometry.stride * t + remainder - geometry.padding }
  /// The tap, along this axis, between pixel t and low pixel t − a.
  func tap(_ a: Int) -> Int { remainder + geometry.stride * a }
}

/// An image with zeros around it.
private struct PaddedPlane {
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
  private var isPadded: Bool { before > 0 || after.height > 0 || after.width > 0 }

  /// Where a pixel of the image lies; it may be one of the zeros.
  func offset(y: Int, x: Int) -> Int { (y + before) * rowCount + (x + before) * image.channels }

  /// So many images at a time that a worker's second-level cache holds both sides of them.
  func imagesInCache(beside other: ImageShape) -> Int { max(1, min(16, 81_920 / (count + other.count))) }

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

  /// Leads a batch through `body`, a group of images at a time, each with its zeros around it.
  func forEachGroup(
    of images: UnsafePointer<Float>, batch: Int, group: Int, on device: Device,
    _ body: (_ worker: Int, _ images: Range<Int>, _ padded: UnsafePointer<Float>) -> Void
  ) {
    device.forEachRange(batch) { worker, range in
      let scratch = isPadded ? Storage<Float>(count: group * count, on: device) : nil
      scratch?.pointer.update(repeating: 0, count: group * count)
      for first in stride(from: range.lowerBound, to: range.upperBound, by: group) {
        let part = first..<min(first + group, range.upperBound)
        guard let scratch else {
          body(worker, part, images + first * image.count)
          continue
        }
        for position in part {
          insert(images + position * image.count, into: scratch.pointer + (position - first) * count)
        }
        body(worker, part, scratch.pointer)
      }
    }
  }

  private func insert(_ source: UnsafePointer<Float>, into padded: UnsafeMutablePointer<Float>) {
    let row = image.width * image.channels
    for y in 0..<image.height { (padded + offset(y: y, x: 0)).update(from: source + y * row, count: row) }
  }

  /// Copies the image out of its zeros.
  func extract(_ padded: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>) {
    let row = image.width * image.channels
    for y in 0..<image.height { (target + y * row).update(from: padded + offset(y: y, x: 0), count: row) }
  }
}

/// Patches by their offsets; see `vk_patches`.
private struct PatchTable {
  let offsets: [Int32]
  let rows: Int, run: Int, rowStride: Int

  private func with(_ count: Int, _ body: (UnsafePointer<vk_patches>) -> Void) {
    offsets.withUnsafeBufferPointer {
      var patches = vk_patches(count: count, offsets: $0.baseAddress, rows: rows, run: run, in_row: rowStride)
      body(&patches)
    }
  }

  func product(
    count: Int, columns: Int, _ input: UnsafePointer<Float>, _ packed: UnsafePointer<Float>, _ outputs: [Int32],
    _ output: UnsafeMutablePointer<Float>, _ level: VectorLevel
  ) {
    with(count) { vk_patch_product_f32(level.code, $0, columns, input, packed, outputs, output) }
  }

  func gradient(
    count: Int, columns: Int, _ input: UnsafePointer<Float>, _ d: UnsafePointer<Float>,
    _ gradient: UnsafeMutablePointer<Float>, _ level: VectorLevel
  ) {
    with(count) { vk_patch_gradient_f32(level.code, $0, columns, input, d, gradient) }
  }

  func add(
    _ products: UnsafePointer<Float>, step: Int, apart: Int, to output: UnsafeMutablePointer<Float>,
    _ level: VectorLevel
  ) {
    with(offsets.count) { vk_add_patches_f32(level.code, $0, apart, products, step, output) }
  }
}

/// Matrices of weights in the kernels' form, one after the other.
private struct PackedWeights {
  private let storage: Storage<Float>
  private let columns: Int
  private let device: Device

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
  func fill(_ row: Int, _ offsets: [Int32], step: Int, from weights: UnsafePointer<Float>, columns: Int) {
    let target = pointer(row)
    device.forEachRange(offsets.count, grain: max(16, 16_384 / columns)) { _, rows in
      vk_pack_f32(
        device.level.code, offsets.count, columns, rows.lowerBound, rows.upperBound, offsets, step, weights, target)
    }
  }
}
