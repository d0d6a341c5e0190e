import CVectorKernels

// Convolutions of any kernel, stride, padding and channel count, straight from the pixels: no patch matrix is made.
// Each worker takes its part of the batch through a layer, a few images at a time that fit its cache together with
// everything that is computed from them. Weights are packed once a call.

// The requirements are documented where they are declared.
// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
extension Float {
  public static func convolve(
    _ layer: ConvolutionLayer, batch: Int, _ input: UnsafePointer<Float>, _ weights: UnsafePointer<Float>,
    _ bias: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>, on device: Device
  ) {
    let g = layer.geometry, group = g.imagesInCache, shape = layer.output
    let product = directProduct(g, toHigh: layer.transposed, weights, group: group, on: device)
    let storage = Storage<Float>(count: device.threads * product.scratchCount, on: device)
    device.forEachRange(batch) { worker, range in
      let scratch = storage.pointer + worker * product.scratchCount
      product.prepare(scratch)
      for first in stride(from: range.lowerBound, to: range.upperBound, by: group) {
        let images = min(group, range.upperBound - first), y = output + first * shape.count
        product.run(input + first * layer.input.count, images: images, scratch, into: y)
        activate(device.level, layer.activation, images * shape.height * shape.width, shape.channels, bias, y)
      }
    }
  }

  public static func convolutionGradients(
    _ layer: ConvolutionLayer, batch: Int, _ input: UnsafePointer<Float>, _ weights: UnsafePointer<Float>,
    output: UnsafePointer<Float>, outputGradient: UnsafePointer<Float>, weightGradient: UnsafeMutablePointer<Float>,
    biasGradient: UnsafeMutablePointer<Float>, inputGradient: UnsafeMutablePointer<Float>?, on device: Device
  ) {
    let g = layer.geometry, group = g.imagesInCache, shape = layer.output
    let gradient = weightGradientSum(g, group: group, on: device)
    let product = inputGradient.map { _ in
      directProduct(g, toHigh: !layer.transposed, weights, group: group, on: device)
    }
    // Each worker sums on its own; the sums are added in the order of the workers.
    let sumCount = gradient.sumCount + shape.channels
    let sums = Storage<Float>(count: device.threads * sumCount, on: device)
    sums.pointer.update(repeating: 0, count: sums.count)
    let sum = sums.pointer
    // Taken for all workers at once, so that how they overlap in time does not decide what the pool has to hold.
    let innerCount = group * shape.count, scratchCount = innerCount + gradient.scratchCount
    let workerCount = scratchCount + (product?.scratchCount ?? 0)
    let storage = Storage<Float>(count: device.threads * workerCount, on: device)
    device.forEachRange(batch) { worker, range in
      let inner = storage.pointer + worker * workerCount
      let scratch = inner + innerCount, productScratch = inner + scratchCount
      gradient.prepare(scratch)
      product?.prepare(productScratch)
      let sum = sum + worker * sumCount
      for first in stride(from: range.lowerBound, to: range.upperBound, by: group) {
        let images = min(group, range.upperBound - first), count = images * shape.count
        let x = input + first * layer.input.count
        activationGradient(
          device.level, layer.activation, count, output + first * shape.count, outputGradient + first * shape.count,
          inner)
        vk_column_sums_f32(
          device.level.code, count / shape.channels, shape.channels, inner, sum + gradient.sumCount)
        let g = UnsafePointer(inner)
        gradient.run(
          high: layer.transposed ? g : x, low: layer.transposed ? x : g, images: images, scratch, into: sum)
        if let product, let inputGradient {
          product.run(g, images: images, productScratch, into: inputGradient + first * layer.input.count)
        }
      }
    }
    // Every worker adds up a part of the weights.
    let threads = device.threads
    device.forEachRange(gradient.rows, grain: max(1, 4_096 / shape.channels)) { _, rows in
      gradient.add(sum, apart: sumCount, count: threads, rows, to: weightGradient)
    }
    for worker in 0..<threads {
      let bias = sum + worker * sumCount + gradient.sumCount
      for c in 0..<shape.channels { biasGradient[c] += bias[c] }
    }
  }
}

extension ConvolutionGeometry {
  /// So many images at a time that a worker's second-level cache holds both sides of them, with their gradients.
  fileprivate var imagesInCache: Int { max(1, min(16, 40_960 / (high.count + low.count))) }
}

/// A linear map of images to images, a group of them at a time.
protocol DirectProduct {
  /// Floats that a worker needs.
  var scratchCount: Int { get }
  /// Called once for each worker's scratch.
  func prepare(_ scratch: UnsafeMutablePointer<Float>)
  /// Maps as many images as a group has, or fewer.
  func run(
    _ input: UnsafePointer<Float>, images: Int, _ scratch: UnsafeMutablePointer<Float>,
    into output: UnsafeMutablePointer<Float>)
}

/// The sum of the gradients of the weights over images, a group of them at a time. Each worker has a sum of its own.
protocol WeightGradientSum {
  /// Floats of a worker's sum.
  var sumCount: Int { get }
  /// Floats that a worker needs.
  var scratchCount: Int { get }
  /// Called once for each worker's scratch.
  func prepare(_ scratch: UnsafeMutablePointer<Float>)
  /// Adds the gradient of as many images as a group has, or fewer.
  func run(
    high: UnsafePointer<Float>, low: UnsafePointer<Float>, images: Int, _ scratch: UnsafeMutablePointer<Float>,
    into sum: UnsafeMutablePointer<Float>)
  /// Rows of the sum that can be added to the gradient by themselves.
  var rows: Int { get }
  /// Adds some rows of so many sums, in their order, to the gradient.
  func add(
    _ sums: UnsafeMutablePointer<Float>, apart: Int, count: Int, _ rows: Range<Int>,
    to gradient: UnsafeMutablePointer<Float>)
}

private func weightGradientSum(_ g: ConvolutionGeometry, group: Int, on device: Device) -> any WeightGradientSum {
  if let tiled = TileWeightGradient(g, group: group, on: device) { return tiled }
  return WeightGradient(g, group: group, on: device)
}

/// The map from low to high, or from high to low.
private func directProduct(
  _ g: ConvolutionGeometry, toHigh: Bool, _ weights: UnsafePointer<Float>, group: Int, on device: Device
) -> any DirectProduct {
  if let tiled = TileConvolution(g, toHigh: toHigh, weights, group: group, on: device) { return tiled }
  if !toHigh { return Correlation(g, weights, group: group, on: device) }
  if g.high.channels < 12 { return ScatterByPatches(g, weights, on: device) }
  return ScatterByPhases(g, weights, group: group, on: device)
}

/// low = patches(high)·W.
private struct Correlation: DirectProduct {
  private let plane: PaddedPlane
  private let packed: PackedWeights
  private let patches: PatchTable
  private let outputs: [Int32]
  private let pixels: Int
  let scratchCount: Int

  init(_ g: ConvolutionGeometry, _ weights: UnsafePointer<Float>, group: Int, on device: Device) {
    plane = PaddedPlane(g.high, before: g.padding, after: (g.padding, g.padding))
    let rows = g.weightShape[0]
    packed = PackedWeights(rows: rows, columns: g.lowChannels, on: device)
    packed.fill(0, (0..<rows).map { Int32($0 * g.lowChannels) }, step: 1, from: weights)
    patches = plane.patches(of: g, images: group)
    pixels = g.low.height * g.low.width
    outputs = (0..<group * pixels).map { Int32($0 * g.lowChannels) }
    scratchCount = plane.isPadded ? group * plane.count : 0
  }

  func prepare(_ scratch: UnsafeMutablePointer<Float>) { scratch.update(repeating: 0, count: scratchCount) }

  func run(
    _ input: UnsafePointer<Float>, images: Int, _ scratch: UnsafeMutablePointer<Float>,
    into output: UnsafeMutablePointer<Float>
  ) {
    let padded = plane.inserted(input, images: images, scratch)
    patches.product(count: images * pixels, packed, row: 0, padded, outputs, output)
  }
}

/// high = Σ patches of low·Wᵀ: each high pixel gathers from the low pixels that reach it.
///
/// Pixels with the same remainder of y + padding and of x + padding by the stride meet the same taps: they are a
/// convolution of stride 1, with W's rows for those taps.
private struct ScatterByPhases: DirectProduct {
  private struct Part {
    var patches: PatchTable
    var outputs: [Int32]
    var pixels: Int
    var firstRow: Int
  }

  private let plane: PaddedPlane
  private let packed: PackedWeights
  private let parts: [Part]
  let scratchCount: Int

  init(_ g: ConvolutionGeometry, _ weights: UnsafePointer<Float>, group: Int, on device: Device) {
    let vertical = ScatterPhase.all(g, extent: g.high.height), horizontal = ScatterPhase.all(g, extent: g.high.width)
    let plane = PaddedPlane(
      g.low, before: max(0, vertical.map { $0.taps - 1 - $0.first }.max() ?? 0),
      after: (
        max(0, (vertical.map(\.last).max() ?? 0) - g.low.height + 1),
        max(0, (horizontal.map(\.last).max() ?? 0) - g.low.width + 1)
      ))
    let packed = PackedWeights(rows: g.kernel * g.kernel * g.lowChannels, columns: g.high.channels, on: device)
    var parts: [Part] = []
    var row = 0
    for y in vertical where y.first <= y.last {
      for x in horizontal where x.first <= x.last {
        var offsets: [Int32] = [], outputs: [Int32] = []
        for image in 0..<group {
          for ty in y.first...y.last {
            for tx in x.first...x.last {
              let pixel = plane.offset(y: ty - (y.taps - 1), x: tx - (x.taps - 1))
              offsets.append(Int32(image * plane.count + pixel))
              outputs.append(
                Int32(image * g.high.count + (y.high(ty) * g.high.width + x.high(tx)) * g.high.channels))
            }
          }
        }
        // Low pixels lie in ascending order, so their taps come in descending order.
        let rows = (0..<y.taps).reversed().flatMap { a in
          (0..<x.taps).reversed().flatMap { b in
            (0..<g.lowChannels).map { n in
              Int32((y.tap(a) * g.kernel + x.tap(b)) * g.high.channels * g.lowChannels + n)
            }
          }
        }
        packed.fill(row, rows, step: g.lowChannels, from: weights)
        let patches = PatchTable(
          offsets: offsets, rows: y.taps, run: x.taps * g.lowChannels, rowStride: plane.rowCount)
        parts.append(Part(patches: patches, outputs: outputs, pixels: offsets.count / group, firstRow: row))
        row += rows.count
      }
    }
    (self.plane, self.packed, self.parts) = (plane, packed, parts)
    scratchCount = plane.isPadded ? group * plane.count : 0
  }

  func prepare(_ scratch: UnsafeMutablePointer<Float>) { scratch.update(repeating: 0, count: scratchCount) }

  func run(
    _ input: UnsafePointer<Float>, images: Int, _ scratch: UnsafeMutablePointer<Float>,
    into output: UnsafeMutablePointer<Float>
  ) {
    let padded = plane.inserted(input, images: images, scratch)
    for part in parts {
      part.patches.product(count: images * part.pixels, packed, row: part.firstRow, padded, part.outputs, output)
    }
  }
}

/// The high pixels, along one axis, whose position plus padding has one remainder by the stride.
struct ScatterPhase {
  let remainder: Int
  let geometry: ConvolutionGeometry
  /// How many taps of the kernel meet these pixels.
  let taps: Int
  /// The first and the last of these pixels; pixel t meets low pixel t through one tap, low pixel t − 1 through the next.
  let first: Int, last: Int

  static func all(_ g: ConvolutionGeometry, extent: Int) -> [ScatterPhase] {
    (0..<g.stride).map { remainder in
      let below = max(0, g.padding - remainder), reach = extent - 1 + g.padding - remainder
      return ScatterPhase(
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

/// The same with few high channels: a vector is better filled by a whole patch, the products of a low pixel with all
/// taps, which are then added where they belong.
private struct ScatterByPatches: DirectProduct {
  private let geometry: ConvolutionGeometry
  private let plane: PaddedPlane
  private let packed: PackedWeights
  private let inputs: PatchTable
  private let products: [Int32]
  private let patches: PatchTable

  init(_ g: ConvolutionGeometry, _ weights: UnsafePointer<Float>, on device: Device) {
    geometry = g
    let pixels = g.low.height * g.low.width, rows = g.weightShape[0]
    plane = PaddedPlane(g.high, before: g.padding, after: (g.padding, g.padding))
    packed = PackedWeights(rows: g.lowChannels, columns: rows, on: device)
    packed.fill(0, (0..<g.lowChannels).map { Int32($0) }, step: g.lowChannels, from: weights)
    inputs = PatchTable(
      offsets: (0..<pixels).map { Int32($0 * g.lowChannels) }, rows: 1, run: g.lowChannels, rowStride: 0)
    products = (0..<pixels).map { Int32($0 * rows) }
    patches = plane.patches(of: g, images: 1)
  }

  var scratchCount: Int { products.count * geometry.weightShape[0] + plane.count }
  func prepare(_ scratch: UnsafeMutablePointer<Float>) {}

  func run(
    _ input: UnsafePointer<Float>, images: Int, _ scratch: UnsafeMutablePointer<Float>,
    into output: UnsafeMutablePointer<Float>
  ) {
    let g = geometry, rows = g.weightShape[0], padded = scratch + products.count * rows
    for image in 0..<images {
      inputs.product(count: products.count, packed, row: 0, input + image * g.low.count, products, scratch)
      padded.update(repeating: 0, count: plane.count)
      patches.add(
        scratch, step: rows, apart: (g.kernel + g.stride - 1) / g.stride, to: padded, packed.device.level)
      plane.extract(padded, to: output + image * g.high.count)
    }
  }
}

/// W-gradient = Σ_images patches(high)ᵀ·low.
private struct WeightGradient: WeightGradientSum {
  private let geometry: ConvolutionGeometry
  private let plane: PaddedPlane
  private let patches: PatchTable
  private let pixels: Int
  private let group: Int
  private let device: Device
  /// Columns of a sum: low channels and zeros up to whole vectors.
  private let columns: Int

  init(_ g: ConvolutionGeometry, group: Int, on device: Device) {
    (geometry, self.group, self.device) = (g, group, device)
    plane = PaddedPlane(g.high, before: g.padding, after: (g.padding, g.padding))
    patches = plane.patches(of: g, images: group)
    pixels = g.low.height * g.low.width
    columns = (g.lowChannels + 15) / 16 * 16
  }

  var sumCount: Int { geometry.weightShape[0] * columns }
  private var planeCount: Int { plane.isPadded ? group * plane.count : 0 }
  /// Pixels at the end of a batch that have less than a whole row of a sum after their beginning.
  private var tailPixels: Int { (columns + geometry.lowChannels - 1) / geometry.lowChannels - 1 }
  var scratchCount: Int { planeCount + tailPixels * geometry.lowChannels + columns }

  func prepare(_ scratch: UnsafeMutablePointer<Float>) { scratch.update(repeating: 0, count: scratchCount) }

  func run(
    high: UnsafePointer<Float>, low: UnsafePointer<Float>, images: Int, _ scratch: UnsafeMutablePointer<Float>,
    into sum: UnsafeMutablePointer<Float>
  ) {
    let padded = plane.inserted(high, images: images, scratch), count = images * pixels, channels = geometry.lowChannels
    // The kernel reads whole vectors. After the last pixels there may be nothing to read: they go by themselves.
    let tail = min(tailPixels, count), first = count - tail, end = scratch + planeCount
    patches.gradient(0..<first, columns: channels, step: columns, padded, low, sum, device.level)
    guard tail > 0 else { return }
    end.update(from: low + first * channels, count: tail * channels)
    patches.gradient(first..<count, columns: channels, step: columns, padded, end, sum, device.level)
  }

  var rows: Int { geometry.weightShape[0] }

  func add(
    _ sums: UnsafeMutablePointer<Float>, apart: Int, count: Int, _ rows: Range<Int>,
    to gradient: UnsafeMutablePointer<Float>
  ) {
    let channels = geometry.lowChannels, columns = columns
    for worker in 0..<count {
      let sum = sums + worker * apart
      if columns == channels {
        let (a, b) = (gradient + rows.lowerBound * columns, sum + rows.lowerBound * columns)
        Float.apply(.add, device.level, rows.count * columns, a, 1, b, 1, a)
        continue
      }
      for row in rows {
        for n in 0..<channels { gradient[row * channels + n] += sum[row * columns + n] }
      }
    }
  }
}
