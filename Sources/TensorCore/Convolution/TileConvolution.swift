import CVectorKernels

// Convolutions in tiles of 2 × 2 outputs, with fewer products than the definition has: 16 in place of 36 for a kernel of 3
// and stride 1, 36 in place of 64 for a kernel of 4 and stride 2, 49 in place of 100 for a kernel of 5 and either stride.

/// low = patches(high)·W, or high = Σ patches of low·Wᵀ.
struct TileConvolution: DirectProduct {
  /// What is computed for a group of taps.
  private struct Product {
    var group: TapGroup
    var patches: PatchTable
    var firstRow: Int
  }

  private let plan: TilePlan
  private let group: Int
  private let products: [[Product]]
  private let packed: PackedWeights
  private let outputs: [Int32]
  private let level: VectorLevel

  /// Nil where direct products are faster.
  init?(_ g: ConvolutionGeometry, toHigh: Bool, _ weights: UnsafePointer<Float>, group: Int, on device: Device) {
    let plan = TilePlan(g, toHigh: toHigh)
    guard !plan.hasGaps, plan.isFaster else { return nil }
    let count = g.high.channels * g.lowChannels, level = device.level, input = plan.channels.input
    let all = plan.maps.flatMap(\.groups)
    let largest = all.map { $0.points * $0.parts.count }.max() ?? 0
    // Places in the transformed weights are 32-bit numbers.
    guard largest * count <= Int(Int32.max) else { return nil }
    let packed = PackedWeights(
      rows: all.reduce(0) { $0 + $1.points * $1.parts.count * input }, columns: plan.channels.output, on: device)
    let transformed = Storage<Float>(count: largest * count, on: device), u = transformed.pointer
    let (row, column) = toHigh ? (1, g.lowChannels) : (g.lowChannels, 1)
    var firstRow = 0
    products = plan.maps.map { map in
      map.groups.map { group in
        let parts = group.parts.count, depth = parts * input
        device.forEachRange(count, grain: 2_048) { _, range in
          for (number, part) in group.parts.enumerated() {
            var taps = part.taps
            vk_tile_weights_f32(
              level.code, &taps, count, range.lowerBound, range.upperBound, weights, u + number * count, parts * count)
          }
        }
        for point in 0..<group.points {
          let offsets = (0..<depth).map { Int32((point * parts + $0 / input) * count + $0 % input * row) }
          packed.fill(firstRow + point * depth, offsets, step: column, from: u)
        }
        defer { firstRow += group.points * depth }
        return Product(group: group, patches: plan.patches(map, group), firstRow: firstRow)
      }
    }
    (self.plan, self.group, self.packed, self.level) = (plan, group, packed, level)
    let tiles = plan.maps.map { plan.rowsAtOnce($0) * $0.tileColumns }.max() ?? 0
    outputs = (0..<tiles).map { Int32($0 * plan.channels.output) }
  }

  private var planeCount: Int { plan.plane.isPadded ? group * plan.plane.count : 0 }
  var scratchCount: Int { planeCount + plan.inputCount + plan.outputCount }

  func prepare(_ scratch: UnsafeMutablePointer<Float>) { scratch.update(repeating: 0, count: planeCount) }

  func run(
    _ input: UnsafePointer<Float>, images: Int, _ scratch: UnsafeMutablePointer<Float>,
    into output: UnsafeMutablePointer<Float>
  ) {
    let padded = plan.plane.inserted(input, images: images, scratch)
    let v = scratch + planeCount, m = v + plan.inputCount, channels = plan.channels
    for (map, products) in zip(plan.maps, products) {
      let outputPoint = plan.outputPoint(map)
      plan.forEachBlock(map, images: images) { block in
        for (number, product) in products.enumerated() {
          let group = product.group, inputPoint = plan.inputPoint(map, group)
          plan.transformImages(map, group, block, padded, into: v, level)
          for point in 0..<group.points {
            product.patches.product(
              count: block.count * map.tileColumns, packed,
              row: product.firstRow + point * group.parts.count * channels.input, v + point * inputPoint, outputs,
              m + point * outputPoint)
          }
          var tiles = group.tiles(map.tileColumns, channels: channels.output)
          plan.forEachRow(map, block) { row, offset, live in
            vk_tile_output_f32(
              level.code, &tiles, live, map.columns, m + row * map.tileColumns * channels.output, outputPoint,
              number > 0 ? 1 : 0, output + offset, map.row, map.pixel)
          }
        }
      }
    }
  }
}

/// W-gradient = Σ_images patches(high)ᵀ·low.
struct TileWeightGradient: WeightGradientSum {
  private let plan: TilePlan
  private let map: TileMap
  private let patches: [PatchTable]
  /// Where the sum of each group begins.
  private let starts: [Int]
  private let group: Int
  private let level: VectorLevel
  /// Columns of a sum: low channels and zeros up to whole vectors.
  private let columns: Int
  let sumCount: Int

  /// Nil where direct products are faster.
  init?(_ g: ConvolutionGeometry, group: Int, on device: Device) {
    let plan = TilePlan(g, toHigh: false)
    guard let map = plan.maps.first, plan.isFaster else { return nil }
    (self.plan, self.map, self.group, level) = (plan, map, group, device.level)
    patches = map.groups.map { plan.patches(map, $0) }
    columns = (g.lowChannels + 15) / 16 * 16
    var starts: [Int] = [], count = 0
    for group in map.groups {
      starts.append(count)
      count += group.points * group.parts.count * g.high.channels * columns
    }
    (self.starts, sumCount) = (starts, count)
  }

  private var planeCount: Int { plan.plane.isPadded ? group * plan.plane.count : 0 }
  // The kernel reads up to fifteen floats behind the last point.
  var scratchCount: Int { planeCount + plan.inputCount + plan.outputCount + 16 }
  var rows: Int { plan.channels.input }

  func prepare(_ scratch: UnsafeMutablePointer<Float>) { scratch.update(repeating: 0, count: scratchCount) }

  func run(
    high: UnsafePointer<Float>, low: UnsafePointer<Float>, images: Int, _ scratch: UnsafeMutablePointer<Float>,
    into sum: UnsafeMutablePointer<Float>
  ) {
    let padded = plan.plane.inserted(high, images: images, scratch), channels = plan.channels
    let v = scratch + planeCount, e = v + plan.inputCount, outputPoint = plan.outputPoint(map)
    plan.forEachBlock(map, images: images) { block in
      for (number, group) in map.groups.enumerated() {
        let inputPoint = plan.inputPoint(map, group), depth = group.parts.count * channels.input
        plan.transformImages(map, group, block, padded, into: v, level)
        var tiles = group.tiles(map.tileColumns, channels: channels.output)
        plan.forEachRow(map, block) { row, offset, live in
          vk_tile_gradient_f32(
            level.code, &tiles, live, map.columns, low + offset, map.row,
            e + row * map.tileColumns * channels.output, outputPoint)
        }
        for point in 0..<group.points {
          patches[number].gradient(
            0..<block.count * map.tileColumns, columns: channels.output, step: columns, v + point * inputPoint,
            e + point * outputPoint, sum + starts[number] + point * depth * columns, level)
        }
      }
    }
  }

  func add(
    _ sums: UnsafeMutablePointer<Float>, apart: Int, count: Int, _ rows: Range<Int>,
    to gradient: UnsafeMutablePointer<Float>
  ) {
    for (group, start) in zip(map.groups, starts) {
      let parts = group.parts.count, block = self.rows * columns, point = parts * block
      for (number, part) in group.parts.enumerated() {
        let first = sums + start + number * block
        for worker in 1..<max(1, count) {
          for number in 0..<group.points {
            let total = first + number * point + rows.lowerBound * columns
            Float.apply(.add, level, rows.count * columns, total, 1, total + worker * apart, 1, total)
          }
        }
        var taps = part.taps
        vk_tile_finish_f32(
          level.code, &taps, self.rows, rows.lowerBound, rows.upperBound, plan.channels.output, first, point, columns,
          gradient)
      }
    }
  }
}
