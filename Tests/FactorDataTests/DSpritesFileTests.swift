import Diagnostics
import FactorData
import FileFormats
import Foundation
import TensorCore
import TestSupport
import Testing

@Suite struct DSpritesFileTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// A file of the published extents whose chunks all hold the same pixels, but for one.
  private func file(
    chunks: [Int], image: (index: Int, pixel: Int, value: UInt8)? = nil, classes: [Int]? = nil
  ) throws -> String {
    let writer = try HDF5Writer(), encoder = try #require(ZlibEncoder(level: 1))
    let layout = HDF5Writer.Layout.deflated(chunks: chunks, level: 1)
    try writer.create("imgs", UInt8.self, shape: [737_280, 64, 64], layout: layout)
    var elements = [UInt8](repeating: 0, count: chunks.reduce(1, *))
    let blank = elements.withUnsafeBytes { encoder.encode($0) }
    for image in stride(from: 0, to: 737_280, by: chunks[0]) {
      for y in stride(from: 0, to: 64, by: chunks[1]) {
        for x in stride(from: 0, to: 64, by: chunks[2]) { try writer.writeRawChunk("imgs", blank, at: [image, y, x]) }
      }
    }
    if let image {
      // Chunks of one image and more begin at multiples of their extents; the pixel lies in the first.
      elements[image.index % chunks[0] * chunks[1] * chunks[2] + image.pixel] = image.value
      let changed = elements.withUnsafeBytes { encoder.encode($0) }
      try writer.writeRawChunk("imgs", changed, at: [image.index / chunks[0] * chunks[0], 0, 0])
    }
    if let classes {
      try writer.write(
        "latents/classes", classes, shape: [classes.count / 6, 6], layout: .deflated(chunks: [8192, 6], level: 1))
    }
    try writer.save(to: folder.file("made.h5"))
    return folder.file("made.h5")
  }

  private static let grid: [Int] = {
    var values: [Int] = []
    for index in 0..<737_280 {
      values += [0, index / 245_760, index / 40_960 % 6]
      values += [index / 1024 % 40, index / 32 % 32, index % 32]
    }
    return values
  }()

  private func error(_ path: String) -> StructuredError? {
    #expect(throws: StructuredError.self) { try DSprites(file: path, on: Device()) }
  }

  @Test("What is written is read back") func roundTrip() throws {
    let data = try Drawn.dSprites.get(), device = Device()
    let path = folder.file("drawn.h5")
    var parts: [Double] = []
    try data.write(to: path, on: device) { parts.append($0) }
    #expect(parts.first == 0 && parts.last == 1 && parts == parts.sorted())
    let read = try DSprites(file: path, on: device)
    #expect((0..<data.count).allSatisfy { memcmp(data.store.rows(at: $0), read.store.rows(at: $0), 512) == 0 })
    #expect(read.factors.values(at: 300_000) == [1, 1, 12, 31, 0] && read.name == "dsprites" && read.isBinary)
    try DSprites.checkValues(of: HDF5File(reading: path))
    let about = try HDF5File(reading: path).information("imgs")
    #expect(about.chunkShape == [23_040, 2, 4] && about.filters == ["deflate"])
    let existing = #expect(throws: StructuredError.self) { try data.write(to: path, on: device) }
    #expect(existing?.what == "the file already exists")
  }

  @Test(
    "h5py reads what is written", .enabled(if: PythonScript.has("h5py", "numpy"), "python3 with h5py is not installed"))
  func h5py() throws {
    let data = try Drawn.dSprites.get(), path = folder.file("drawn.h5")
    try data.write(to: path, on: Device()) { _ in }
    var expected = 0
    for image in [0, 40_000, 300_000, 737_279] {
      for row in 0..<64 {
        for x in 0..<64 where data.store.rows(at: image)[row] >> UInt64(x) & 1 == 1 {
          expected += (row * 64 + x) * (image + 1)
        }
      }
    }
    let script = """
      import sys, h5py, numpy as np
      f = h5py.File(sys.argv[1])
      d = f['imgs']
      assert d.shape == (737280, 64, 64) and d.dtype == np.uint8 and d.chunks == (23040, 2, 4)
      total = sum(int((d[i].ravel() * np.arange(4096, dtype=np.int64)).sum()) * (i + 1) for i in (0, 40000, 300000, 737279))
      assert list(f['latents/classes'][-1]) == [0, 2, 5, 39, 31, 31] and f['latents/classes'].dtype == np.int64
      assert np.allclose(f['latents/values'][-1], [1, 3, 1, 2 * np.pi, 1, 1]) and f['latents/values'].dtype == np.float64
      assert list(f.attrs['latents_names']) == ['color', 'shape', 'scale', 'orientation', 'posX', 'posY']
      assert list(f.attrs['latents_sizes']) == [1, 3, 6, 40, 32, 32]
      print(total)
      """
    let result = try PythonScript.run(script, path)
    #expect(result.status == 0 && result.output == "\(expected)\n", "\(result.output)")
  }

  @Test(
    "A pixel of value 2 is found, in the published chunks and in others", arguments: [[23_040, 2, 4], [4096, 64, 64]])
  func strayPixel(chunks: [Int]) throws {
    let found = error(try file(chunks: chunks, image: (index: 30_007, pixel: 6, value: 2)))
    #expect(found?.what == "image 30007 has a pixel of value 2" && found?.expected == "only 0 and 1")
    #expect(found?.location == "\(folder.file("made.h5")), array \"imgs\"")
  }

  @Test("A file without the factor table, or with another one, is refused") func factorTable() throws {
    let chunks = DSpritesFileTests.officialChunks
    #expect(error(try file(chunks: chunks))?.what == "there is no array \"latents/classes\" in the file")
    #expect(
      error(try file(chunks: chunks, classes: Array(Self.grid.prefix(600))))?.what == "the array has shape [100, 6]")
    var swapped = Self.grid
    swapped[6 * 500 + 5] = 3
    let found = error(try file(chunks: chunks, classes: swapped))
    #expect(found?.what == "image 500 has the factors [0, 0, 0, 0, 15, 3]")
    #expect(found?.expected == "[0, 0, 0, 0, 15, 20], as in the published order")
    let blank = try DSprites(file: file(chunks: chunks, classes: Self.grid), on: Device())
    #expect(try blank.multiplicities(on: Device()).distinct == 1)
  }

  @Test("Factor values that are not the published ones are refused", arguments: [0.001, Double.nan])
  func factorValues(change: Double) throws {
    let evenly = { (last: Double, count: Int, first: Double) in
      (0..<count).map { first + (last - first) * Double($0) / Double(count - 1) }
    }
    let scale = evenly(1, 6, 0.5), orientation = evenly(2 * .pi, 40, 0), position = evenly(1, 32, 0)
    var values: [Double] = []
    for index in 0..<737_280 {
      values += [1, Double(index / 245_760 + 1), scale[index / 40_960 % 6]]
      values += [orientation[index / 1024 % 40], position[index / 32 % 32], position[index % 32]]
    }
    func check() throws {
      let writer = try HDF5Writer()
      try writer.write("latents/values", values, shape: [737_280, 6])
      try writer.save(to: folder.file("values.h5"))
      try DSprites.checkValues(of: HDF5File(reading: folder.file("values.h5")))
    }
    try check()
    values[6 * 2000 + 3] += change
    let found = #expect(throws: StructuredError.self) { try check() }
    #expect(found?.what.hasPrefix("image 2000 has the value ") == true)
    #expect(found?.what.hasSuffix(" of orientation") == true)
  }

  @Test("A damaged chunk is named") func damagedChunk() throws {
    let writer = try HDF5Writer()
    let layout = HDF5Writer.Layout.deflated(chunks: Self.officialChunks, level: 1)
    try writer.create("imgs", UInt8.self, shape: [737_280, 64, 64], layout: layout)
    // Enough bytes for the array's size to be believed.
    let junk = [UInt8](repeating: 0x55, count: 4 << 20)
    try writer.writeRawChunk("imgs", junk, at: [0, 2, 4])
    try writer.save(to: folder.file("damaged.h5"))
    #expect(error(folder.file("damaged.h5"))?.what == "the chunk at [0, 2, 4] is damaged")
  }

  @Test("Other shapes, other types, other files and no file are refused") func refused() throws {
    let writer = try HDF5Writer()
    try writer.write("imgs", [0, 1] as [UInt8], shape: [2, 1, 1])
    try writer.save(to: folder.file("small.h5"))
    let shape = error(folder.file("small.h5"))
    #expect(shape?.what == "the array has shape [2, 1, 1]" && shape?.expected == "shape [737280, 64, 64]")
    #expect(error(folder.file("absent.h5"))?.what == "there is no such file")
    #expect(error(folder.path)?.what == "this is a directory")
    #expect(error(try folder.write(Array("text".utf8), as: "text"))?.what == "this is neither an HDF5 nor an NPZ file")
    let without = try HDF5Writer()
    try without.write("pictures", [0] as [UInt8], shape: [1])
    try without.save(to: folder.file("without.h5"))
    let missing = error(folder.file("without.h5"))
    #expect(missing?.what == "there is no array \"imgs\" in the file" && missing?.action == "The file holds: pictures.")
    // The array claims three gigabytes in a file of some hundred bytes.
    let hollow = try HDF5Writer()
    let layout = HDF5Writer.Layout.deflated(chunks: Self.officialChunks, level: 1)
    try hollow.create("imgs", UInt8.self, shape: [737_280, 64, 64], layout: layout)
    try hollow.save(to: folder.file("hollow.h5"))
    #expect(error(folder.file("hollow.h5"))?.what.hasPrefix("the array declares 3019898880 elements") == true)
  }

  private static let officialChunks = [23_040, 2, 4]
}
