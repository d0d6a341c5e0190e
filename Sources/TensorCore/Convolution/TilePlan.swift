import CVectorKernels

// How a convolution is cut into tiles of 2 × 2 outputs; see vk_tiles.h. A convolution of any kernel and stride is a sum of
// convolutions of at most three taps along each axis, over the pixels of one remainder by the stride.

/// Taps of one axis that are taken together.
private struct AxisTaps {
  /// The pixel of the padded image under the first tap of the first output.
  var pixel: Int
  /// Their numbers, in the order of the pixels.
  var taps: [Int]

  /// Cuts taps of adjacent pixels, `step` apart, into parts of at most three, as even as possible.
  static func parts(of taps: [Int], from pixel: Int, step: Int) -> [AxisTaps] {
    let count = (taps.count + 2) / 3
    return (0..<count).map { part in
      let first = taps.count * part / count, last = taps.count * (part + 1) / count
      return AxisTaps(pixel: pixel + first * step, taps: Array(taps[first..<last]))
    }
  }
}

/// Outputs of one kind along one axis: all of a convolution, or those of one phase of a transposed one.
private struct AxisOutputs {
  /// The first of them, and how many pixels they are apart.
  var first: Int, step: Int
  var count: Int
  var parts: [AxisTaps]
  /// Pixels that have to lie before the image, and behind the first.
  var before: Int
  /// Pixels of the padded image from an output to the next.
  var inputStep: Int

  /// All pixels of the low side.
  static func gather(_ g: ConvolutionGeometry, count: Int) -> AxisOutputs {
    let parts = (0..<min(g.stride, g.kernel)).flatMap { remainder in
      AxisTaps.parts(
        of: Array(stride(from: remainder, to: g.kernel, by: g.stride)), from: remainder, step: g.stride)
    }
    return AxisOutputs(first: 0, step: 1, count: count, parts: parts, before: g.padding, inputStep: g.stride)
  }

  /// The pixels of the high side, phase by phase. Low pixels lie in ascending order, so their taps come in descending order.
  static func scatter(_ g: ConvolutionGeometry, extent: Int) -> [AxisOutputs] {
    let phases = ScatterPhase.all(g, extent: extent).filter { $0.first <= $0.last }
    let before = max(0, phases.map { $0.taps - 1 - $0.first }.max() ?? 0)
    return phases.map { phase in
      AxisOutputs(
        first: phase.high(phase.first), step: g.stride, count: phase.last - phase.first + 1,
        parts: AxisTaps.parts(
          of: (0..<phase.taps).reversed().map(phase.tap), from: before + phase.first - (phase.taps - 1), step: 1),
        before: before, inputStep: 1)
    }
  }

  var tiles: Int { (count + 1) / 2 }
  /// Pixels that the tiles read, from the first of the padded image.
  var reach: Int { (parts.map { $0.pixel + (2 * tiles - 2 + $0.taps.count) * inputStep }.max() ?? 0) + 1 }
}

/// The parts of a convolution with the same numbers of taps: their products are summed before they become outputs.
struct TapGroup {
  struct Part {
    /// Floats from the beginning of the padded image to the pixel under the first tap of the first output.
    var offset: Int
    var taps: vk_taps
  }

  var yTaps: Int, xTaps: Int
  var parts: [Part]
  /// Products for each tile, pair of channels and part.
  var points: Int { (yTaps + 1) * (xTaps + 1) }

  func tiles(_ count: Int, channels: Int) -> vk_tiles {
    vk_tiles(y_taps: Int32(yTaps), x_taps: Int32(xTaps), channels: channels, tiles: count)
  }
}

/// Outputs of one kind, with everything that is summed for them.
struct TileMap {
  /// Outputs of an image.
  let rows: Int, columns: Int
  /// Floats of an output image: where the first is, and the distances to the next row and pixel.
  let first: Int, row: Int, pixel: Int
  /// Floats of the padded image from the pixel of a tap of one output to that of the next.
  let inputRow: Int, inputPixel: Int
  let groups: [TapGroup]

  var tileRows: Int { (rows + 1) / 2 }
  var tileColumns: Int { (columns + 1) / 2 }
}

/// A convolution or a transposed one in tiles.
struct TilePlan {
  let plane: PaddedPlane
  let channels: (input: Int, output: Int)
  let output: ImageShape
  let maps: [TileMap]

  init(_ g: ConvolutionGeometry, toHigh: Bool) {
    let (input, output) = toHigh ? (g.low, g.high) : (g.high, g.low)
    let vertical = toHigh ? AxisOutputs.scatter(g, extent: output.height) : [.gather(g, count: output.height)]
    let horizontal = toHigh ? AxisOutputs.scatter(g, extent: output.width) : [.gather(g, count: output.width)]
    let before = max(vertical.first?.before ?? 0, horizontal.first?.before ?? 0)
    // Both axes get the larger border.
    func shift(_ axis: AxisOutputs) -> Int { before - axis.before }
    let plane = PaddedPlane(
      input, before: before,
      after: (
        max(0, (vertical.map { $0.reach + shift($0) }.max() ?? 0) - before - input.height),
        max(0, (horizontal.map { $0.reach + shift($0) }.max() ?? 0) - before - input.width)
      ))
    maps = vertical.flatMap { y in
      horizontal.map { x in
        var groups: [TapGroup] = []
        for a in y.parts {
          for b in x.parts {
            let pixel = plane.offset(y: a.pixel + shift(y) - before, x: b.pixel + shift(x) - before)
            let part = TapGroup.Part(offset: pixel, taps: vk_taps(a.taps, b.taps, kernel: g.kernel))
            if let same = groups.firstIndex(where: { ($0.yTaps, $0.xTaps) == (a.taps.count, b.taps.count) }) {
              groups[same].parts.append(part)
            } else {
              groups.append(TapGroup(yTaps: a.taps.count, xTaps: b.taps.count, parts: [part]))
            }
          }
        }
        return TileMap(
          rows: y.count, columns: x.count, first: (y.first * output.width + x.first) * output.channels,
          row: y.step * output.width * output.channels, pixel: x.step * output.channels,
          inputRow: y.inputStep * plane.rowCount, inputPixel: x.inputStep * input.channels, groups: groups)
      }
    }
    (self.plane, self.output, channels) = (plane, output, (input.channels, output.channels))
  }

  /// Whether tiles take less time than the products of the definition, by a model: to transform a value takes as long as
  /// five multiply-adds.
  var isFaster: Bool {
    let transform = 5.0
    // Columns of products are whole vectors or halves; what is left of a vector is transformed in ever smaller ones.
    let columns = Double((channels.output + 7) / 8 * 8)
    func lanes(_ count: Int) -> Double { Double(count / 16 + (count % 16).nonzeroBitCount) * 16 }
    var tiled = 0.0, direct = 0.0
    for map in maps {
      let tiles = Double(map.tileRows * map.tileColumns)
      for group in map.groups {
        let parts = Double(group.parts.count), points = Double(group.points)
        let products = parts * Double(channels.input) * columns
        tiled += tiles * points * (products + transform * (parts * lanes(channels.input) + lanes(channels.output)))
        direct += Double(map.rows * map.columns * group.yTaps * group.xTaps) * products
      }
    }
    return tiled < direct
  }

  /// Whether some output has no tap, and is not written.
  var hasGaps: Bool { maps.contains { $0.groups.isEmpty } }

  /// Rows of tiles of a map that are taken at a time: the points of both sides take about 384 KB.
  func rowsAtOnce(_ map: TileMap) -> Int {
    let floats = map.groups.map { $0.points * ($0.parts.count * channels.input + channels.output) }.max() ?? 1
    return max(1, 98_304 / (floats * map.tileColumns))
  }

  /// Floats between points of a group, not a power of two: they would map to the same few sets of the cache.
  func inputPoint(_ map: TileMap, _ group: TapGroup) -> Int {
    rowsAtOnce(map) * map.tileColumns * group.parts.count * channels.input + 80
  }
  func outputPoint(_ map: TileMap) -> Int { rowsAtOnce(map) * map.tileColumns * channels.output + 80 }

  /// Floats for the points of the images, and of outputs.
  var inputCount: Int { maps.flatMap { map in map.groups.map { $0.points * inputPoint(map, $0) } }.max() ?? 0 }
  var outputCount: Int { maps.flatMap { map in map.groups.map { $0.points * outputPoint(map) } }.max() ?? 0 }

  /// Calls `body` with blocks of a map's rows of tiles of so many images, counted from the first image's.
  func forEachBlock(_ map: TileMap, images: Int, _ body: (_ rows: Range<Int>) -> Void) {
    let rows = images * map.tileRows, step = rowsAtOnce(map)
    for first in stride(from: 0, to: rows, by: step) { body(first..<min(first + step, rows)) }
  }

  /// The points of a block of padded images.
  func transformImages(
    _ map: TileMap, _ group: TapGroup, _ block: Range<Int>, _ padded: UnsafePointer<Float>,
    into points: UnsafeMutablePointer<Float>, _ level: VectorLevel
  ) {
    var tiles = group.tiles(map.tileColumns, channels: channels.input)
    let tile = group.parts.count * channels.input, point = inputPoint(map, group)
    for row in block {
      let (image, y) = row.quotientAndRemainder(dividingBy: map.tileRows)
      let from = padded + image * plane.count + 2 * y * map.inputRow
      let to = points + (row - block.lowerBound) * map.tileColumns * tile
      for (number, part) in group.parts.enumerated() {
        vk_tile_image_f32(
          level.code, &tiles, from + part.offset, map.inputRow, map.inputPixel, to + number * channels.input, point,
          tile)
      }
    }
  }

  /// Calls `body` with each row of tiles of a block: its number in the block, where its outputs begin, and how many rows of
  /// them there are.
  func forEachRow(_ map: TileMap, _ block: Range<Int>, _ body: (_ row: Int, _ offset: Int, _ live: Int) -> Void) {
    for row in block {
      let (image, y) = row.quotientAndRemainder(dividingBy: map.tileRows)
      body(row - block.lowerBound, image * output.count + map.first + 2 * y * map.row, min(2, map.rows - 2 * y))
    }
  }

  /// The tiles of a block as patches of one pixel with the channels of all parts.
  func patches(_ map: TileMap, _ group: TapGroup) -> PatchTable {
    let depth = group.parts.count * channels.input
    return PatchTable(
      offsets: (0..<rowsAtOnce(map) * map.tileColumns).map { Int32($0 * depth) }, rows: 1, run: depth, rowStride: 0)
  }
}

extension vk_taps {
  /// Taps of a square kernel, by their rows and columns.
  init(_ rows: [Int], _ columns: [Int], kernel: Int) {
    self.init()
    (y_taps, x_taps) = (Int32(rows.count), Int32(columns.count))
    withUnsafeMutableBytes(of: &numbers) {
      let numbers = $0.assumingMemoryBound(to: Int32.self)
      for (place, row) in rows.enumerated() {
        for (column, tap) in columns.enumerated() {
          numbers[place * columns.count + column] = Int32(row * kernel + tap)
        }
      }
    }
  }
}
