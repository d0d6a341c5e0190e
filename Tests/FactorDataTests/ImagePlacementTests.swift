import Diagnostics
import FileFormats
import Foundation
import StrictConfiguration
import TensorCore
import TestSupport
import Testing

@testable import FactorData

@Suite("Images on disk and in memory") struct ImagePlacementTests {
  private let folder: TemporaryFolder
  private let device = Device(threads: 2)
  private static let shape = ImageShape(height: 5, width: 7, channels: 3)
  /// Forty images; the pixels of the last are above 2, so that all are looked at.
  private static let bytes: [UInt8] =
    (0..<39 * 105).map { (pixel: Int) -> UInt8 in UInt8(pixel * pixel % 3) }
    + [UInt8](repeating: 255, count: 105)
  private static let binary: [UInt8] = bytes.map { $0 == 1 ? 1 : 0 }

  init() throws { folder = try TemporaryFolder() }

  private func open(_ settings: String) throws -> any FactorDataset {
    try ConfigurationDocument(yaml: "{name: file, path: \(folder.file("a.h5"))\(settings)}", source: "test.yaml")
      .decode(DatasetChoice.self).value.open(on: device)
  }

  private func write(
    _ pixels: [UInt8], _ layout: HDF5Writer.Layout = .contiguous, factors: [Int]? = nil
  ) throws {
    let writer = try HDF5Writer()
    try writer.write("images", pixels, shape: [40, 5, 7, 3], layout: layout)
    if let factors { try writer.write("factors", factors, shape: [40, factors.count / 40]) }
    try writer.save(to: folder.file("a.h5"))
  }

  private func pixels(_ data: any FactorDataset) throws -> [Float] {
    try data.batch(Array((0..<data.count).reversed()), on: device).elements
  }

  @Test(
    "Images that may not be in memory are read from disk, to the same bits",
    arguments: [
      HDF5Writer.Layout.contiguous, .deflated(chunks: [1, 5, 7, 3], level: 1),
      .deflated(chunks: [6, 5, 7, 3], level: 1),
    ])
  func onDisk(layout: HDF5Writer.Layout) throws {
    for (bytes, format) in [(Self.bytes, PixelFormat.bytes), (Self.binary, .bits)] {
      try write(bytes, layout, factors: (0..<40).map { $0 % 5 })
      let memory = try open(""), disk = try open(", memory: 0")
      #expect(memory.images is ImageStore && disk.images is any DiskImages)
      #expect(memory.images.format == format && disk.images.format == format)
      #expect(disk.factors == memory.factors && disk.name == memory.name && disk.images.memoryBytes == 0)
      let expected = try pixels(memory)
      #expect(try pixels(disk) == expected)
      #expect(try disk.multiplicities(on: device) == memory.multiplicities(on: device))
      #expect(memory.placement.hasSuffix("in memory") && disk.placement == "4.2 kB read from disk")
    }
  }

  @Test("Stored members of NPZ files are read from disk; what single images cannot be read from is an error")
  func pieces()
    throws
  {
    try write(Self.bytes, .deflated(chunks: [40, 2, 7, 1], level: 1))
    let error = #expect(throws: StructuredError.self) { try open(", memory: 0") }
    #expect(error?.what == "the images would take 4.2 kB of memory, and single ones cannot be read from this file")
    #expect(error?.expected == "at most 0 bytes, as dataset.memory says")
    #expect(error?.action?.contains("disentangle dataset convert") == true && error?.location == folder.file("a.h5"))
    #expect(try open(", memory: 0.0000042").images is ImageStore)

    var contents = ArrayFileContents()
    contents.addArray("images", UInt8.self, shape: [40, 5, 7, 3])
    try ArrayFileWriter.write(contents, to: folder.file("a.npz")) { file in
      try file.append(Self.bytes, to: "images")
    }
    let npz = try ImageFile(path: folder.file("a.npz"), images: nil, factors: nil, largerThan: 0, on: device)
    let data = try #require(npz)
    #expect(data.images is any DiskImages)
    let expected = try pixels(open(""))
    #expect(try pixels(data) == expected)
  }

  @Test("Of floats, and of what fits once it is packed, nothing stays on disk") func loaded() throws {
    try write(Self.binary)
    // 40 images of 5 rows of one word each.
    #expect(try open(", memory: 0.0000016").images is ImageStore)
    #expect(try open(", memory: 0.0000015").images is any DiskImages)
    let writer = try HDF5Writer()
    try writer.write("images", [0, 0.5] as [Float], shape: [2, 1, 1])
    try writer.save(to: folder.file("a.h5"))
    #expect(try open(", memory: 0").images is ImageStore)
  }

  @Test("A pixel of 2, and none brighter, is a mistake on disk, too") func stray() throws {
    try write(Self.bytes.map { min($0, 2) })
    let error = #expect(throws: StructuredError.self) { try open(", memory: 0") }
    #expect(error?.what == "image 39 has a pixel of value 2, and no pixel is brighter")
  }

  @Test("A file that becomes shorter is an error and no signal") func truncated() throws {
    try write(Self.bytes)
    let disk = try open(", memory: 0")
    #expect(truncate(folder.file("a.h5"), 3000) == 0)
    let error = #expect(throws: StructuredError.self) { try pixels(disk) }
    #expect(error?.what.hasPrefix("row 39 cannot be read") == true || error?.what.hasPrefix("row 19 cannot") == true)
    #expect(error?.location == "\(folder.file("a.h5")), array \"images\"")
  }

  @Test(
    "A conversion keeps images and factors, binary ones with eight pixels to the byte", arguments: [false, true],
    ["b.h5", "b.npz"])
  func conversion(binary: Bool, name: String) throws {
    let path = folder.file(name)
    var factors = (0..<80).map { $0 % 2 == 0 ? $0 / 2 % 5 : $0 / 20 % 3 }
    factors[7] = -1
    try write(binary ? Self.binary : Self.bytes, .deflated(chunks: [40, 2, 7, 1], level: 1), factors: factors)
    let choice = try ConfigurationDocument(yaml: "{name: file, path: \(folder.file("a.h5"))}", source: "test")
      .decode(DatasetChoice.self).value
    let before = try choice.openForOnePass(on: device)
    var told: [Int] = []
    try before.convert(to: path, on: device) { told.append($0) }
    #expect(told.last == 40)
    let file = try openArrayFile(path)
    let stored = try file.information(binary ? "packed_images" : "images")
    #expect(stored.shape == (binary ? [40, 5, 3] : [40, 5, 7, 3]) && stored.chunkShape == nil && stored.filters == [])
    let after = try ImageFile(path: path, on: device)
    let disk = try ImageFile(
      path: path, images: nil, factors: nil, largerThan: 0, on: device)
    let expected = try pixels(ImageFile(path: folder.file("a.h5"), on: device))
    #expect(try pixels(after) == expected)
    #expect(try pixels(#require(disk)) == expected)
    #expect(after.isBinary == binary && disk?.isBinary == binary && disk?.images is any DiskImages)
    #expect(after.factors == before.factors && disk?.factors == before.factors)
    #expect(after.factors.unknownCounts == [0, 1])
    let exists = #expect(throws: StructuredError.self) { try before.convert(to: path, on: device) }
    #expect(exists?.what == "the file already exists")
    try before.convert(to: path, overwrite: true, on: device)
    let other = #expect(throws: StructuredError.self) { try before.convert(to: folder.file("b.txt"), on: device) }
    #expect(other?.expected == "a name that ends in .h5 or .npz")
  }

  @Test("Images in memory convert as well; floats are refused") func otherConversions() throws {
    let store = try ImageStore(count: 2, shape: ImageShape(height: 1, width: 2), format: .bytes)
    ([1, 200, 3, 255] as [UInt8]).withUnsafeBytes { store.fill(0..<2, $0) }
    struct Data: FactorDataset {
      let name = "data"
      let images: any ImageSource
      let factors = Factors.none
    }
    try Data(images: store).convert(to: folder.file("c.h5"), on: device)
    #expect(try HDF5File(reading: folder.file("c.h5")).read("images", as: UInt8.self).values == [1, 200, 3, 255])
    let floats = Data(images: Generated(count: 3, shape: Self.shape))
    let error = #expect(throws: StructuredError.self) { try floats.convert(to: folder.file("d.h5"), on: device) }
    #expect(error?.what == "the pixels of the data set are floats" && error?.location == "data")
    #expect(!FileManager.default.fileExists(atPath: folder.file("d.h5")))
  }

  @Test("The attribute that packed images need is checked") func packedShape() throws {
    for shape in [
      nil, ["5", "7"], ["5", "7", "0"], ["4", "7", "3"], ["5", "70", "3"], ["5", "9223372036854775807", "3"],
    ] {
      let writer = try HDF5Writer()
      try writer.write("packed_images", [UInt8](repeating: 7, count: 15), shape: [1, 5, 3])
      if let shape { try writer.setAttribute("image_shape", shape) }
      try writer.save(to: folder.file("a.h5"))
      let error = #expect(throws: StructuredError.self) { try open("") }
      #expect(error?.expected == "height, width and channels of an image", "\(String(describing: error))")
    }
  }

  @Test("Resized images have the size of the setting, on disk and in memory") func resized() throws {
    try write(Self.bytes, factors: (0..<40).map { $0 })
    let memory = try open(", resize: {size: 4, filter: area}")
    let disk = try open(", memory: 0, resize: {size: 4, filter: area}")
    #expect(memory.imageShape == ImageShape(height: 4, width: 4, channels: 3) && memory.images is ImageStore)
    #expect(disk.imageShape == memory.imageShape && disk.images is any DiskImages && disk.factors == memory.factors)
    let expected = try pixels(memory)
    #expect(try pixels(disk) == expected)
    #expect(expected.prefix(48).allSatisfy { $0 == 1 })
    // Cut into pieces, they are gone through once and kept in the new size.
    try write(Self.bytes, .deflated(chunks: [40, 2, 7, 1], level: 1))
    #expect(try pixels(open(", resize: {size: 4, filter: area}")) == expected)
  }

  @Test(
    "Settings that do not suit are one error each",
    arguments: [
      ("resize: {size: 64}", "the key resize.filter is missing"),
      ("resize: {filter: area}", "the key resize.size is missing"),
      ("resize: {size: 0, filter: area}", "resize.size is 0"),
      ("resize: {size: 8, filter: box}", "resize.filter is 'box'"),
      ("memory: -1", "memory is -1"), ("memory: much", "memory is 'much'"), ("memory: .nan", "memory is .nan"),
      ("memory: 1e300", "memory is 1e300"),
    ])
  func badSettings(setting: String, message: String) throws {
    let error = #expect(throws: StructuredError.self) { try open(", \(setting)") }
    #expect(error?.what.hasPrefix(message) == true, "\(error?.what ?? "none")")
  }
}
