import Diagnostics
import FactorData
import FileFormats
import TestSupport
import Testing

/// What golden files of data sets hold, and what was read.
enum GoldenSets {
  /// Images as bytes, [B, H, W, C].
  static func bytes(_ data: any FactorDataset, _ indices: [Int]) throws -> [UInt8] {
    var pixels = [Float](repeating: -1, count: indices.count * data.imageShape.count)
    try data.read(indices, into: &pixels)
    return pixels.map { UInt8(($0 * 255).rounded()) }
  }

  /// The CRC-32 of each image.
  static func checksums(_ data: any FactorDataset) throws -> [Int] {
    try (0..<data.count).map { Int(Checksum.crc32(try bytes(data, [$0]))) }
  }

  /// The factors of all images, [N, K]; −1 where unknown.
  static func factors(_ data: any FactorDataset) -> [Int] {
    (0..<data.count).flatMap { data.factors.values(at: $0).map { $0 ?? -1 } }
  }

  static func golden(_ name: String, _ array: String) throws -> [UInt8] {
    try HDF5File(reading: Golden.path(name)).read(array, as: UInt8.self).values
  }

  static func integers(_ name: String, _ array: String) throws -> [Int] {
    try HDF5File(reading: Golden.path(name)).read(array, as: Int.self).values
  }

  /// Checks that there is one error, about a path, that contains a text.
  static func expectError(
    _ message: String, at path: String, _ read: () throws -> Void, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let error = #expect(throws: StructuredError.self, sourceLocation: sourceLocation) { try read() }
    let text = error.map { "\($0)" } ?? "none"
    #expect(error?.what.contains(message) == true, "\(text)", sourceLocation: sourceLocation)
    #expect(error?.location?.hasPrefix(path) == true, "\(text)", sourceLocation: sourceLocation)
  }
}
