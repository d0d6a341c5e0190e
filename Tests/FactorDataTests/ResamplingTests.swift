import FileFormats
import Foundation
import TensorCore
import TestSupport
import Testing

@testable import FactorData

@Suite("Resizing images") struct ResamplingTests {
  /// Images as floats in [0, 1].
  private struct Floats: ImageSource {
    let count: Int
    let shape: ImageShape
    let pixels: [Float]
    var format: PixelFormat { .floats }

    func read(_ indices: UnsafeBufferPointer<Int>, into destination: UnsafeMutablePointer<Float>) {
      for (place, index) in indices.enumerated() {
        for pixel in 0..<shape.count { destination[place * shape.count + pixel] = pixels[index * shape.count + pixel] }
      }
    }
  }

  private func resized(_ source: any ImageSource, _ size: Int, _ filter: ResamplingFilter) throws -> [UInt8] {
    let images = ResizedImages(source, size: size, by: filter), indices = Array(0..<source.count)
    var bytes = [UInt8](repeating: 0, count: images.count * images.shape.count)
    try indices.withUnsafeBufferPointer { indices in
      try bytes.withUnsafeMutableBufferPointer { try images.readBytes(indices, into: #require($0.baseAddress)) }
    }
    return bytes
  }

  @Test(
    "Each filter gives the golden pixels, smaller and larger",
    arguments: [
      ("cars", "area", 64), ("cars", "bilinear", 64), ("cars", "bicubic", 64), ("cars", "lanczos", 64),
      ("norb", "area", 64), ("norb", "bilinear", 64), ("norb", "bicubic", 64), ("norb", "lanczos", 64),
      ("mnist", "bilinear", 32), ("mnist", "bicubic", 32), ("mnist", "lanczos", 32),
    ])
  func golden(set: String, filter: String, size: Int) throws {
    let file = try HDF5File(reading: Golden.path("datasets/resize/resize.h5"))
    let input = try file.read("\(set)/input", as: UInt8.self),
      expected = try file.read("\(set)/\(filter)", as: Double.self)
    let source = Floats(
      count: 4,
      shape: ImageShape(height: input.shape[1], width: input.shape[2], channels: input.shape.dropFirst(3).first ?? 1),
      pixels: input.values.map { Float($0) / 255 })
    let bytes = try resized(source, size, #require(ResamplingFilter(rawValue: filter)))
    try #require(bytes.count == expected.values.count)
    // Pillow rounds to 8 bits between lines and columns; the golden areas are not rounded at all.
    let tolerance = filter == "area" ? 0.5 + 1e-3 : 2
    let worst = zip(bytes, expected.values).map { abs(Double($0) - $1) }.max() ?? .nan
    #expect(worst <= tolerance, "\(worst)")
  }

  @Test(
    "Weights add up to 1 and stay in the image; of the same size nothing changes", arguments: ResamplingFilter.allCases)
  func weights(filter: ResamplingFilter) {
    for (old, new) in [(1, 1), (1, 7), (7, 1), (64, 64), (96, 64), (28, 32), (5, 3), (640, 3)] {
      let all = filter.weights(from: old, to: new)
      #expect(all.count == new)
      for (pixel, (first, weights)) in all.enumerated() {
        #expect(first >= 0 && first + weights.count <= old && !weights.isEmpty)
        #expect(abs(weights.reduce(0, +) - 1) < 1e-5)
        if old == new {
          for (offset, weight) in weights.enumerated() {
            #expect(abs(weight - (first + offset == pixel ? 1 : 0)) < 1e-6)
          }
        }
      }
    }
  }

  @Test("Runs hold the same pixels as single images, of sources on disk and others") func runs() throws {
    let shape = ImageShape(height: 6, width: 5, channels: 2), device = Device(threads: 3)
    let bytes = (0..<9 * 60).map { UInt8($0 * 37 % 256) }
    let folder = try TemporaryFolder(), writer = try HDF5Writer()
    try writer.write("images", bytes, shape: [9, 6, 5, 2])
    try writer.save(to: folder.file("a.h5"))
    let disk = try ArrayImages(HDF5File(reading: folder.file("a.h5")), "images", count: 9, shape: shape, format: .bytes)
    for source in [disk, Floats(count: 9, shape: shape, pixels: bytes.map { Float($0) / 255 })] as [any ImageSource] {
      var all: [UInt8] = []
      try ResizedImages(source, size: 4, by: .bicubic).forEachRun(on: device) { images, pixels in
        #expect(images.lowerBound * 32 == all.count)
        all += pixels
      }
      #expect(try all == resized(source, 4, .bicubic))
    }
  }
}
