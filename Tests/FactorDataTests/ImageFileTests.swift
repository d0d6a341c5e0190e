import Diagnostics
import FactorData
import FileFormats
import Foundation
import TensorCore
import TestSupport
import Testing

@Suite struct ImageFileTests {
  let folder: TemporaryFolder
  let device = Device(threads: 2)

  init() throws { folder = try TemporaryFolder() }

  private func write(_ fill: (HDF5Writer) throws -> Void) throws -> String {
    let writer = try HDF5Writer()
    try fill(writer)
    try writer.save(to: folder.file("images.h5"))
    return folder.file("images.h5")
  }

  private func pixels(_ data: some FactorDataset, _ indices: [Int]) throws -> [Float] {
    var pixels = [Float](repeating: -1, count: indices.count * data.imageShape.count)
    try data.read(indices, into: &pixels)
    return pixels
  }

  private func error(images: String? = nil, factors: String? = nil, _ path: String) -> StructuredError? {
    #expect(throws: StructuredError.self) {
      try ImageFile(path: path, images: images, factors: factors, on: device)
    }
  }

  @Test("Bytes are divided by 255, and colours change fastest") func colours() throws {
    let path = try write { try $0.write("images", (0..<24).map { UInt8($0 * 10) }, shape: [2, 2, 2, 3]) }
    let data = try ImageFile(path: path, on: device)
    #expect(data.count == 2 && data.imageShape == ImageShape(height: 2, width: 2, channels: 3) && !data.isBinary)
    #expect(try pixels(data, [1, 0]) == (Array(12..<24) + Array(0..<12)).map { Float($0 * 10) / 255 })
    #expect(data.factors == .none && data.factors.isEmpty && data.factors.values(at: 1).isEmpty)
  }

  @Test("Images of 0 and 1 stay as they are and take one bit per pixel") func binary() throws {
    let bytes = (0..<210).map { UInt8($0 % 3 == 0 ? 1 : 0) }
    let path = try write {
      try $0.write("bytes", bytes, shape: [3, 7, 10])
      try $0.write(
        "floats", bytes.map { Float($0) }, shape: [3, 7, 10], layout: .deflated(chunks: [2, 7, 5], level: 3))
    }
    for array in ["bytes", "floats"] {
      let data = try ImageFile(path: path, images: array, on: device)
      #expect(data.isBinary && data.images.memoryBytes == 3 * 56)
      #expect(try pixels(data, [0, 1, 2]) == bytes.map { Float($0) })
    }
  }

  @Test("Floats in [0, 1] stay as they are") func floats() throws {
    let values: [Double] = [0, 0.25, 1, 0.5]
    let data = try ImageFile(path: write { try $0.write("imgs", values, shape: [1, 2, 2]) }, on: device)
    #expect(try pixels(data, [0]) == [0, 0.25, 1, 0.5] && data.images.format == .floats)
  }

  @Test(
    "NaN and numbers outside [0, 1] are refused by image and value",
    arguments: [(Float.nan, "nan"), (1.5, "1.5"), (-0.25, "-0.25"), (.infinity, "inf")])
  func badFloats(value: Float, text: String) throws {
    let path = try write { try $0.write("images", [0, 0.5, 1, value], shape: [2, 1, 2]) }
    let found = error(path)
    #expect(found?.what == "image 1 has a pixel of value \(text)" && found?.expected == "numbers in [0, 1]")
  }

  @Test("Factors, their names and their grid are found") func factors() throws {
    let path = try write {
      try $0.write("images", [UInt8](repeating: 7, count: 6), shape: [6, 1, 1])
      try $0.write("factors", [0, 0, 0, 1, 0, 2, 1, 0, 1, 1, 1, 2], shape: [6, 2])
      try $0.setAttribute("names", ["colour", "size"], of: "factors")
      try $0.write("shuffled", [1, 0, 0, 1, 0, 2, 0, 0, 1, 1, 1, 2], shape: [6, 2])
      try $0.write("labels", [0, 1, 2, 1, 0, 1], shape: [6])
    }
    let grid = try ImageFile(path: path, on: device)
    #expect(grid.factors.list == [Factor("colour", size: 2), Factor("size", size: 3)])
    #expect(grid.factorSpace?.count == 6 && grid.factors.values(at: 4) == [1, 1])
    let shuffled = try ImageFile(path: path, factors: "shuffled", on: device)
    #expect(shuffled.factorSpace == nil && shuffled.factors.values(at: 0) == [1, 0])
    #expect(shuffled.factors.names == ["factor 0", "factor 1"])
    let labels = try ImageFile(path: path, factors: "labels", on: device)
    #expect(labels.factors.list == [Factor("factor 0", size: 3)] && labels.factors.values(at: 2) == [2])
  }

  @Test("−1 marks an unknown value; kinds come from an attribute, or else from the name") func partlyKnown() throws {
    let path = try write {
      try $0.write("images", [UInt8](repeating: 7, count: 4), shape: [4, 1, 1])
      try $0.write("factors", [0, 0, 1, -1, 1, 1, 0, -1], shape: [4, 2])
      try $0.setAttribute("names", ["shape", "angle"], of: "factors")
      try $0.write("described", [0, 0, 0, 1, 1, 0, 1, 1], shape: [4, 2])
      try $0.setAttribute("factor_kinds", ["ordered", "cyclic"], of: "described")
    }
    let partly = try ImageFile(path: path, on: device).factors
    #expect(partly.values(at: 1) == [1, nil] && partly.unknownCounts == [0, 2] && !partly.isComplete)
    #expect(partly.list == [Factor("shape", size: 2, kind: .categorical), Factor("angle", size: 2)])
    #expect(partly.column(1) == [0, -1, 1, -1])
    let described = try ImageFile(path: path, factors: "described", on: device).factors
    #expect(described.list.map(\.kind) == [.ordered, .cyclic] && described.grid?.count == 4 && described.isComplete)
    let summary = try DatasetSummary(of: ImageFile(path: path, on: device), on: device).description
    #expect(summary.contains("factors    shape 2, angle 2 (unknown for 2 images) (not the full grid in order)"))
  }

  @Test("Factors that do not suit are refused") func badFactors() throws {
    let path = try write {
      try $0.write("images", [UInt8](repeating: 7, count: 3), shape: [3, 1, 1])
      try $0.write("short", [0, 1], shape: [2])
      try $0.write("negative", [0, 1, 0, -2, 0, 1], shape: [3, 2])
      try $0.write("nowhere", [-1, 1, -1, 0, -1, 1], shape: [3, 2])
      try $0.write("kinds", [0, 1, 0, 0, 0, 1], shape: [3, 2])
      try $0.setAttribute("kinds", ["ordered", "categoric"], of: "kinds")
      try $0.write("real", [0.5, 1, 2], shape: [3])
      try $0.write("deep", [0, 1, 2], shape: [3, 1, 1])
      try $0.write("twice", [0, 1, 0, 1, 0, 1], shape: [3, 2])
      try $0.setAttribute("names", ["a", "a"], of: "twice")
    }
    let short = error(factors: "short", path)
    #expect(short?.what == "the array has 2 rows" && short?.expected == "one for each of the 3 images")
    #expect(error(factors: "negative", path)?.what == "image 1 has the value -2 of factor 1")
    #expect(error(factors: "nowhere", path)?.what == "no image has a known value of factor 0")
    let kind = error(factors: "kinds", path)
    #expect(kind?.what == "\"categoric\" is not a kind of factor" && kind?.action == "Did you mean categorical?")
    let real = error(factors: "real", path)
    #expect(real?.what == "image 0 has the value 0.5 of factor 0" && real?.action?.contains("dataset.bins") == true)
    #expect(error(factors: "deep", path)?.what == "the array has shape [3, 1, 1]")
    #expect(error(factors: "twice", path)?.what == "two factors are called \"a\"")
    #expect(
      error(factors: "none", path)?.action
        == "The file holds: deep, images, kinds, negative, nowhere, real, short, twice.")
  }

  @Test("Arrays that are no images are refused") func badImages() throws {
    let path = try write {
      try $0.write("flat", [0, 1] as [Float], shape: [1, 2])
      try $0.write("whole", [0, 1], shape: [2, 1, 1])
      try $0.write("empty", [] as [UInt8], shape: [0, 2, 2])
    }
    #expect(error(images: "flat", path)?.expected == "[N, height, width] or [N, height, width, channels]")
    #expect(error(images: "whole", path)?.what == "the array holds int64")
    #expect(error(images: "empty", path)?.what == "the array of shape [0, 2, 2] is empty")
    #expect(error(path)?.what == "there is no array \"images\" in the file")
  }

  @Test("Every prefix of a file is refused, never a crash") func truncated() throws {
    let path = try write { try $0.write("images", (0..<240).map { UInt8($0) }, shape: [10, 4, 6]) }
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    for length in stride(from: 0, to: bytes.count, by: 13) {
      #expect(error(try folder.write(bytes.prefix(length), as: "prefix.h5")) != nil)
    }
  }

  @Test(
    "NPZ files of images and factors load the same way",
    .enabled(if: PythonScript.has("numpy"), "python3 with numpy is not installed"))
  func npz() throws {
    let script = """
      import sys, numpy as np
      np.savez_compressed(sys.argv[1], imgs=np.arange(48, dtype=np.uint8).reshape(2, 4, 6), latents_classes=np.array([[0], [1]]),
                          metadata=np.array({'a': 1}, dtype=object))
      """
    let result = try PythonScript.run(script, folder.file("images.npz"))
    #expect(result.status == 0, "\(result.output)")
    let data = try ImageFile(path: folder.file("images.npz"), on: device)
    #expect(try pixels(data, [1]) == (24..<48).map { Float($0) / 255 } && data.factorSpace?.sizes == [2])
    #expect(error(images: "metadata", folder.file("images.npz")) != nil)
  }
}
