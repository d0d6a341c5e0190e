import Diagnostics
import FileFormats
import Foundation
import TensorCore

/// The layout of the published dSprites file.
enum DSpritesLayout {
  /// The images, uint8, [737280, 64, 64].
  static let images = "imgs"
  /// The chunks they come in: 23,040 images, of each two rows and four columns.
  static let chunk = [23_040, 2, 4]
  /// The bytes of such a chunk.
  static let chunkBytes = 23_040 * 2 * 4
  /// The columns of the factor tables: the colour, which has one value, and the factors.
  static let columns = [Factor("color", size: 1)] + DSprites.factors

  /// The name of a factor table, in HDF5 or NPZ.
  static func table(_ name: String, in file: any ArrayFile) -> String {
    file is NPZFile ? "latents_\(name)" : "latents/\(name)"
  }

  /// The values of the columns: colour 1, shape 1–3, scale 0.5–1, orientation 0–2π, positions 0–1.
  static let values: [[Double]] = [
    [1], [1, 2, 3], evenly(0.5, 1, 6), evenly(0, 2 * .pi, 40), evenly(0, 1, 32), evenly(0, 1, 32),
  ]

  private static func evenly(_ first: Double, _ last: Double, _ count: Int) -> [Double] {
    (0..<count).map { first + (last - first) * Double($0) / Double(count - 1) }
  }
}

extension DSprites {
  /// Reads a file in the published layout, HDF5 or NPZ, on all threads of a device.
  ///
  /// Every pixel is checked to be 0 or 1, and the factor table to be the grid that ``factorSpace`` describes. The images
  /// need not be those that ``init(renderedOn:)`` draws.
  ///
  /// - Throws: `StructuredError` when the file is missing, damaged or not in this layout.
  public init(file path: String, on device: Device) throws {
    let file = try openArrayFile(path)
    let about = try file.information(DSpritesLayout.images)
    let location = "\(path), array \"\(DSpritesLayout.images)\""
    guard about.shape == [Self.count, 64, 64] else {
      throw StructuredError(
        "the array has shape \(about.shape)", at: location, expected: "shape [737280, 64, 64]",
        action: "Other image files load with the data set name \"file\".")
    }
    guard UInt8.accepts(about.type) else {
      throw StructuredError("the array holds \(about.type)", at: location, expected: "uint8")
    }
    let images = try ImageStore(count: Self.count, shape: Self.imageShape, format: .bits)
    if let file = file as? HDF5File, about.chunkShape == DSpritesLayout.chunk,
      about.filters.isEmpty || about.filters == ["deflate"]
    {
      try Self.readChunks(file, into: images, on: device)
    } else {
      try file.forEachSlab(of: DSpritesLayout.images, as: UInt8.self, rows: 4096) { range, pixels in
        guard let start = pixels.baseAddress else { return }
        if let stray = images.pack(start, range, on: device) { throw stray.error(at: location) }
      }
    }
    try Self.checkClasses(file)
    try self.init(images: images)
  }

  /// Whether a file has images of the published extents, so that it is worth reading as dSprites.
  public static func isInPublishedLayout(_ file: any ArrayFile) -> Bool {
    (try? file.information(DSpritesLayout.images).shape) == [count, 64, 64]
  }

  /// Inflates the chunks on all threads: each takes whole pairs of rows, 16 chunks that hold 64 columns of them, so that
  /// words are written once and whole.
  private static func readChunks(_ file: HDF5File, into images: ImageStore, on device: Device) throws {
    let count = DSpritesLayout.chunk[0], bytes = DSpritesLayout.chunkBytes
    let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: device.threads * 16 * bytes, alignment: 64)
    defer { scratch.deallocate() }
    let decoders = try (0..<device.threads).map { _ in
      guard let decoder = ZlibDecoder() else { throw StructuredError("there is not enough memory", at: file.path) }
      return decoder
    }
    for block in 0..<Self.count / count {
      let offsets = (0..<512).map { [block * count, $0 / 16 * 2, $0 % 16 * 4] }
      let chunks = try file.readRawChunks(DSpritesLayout.images, at: offsets)
      try device.forEachItem(32) { worker, pair in
        let columns = UnsafeMutableRawBufferPointer(rebasing: scratch[worker * 16 * bytes..<(worker + 1) * 16 * bytes])
        for column in 0..<16 {
          let target = UnsafeMutableRawBufferPointer(rebasing: columns[column * bytes..<(column + 1) * bytes])
          guard decode(chunks[pair * 16 + column], decoders[worker], into: target) else {
            throw StructuredError(
              "the chunk at \(offsets[pair * 16 + column]) is damaged",
              at: "\(file.path), array \"\(DSpritesLayout.images)\"", action: "Copy or download the file again.")
          }
        }
        let target = images.rows(at: block * count) + 2 * pair
        if let stray = assemble(UnsafeRawBufferPointer(columns), into: target) {
          throw NonBinaryPixel(image: block * count + stray.image, value: stray.value)
            .error(at: "\(file.path), array \"\(DSpritesLayout.images)\"")
        }
      }
    }
  }

  private static func decode(
    _ chunk: HDF5File.RawChunk?, _ decoder: ZlibDecoder, into target: UnsafeMutableRawBufferPointer
  ) -> Bool {
    guard let chunk else {
      target.initializeMemory(as: UInt8.self, repeating: 0)
      return true
    }
    return chunk.bytes.withUnsafeBytes { stored in
      if chunk.isDeflated { return decoder.decode(stored, into: target) }
      guard stored.count == target.count else { return false }
      target.copyMemory(from: stored)
      return true
    }
  }

  /// Joins 16 chunks of four columns to pairs of words, one pair per image.
  private static func assemble(
    _ columns: UnsafeRawBufferPointer, into target: UnsafeMutablePointer<UInt64>
  ) -> NonBinaryPixel? {
    for image in 0..<DSpritesLayout.chunk[0] {
      var upper: UInt64 = 0, lower: UInt64 = 0, stray: UInt64 = 0
      for column in 0..<16 {
        let eight = columns.load(fromByteOffset: column * DSpritesLayout.chunkBytes + image * 8, as: UInt64.self)
        let bits = BitPacking.pack(eight)
        stray |= eight & BitPacking.notBinary
        upper |= (bits & 15) << UInt64(4 * column)
        lower |= (bits >> 4) << UInt64(4 * column)
      }
      if stray != 0 {
        let values = (0..<128).lazy.map { columns[$0 / 8 * DSpritesLayout.chunkBytes + image * 8 + $0 % 8] }
        return NonBinaryPixel(image: image, value: values.first { $0 > 1 } ?? 0)
      }
      target[image * 64] = upper
      target[image * 64 + 1] = lower
    }
    return nil
  }

  /// Makes sure that the factor table is the grid, row by row.
  private static func checkClasses(_ file: any ArrayFile) throws {
    let table = DSpritesLayout.table("classes", in: file)
    let location = "\(file.path), array \"\(table)\""
    let about = try file.information(table)
    guard about.shape == [count, 6] else {
      throw StructuredError("the array has shape \(about.shape)", at: location, expected: "shape [737280, 6]")
    }
    let space = try FactorSpace(DSpritesLayout.columns)
    try file.forEachSlab(of: table, as: Int.self, rows: 1 << 14) { range, rows in
      for (position, index) in range.enumerated() {
        for column in 0..<6 where rows[position * 6 + column] != space.value(of: column, at: index) {
          throw StructuredError(
            "image \(index) has the factors \(Array(rows[position * 6..<position * 6 + 6]))", at: location,
            expected: "\(space.values(at: index)), as in the published order",
            action: "A file in another order loads with the data set name \"file\".")
        }
      }
    }
  }
}
