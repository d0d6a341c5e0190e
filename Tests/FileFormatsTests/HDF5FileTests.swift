import Diagnostics
import FileFormats
import Foundation
import TestSupport
import Testing

@Suite struct HDF5FileTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func sample() throws -> String {
    let writer = try HDF5Writer()
    try writer.write("a/floats", [1.5, -2, 3, 0.25, 5, 6] as [Float], shape: [2, 3])
    try writer.write("a/b/integers", [1, -2, 3], shape: [3])
    let bytes = (0..<240).map { UInt8($0) }
    try writer.write("bytes", bytes, shape: [10, 4, 6], layout: .deflated(chunks: [4, 4, 6], level: 4))
    try writer.setAttribute("title", "β-TCVAE")
    try writer.setAttribute("names", ["shape", "scale"], of: "a")
    try writer.setAttribute("sizes", [3, 6], of: "a/floats")
    try writer.save(to: folder.file("sample.h5"))
    return folder.file("sample.h5")
  }

  @Test("Arrays and attributes are read as they were written") func roundTrip() throws {
    let file = try HDF5File(reading: sample())
    #expect(try file.arrayPaths() == ["a/b/integers", "a/floats", "bytes"])
    #expect(try file.names(in: "a") == ["b", "floats"])
    let floats = try file.read("a/floats", as: Float.self)
    #expect(floats.values == [1.5, -2, 3, 0.25, 5, 6] && floats.shape == [2, 3])
    #expect(try file.read("a/floats", as: Double.self).values == [1.5, -2, 3, 0.25, 5, 6])
    #expect(try file.read("a/b/integers", as: Int.self, shape: [3]) == [1, -2, 3])
    #expect(try file.read("bytes", as: UInt8.self).values == (0..<240).map { UInt8($0) })
    #expect(file.string(ofAttribute: "title") == "β-TCVAE")
    #expect(file.strings(ofAttribute: "names", of: "a") == ["shape", "scale"])
    #expect(file.numbers(ofAttribute: "sizes", of: "a/floats") == [3, 6])
    #expect(file.string(ofAttribute: "absent") == nil)
  }

  @Test("The description of an array matches its storage") func information() throws {
    let about = try HDF5File(reading: sample()).information("bytes")
    #expect(about.shape == [10, 4, 6] && about.chunkShape == [4, 4, 6] && about.filters == ["deflate"])
    #expect(about.type == .integer(bits: 8, signed: false) && "\(about.type)" == "uint8")
  }

  @Test("A range of rows is read") func rows() throws {
    let file = try HDF5File(reading: sample())
    var rows = [UInt8](repeating: 0, count: 3 * 24)
    try rows.withUnsafeMutableBufferPointer { try file.readRows("bytes", 3..<6, into: $0) }
    #expect(rows == (72..<144).map { UInt8($0) })
  }

  @Test("Raw chunks are zlib streams of whole chunks") func rawChunks() throws {
    let file = try HDF5File(reading: sample())
    let chunks = try file.readRawChunks("bytes", at: [[0, 0, 0], [4, 0, 0]])
    let decoder = try #require(ZlibDecoder())
    for (index, chunk) in chunks.enumerated() {
      let chunk = try #require(chunk)
      #expect(chunk.isDeflated)
      var elements = [UInt8](repeating: 0, count: 96)
      let whole = chunk.bytes.withUnsafeBytes { input in
        elements.withUnsafeMutableBytes { decoder.decode(input, into: $0) }
      }
      #expect(whole && elements == (0..<96).map { UInt8(index * 96 + $0) })
      // A buffer one byte larger than the contents must be an error.
      var longer = [UInt8](repeating: 0, count: 97)
      #expect(
        !chunk.bytes.withUnsafeBytes { input in longer.withUnsafeMutableBytes { decoder.decode(input, into: $0) } })
    }
  }

  @Test("Raw deflated chunks are read back") func writeRawChunks() throws {
    let writer = try HDF5Writer(), encoder = try #require(ZlibEncoder(level: 6))
    try writer.create("x", UInt8.self, shape: [8, 3], layout: .deflated(chunks: [4, 3], level: 6))
    let second = (0..<12).map { UInt8($0) }
    try writer.writeRawChunk("x", second.withUnsafeBytes { encoder.encode($0) }, at: [4, 0])
    try writer.save(to: folder.file("chunks.h5"))
    let file = try HDF5File(reading: folder.file("chunks.h5"))
    #expect(try file.read("x", as: UInt8.self).values == [UInt8](repeating: 0, count: 12) + second)
    #expect(try file.readRawChunks("x", at: [[0, 0]])[0] == nil)
  }

  @Test("The error of a missing array lists the arrays of the file") func missingArray() throws {
    let file = try HDF5File(reading: sample())
    let error = #expect(throws: StructuredError.self) { try file.read("imgs", as: Float.self) }
    #expect(error?.what == "there is no array \"imgs\" in the file")
    #expect(error?.action == "The file holds: a/b/integers, a/floats, bytes.")
    #expect(error?.location == folder.file("sample.h5"))
    #expect(throws: StructuredError.self) { try file.information("a") }
  }

  @Test("Wrong types and shapes are rejected") func wrongTypes() throws {
    let file = try HDF5File(reading: sample())
    let type = #expect(throws: StructuredError.self) { try file.read("a/floats", as: Int.self) }
    #expect(type?.what == "the array holds float32" && type?.expected == "whole numbers")
    #expect(throws: StructuredError.self) { try file.read("a/b/integers", as: UInt8.self) }
    let shape = #expect(throws: StructuredError.self) { try file.read("a/floats", as: Float.self, shape: [3, 2]) }
    #expect(shape?.what == "the array has shape [2, 3]" && shape?.expected == "shape [3, 2]")
  }

  @Test("A missing file, a directory, an empty file and a file of another format give different errors")
  func notAFile() throws {
    func what(_ path: String) -> String? {
      #expect(throws: StructuredError.self) { try HDF5File(reading: path) }?.what
    }
    #expect(what(folder.file("absent.h5")) == "there is no such file")
    #expect(what(folder.path) == "this is a directory")
    #expect(what(try folder.write([], as: "empty.h5")) == "the file is empty")
    #expect(what(try folder.write(Array("name: quickstart".utf8), as: "text.h5")) == "this is not an HDF5 file")
    #expect(what("/dev/null") == "this is not a regular file")
  }

  @Test("Every prefix of a file is rejected") func truncated() throws {
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: sample())))
    for length in stride(from: 0, to: bytes.count, by: 7) {
      let path = try folder.write(bytes.prefix(length), as: "prefix.h5")
      #expect(throws: StructuredError.self) { try HDF5File(reading: path).read("bytes", as: UInt8.self) }
    }
  }

  @Test("Damaged chunks are an error that names the array") func damagedChunk() throws {
    let path = try sample()
    var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    // A zlib stream at level 4 begins with 78 5e; break the first one's data.
    let start = try #require(bytes.indices.first { $0 + 1 < bytes.count && bytes[$0] == 0x78 && bytes[$0 + 1] == 0x5e })
    for offset in 2..<20 { bytes[start + offset] ^= 0xff }
    let file = try HDF5File(reading: folder.write(bytes, as: "damaged.h5"))
    let error = #expect(throws: StructuredError.self) { try file.read("bytes", as: UInt8.self) }
    #expect(error?.what.hasPrefix("the data are damaged or truncated") == true)
    #expect(error?.location == "\(folder.file("damaged.h5")), array \"bytes\"")
  }

  @Test("An array without elements is written and read") func emptyArray() throws {
    let writer = try HDF5Writer()
    try writer.write("none", [] as [Float], shape: [0, 3], layout: .deflated(chunks: [1, 3], level: 4))
    try writer.save(to: folder.file("empty-array.h5"))
    let (values, shape) = try HDF5File(reading: folder.file("empty-array.h5")).read("none", as: Float.self)
    #expect(values.isEmpty && shape == [0, 3])
  }

  @Test(
    "h5py reads our files, and we read those of h5py",
    .enabled(if: PythonScript.has("h5py"), "python3 with h5py is not installed"))
  func python() throws {
    let script = """
      import sys, h5py, numpy as np
      f = h5py.File(sys.argv[1])
      assert f['a/floats'].dtype == np.float32 and f['a/floats'][1, 0] == 0.25
      assert f['a/b/integers'].dtype == np.int64 and list(f['a/b/integers']) == [1, -2, 3]
      assert f['bytes'].chunks == (4, 4, 6) and (f['bytes'][()].ravel() == np.arange(240)).all()
      assert f.attrs['title'] == 'β-TCVAE' and list(f['a'].attrs['names']) == ['shape', 'scale']
      assert list(f['a/floats'].attrs['sizes']) == [3, 6]
      g = h5py.File(sys.argv[2], 'w')
      g['half'] = np.array([0.5, 2], np.float16)
      g['big'] = np.array([3, 1], '>i4')
      g['flags'] = np.array([True, False])
      g['scalar'] = 7.0
      g.create_dataset('lzf', data=np.arange(6, dtype=np.uint8), compression='lzf')
      g.create_dataset('shuffled', data=np.arange(6), compression='gzip', shuffle=True)
      g.attrs['fixed'] = np.array([b'shape', b'scale'])
      g.attrs['variable'] = ['posX', 'posY']
      g.attrs['empty'] = h5py.Empty('S1')
      g['text'] = ['a', 'b']
      """
    let result = try PythonScript.run(script, sample(), folder.file("python.h5"))
    #expect(result.status == 0, "\(result.output)")
    let file = try HDF5File(reading: folder.file("python.h5"))
    #expect(try file.read("half", as: Float.self).values == [0.5, 2])
    #expect(try file.read("big", as: Int.self).values == [3, 1])
    #expect(try file.read("flags", as: UInt8.self).values == [1, 0])
    #expect(try file.read("scalar", as: Double.self).values == [7])
    #expect(try file.read("lzf", as: UInt8.self).values == [0, 1, 2, 3, 4, 5])
    #expect(try file.read("shuffled", as: Int.self).values == [0, 1, 2, 3, 4, 5])
    #expect(try file.information("shuffled").filters == ["shuffle", "deflate"])
    #expect(file.strings(ofAttribute: "fixed", of: "/") == ["shape", "scale"])
    #expect(file.strings(ofAttribute: "variable", of: "/") == ["posX", "posY"])
    #expect(throws: StructuredError.self) { try file.read("text", as: Float.self) }
  }
}
