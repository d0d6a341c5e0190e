import FileFormats
import Foundation
import TestSupport
import Testing

extension CommandLineTests {
  @Suite("Data that cannot be trained on")
  struct BadDataTests {
    private let experiment: SmallExperiment

    init() throws { experiment = try SmallExperiment() }

    /// Trains on a file and expects one error that names it, and nothing new in the folder.
    private func expectRefused(_ file: String, _ parts: String..., dataset: String = "file") throws {
      let before = try experiment.snapshot()
      let result = try Program.run(
        "train", "config.yaml", "--set", "dataset.path=\(file)", "--set", "dataset.name=\(dataset)",
        in: experiment.folder)
      expectError(result, file)
      for part in parts { #expect(result.errors.contains(part), "\"\(part)\" in:\n\(result.errors)") }
      let untouched = try experiment.snapshot() == before
      #expect(untouched)
    }

    private func write(_ name: String, _ body: (HDF5Writer) throws -> Void) throws {
      let file = try HDF5Writer()
      try body(file)
      try file.save(to: experiment.folder.file(name))
    }

    @Test("a file that is not there")
    func missing() throws { try expectRefused("none.h5", "no such file") }

    @Test("a directory")
    func directory() throws {
      try FileManager.default.createDirectory(
        atPath: experiment.folder.file("folder.h5"), withIntermediateDirectories: false)
      try expectRefused("folder.h5", "the folder has no images")
    }

    @Test("a file without images names what is there", arguments: [("dsprites", "imgs"), ("file", "images")])
    func noImages(dataset: String, array: String) throws {
      try write("bare.h5") { try $0.write("latents/classes", [Int](repeating: 0, count: 12), shape: [2, 6]) }
      try expectRefused("bare.h5", "\"\(array)\"", "latents/classes", dataset: dataset)
    }

    @Test("images of a shape that is none")
    func shape() throws {
      try write("flat.h5") { try $0.write("images", [UInt8](repeating: 0, count: 8192), shape: [2, 4096]) }
      try expectRefused("flat.h5", "[2, 4096]", "[N, height, width]")
    }

    @Test("a file that is no dSprites")
    func dspritesShape() throws {
      try write("small.h5") { try $0.write("imgs", [UInt8](repeating: 0, count: 8192), shape: [2, 64, 64]) }
      try expectRefused("small.h5", "[2, 64, 64]", "[737280, 64, 64]", dataset: "dsprites")
    }

    @Test("images of a size that the architecture does not take")
    func size() throws {
      try write("tiny.h5") { try $0.write("images", [UInt8](repeating: 1, count: 128), shape: [2, 8, 8]) }
      let before = try experiment.snapshot()
      let result = try Program.run(
        "train", "config.yaml", "--set", "dataset.path=tiny.h5", in: experiment.folder)
      expectError(result, "burgess", "8×8", "images of 16 to 256 pixels a side")
      let untouched = try experiment.snapshot() == before
      #expect(untouched)
    }

    @Test("images of a type that is none")
    func type() throws {
      try write("wide.h5") { try $0.write("images", [Int](repeating: 0, count: 8192), shape: [2, 64, 64]) }
      try expectRefused("wide.h5", "int64", "uint8")
    }

    @Test("a pixel of value 2 is reported with its image")
    func pixel() throws {
      var pixels = Array(SmallExperiment.images.prefix(16 * 4096))
      pixels[7 * 4096 + 100] = 2
      try SmallExperiment.write(images: pixels, to: experiment.folder.file("two.h5"))
      try expectRefused("two.h5", "image 7", "value 2")
    }

    @Test("a pixel of value 2 in the published layout is reported with its image", arguments: [true, false])
    func dspritesPixel(inPublishedChunks: Bool) throws {
      // Enough chunks, undeflated, for the file to be believed; the others are zero and take no space.
      let chunks = inPublishedChunks ? [23_040, 2, 4] : [64, 64, 64]
      var pixels = [UInt8](repeating: 0, count: chunks.reduce(1, *))
      pixels[5 * chunks[1] * chunks[2] + 3] = 2
      let encoder = try #require(ZlibEncoder(level: 0))
      let stream = pixels.withUnsafeBytes { encoder.encode($0) }
      try write("stray.h5") {
        try $0.create("imgs", UInt8.self, shape: [737_280, 64, 64], layout: .deflated(chunks: chunks, level: 1))
        for chunk in 0..<16 {
          try $0.writeRawChunk("imgs", stream, at: inPublishedChunks ? [0, 0, 4 * chunk] : [64 * chunk, 0, 0])
        }
      }
      try expectRefused("stray.h5", "image 5", "value 2", dataset: "dsprites")
    }

    @Test("a file cut off at half its length", arguments: ["half.h5", "half.npz"])
    func truncated(name: String) throws {
      var whole = try experiment.data("data.h5")
      if name.hasSuffix("npz") { whole.replaceSubrange(0..<4, with: [0x50, 0x4b, 3, 4]) }
      _ = try experiment.folder.write(whole.prefix(whole.count / 2), as: name)
      try expectRefused(name, "truncated")
    }

    @Test("a file of something else")
    func otherFormat() throws {
      _ = try experiment.folder.write("There are no pictures here, only words.\n".utf8, as: "words.h5")
      try expectRefused("words.h5", "neither an HDF5 nor an NPZ file")
      try expectRefused("words.h5", "neither an HDF5 nor an NPZ file", dataset: "dsprites")
    }

    @Test("factors of another number than the images")
    func factors() throws {
      try write("odd.h5") {
        try $0.write("images", [UInt8](repeating: 0, count: 8192), shape: [2, 64, 64])
        try $0.write("factors", [Int](repeating: 0, count: 9), shape: [3, 3])
      }
      try expectRefused("odd.h5", "factors", "3 rows", "2 images")
    }

    @Test("fewer images than a batch needs")
    func fewImages() throws {
      let before = try experiment.snapshot()
      let result = try Program.run(
        "train", "config.yaml", "--set", "training.batch_size=513", in: experiment.folder)
      expectError(result, "training.batch_size is 513", "512 images")
      let untouched = try experiment.snapshot() == before
      #expect(untouched)
    }
  }
}
