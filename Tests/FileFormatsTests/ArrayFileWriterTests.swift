import Diagnostics
import FileFormats
import Foundation
import TestSupport
import Testing

@Suite("Files of arrays written row by row")
struct ArrayFileWriterTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static let contents: ArrayFileContents = {
    var contents = ArrayFileContents()
    contents.addArray("codes", Float.self, shape: [5, 3])
    contents.addArray("bytes", UInt8.self, shape: [3])
    contents.addArray("index", Int.self, shape: [5])
    contents.addArray("deep/mean", Double.self, shape: [2, 1, 2])
    contents.addTexts("names", ["shape", "größe", ""])
    contents.setAttribute("run", "β-TCVAE")
    contents.setAttribute("step", 20)
    contents.setAttribute("factor_names", ["shape", "größe"])
    return contents
  }()

  /// Writes the arrays above in alternating pieces.
  private func write(_ name: String, zip64From limit: Int = 0xffff_ffff) throws -> String {
    let path = folder.file(name)
    try ArrayFileWriter.write(Self.contents, to: path, zip64From: limit) { file in
      try file.append((0..<6).map { Float($0) / 2 }, to: "codes")
      try file.append([7, -8, 9], to: "index")
      try file.append([1, 2, 255] as [UInt8], to: "bytes")
      try file.append((6..<15).map { Float($0) / 2 }, to: "codes")
      try file.append([0.5, -1.5, 2.5, 1e300], to: "deep/mean")
      try file.append([10, .max], to: "index")
    }
    return path
  }

  @Test("Arrays are read as they were written", arguments: ["a.h5", "a.hdf5", "a.npz", "A.NPZ"])
  func roundTrip(name: String) throws {
    let file = try openArrayFile(write(name))
    #expect(try file.arrayPaths() == ["bytes", "codes", "deep/mean", "index", "names"])
    let codes = try file.read("codes", as: Float.self)
    #expect(codes.values == (0..<15).map { Float($0) / 2 } && codes.shape == [5, 3])
    #expect(try file.read("index", as: Int.self).values == [7, -8, 9, 10, .max])
    #expect(try file.read("bytes", as: UInt8.self).values == [1, 2, 255])
    let mean = try file.read("deep/mean", as: Double.self)
    #expect(mean.values == [0.5, -1.5, 2.5, 1e300] && mean.shape == [2, 1, 2])
    #expect(try file.information("names").type == .string && file.information("names").shape == [3])
    #expect(try folder.names() == [name])
  }

  @Test("HDF5 files have the attributes") func attributes() throws {
    let file = try HDF5File(reading: write("a.h5"))
    #expect(file.string(ofAttribute: "run") == "β-TCVAE" && file.numbers(ofAttribute: "step") == [20])
    #expect(file.strings(ofAttribute: "factor_names", of: "/") == ["shape", "größe"])
  }

  @Test("The same contents give the same bytes", arguments: ["h5", "npz"])
  func repeatable(ending: String) throws {
    let first = try Data(contentsOf: URL(fileURLWithPath: write("a." + ending)))
    let second = try Data(contentsOf: URL(fileURLWithPath: write("b." + ending)))
    #expect(first == second)
  }

  @Test("Archives with zip64 fields are read, whichever entries have them", arguments: [0, 100, 200, 400, 1_000])
  func zip64(limit: Int) throws {
    let path = try write("large.npz", zip64From: limit)
    let file = try openArrayFile(path)
    #expect(try file.read("codes", as: Float.self).values == (0..<15).map { Float($0) / 2 })
    #expect(try file.read("index", as: Int.self).values == [7, -8, 9, 10, .max])
  }

  @Test(
    "NumPy reads archives with zip64 fields, whichever entries have them",
    .enabled(if: PythonScript.has("numpy"), "python3 with numpy is not installed"),
    arguments: [0, 100, 200, 400, 1_000])
  func zip64InNumPy(limit: Int) throws {
    let result = try PythonScript.run(
      """
      import sys, zipfile, numpy as np
      assert zipfile.ZipFile(sys.argv[1]).testzip() is None
      assert list(np.load(sys.argv[1])['index']) == [7, -8, 9, 10, 2**63 - 1]
      """, write("large.npz", zip64From: limit))
    #expect(result.status == 0, "\(result.output)")
  }

  @Test("An array without elements is written and read", arguments: ["h5", "npz"])
  func empty(ending: String) throws {
    var contents = ArrayFileContents()
    contents.addArray("none", Float.self, shape: [0, 3])
    contents.addArray("one", Float.self, shape: [1])
    try ArrayFileWriter.write(contents, to: folder.file("e." + ending)) { try $0.append([2] as [Float], to: "one") }
    let file = try openArrayFile(folder.file("e." + ending))
    #expect(try file.read("none", as: Float.self).shape == [0, 3])
    #expect(try file.read("one", as: Float.self).values == [2])
  }

  @Test("After an error there is no file, or the previous one", arguments: ["h5", "npz"])
  func failure(ending: String) throws {
    struct Stop: Error {}
    let path = try write("a." + ending), before = try Data(contentsOf: URL(fileURLWithPath: path))
    for name in ["a", "new"] {
      #expect(throws: Stop.self) {
        try ArrayFileWriter.write(Self.contents, to: folder.file("\(name).\(ending)")) { file in
          try file.append([1] as [Float], to: "codes")
          throw Stop()
        }
      }
    }
    let after = try Data(contentsOf: URL(fileURLWithPath: path))
    #expect(after == before)
    #expect(try folder.names() == ["a." + ending])
  }

  @Test("A name without a known extension is rejected") func noFormat() throws {
    let error = #expect(throws: StructuredError.self) {
      try ArrayFileWriter.write(Self.contents, to: folder.file("a.txt")) { _ in }
    }
    #expect(error?.expected == "a name that ends in .h5 or .npz")
    #expect(try folder.names() == [])
  }

  @Test(
    "h5py and NumPy read our files",
    .enabled(if: PythonScript.has("h5py", "numpy"), "python3 with h5py and numpy is not installed"))
  func python() throws {
    let script = """
      import sys, h5py, numpy as np
      for f in (h5py.File(sys.argv[1]), np.load(sys.argv[2])):
          codes = f['codes'][:]
          assert codes.dtype == np.float32 and (codes == (np.arange(15) / 2).reshape(5, 3)).all()
          assert f['index'][:].dtype == np.int64 and list(f['index'][:]) == [7, -8, 9, 10, 2**63 - 1]
          assert f['bytes'][:].dtype == np.uint8 and list(f['bytes'][:]) == [1, 2, 255]
          assert f['deep/mean'].shape == (2, 1, 2) and f['deep/mean'][1, 0, 1] == 1e300
      h, z = h5py.File(sys.argv[1]), np.load(sys.argv[2])
      assert list(h['names'].asstr()[:]) == ['shape', 'größe', ''] == list(z['names'])
      assert h.attrs['run'] == 'β-TCVAE' and list(h.attrs['step']) == [20]
      assert list(h.attrs['factor_names']) == ['shape', 'größe']
      assert h['codes'].chunks is None and h['codes'].id.get_offset() % 8 == 0
      """
    let result = try PythonScript.run(script, write("a.h5"), write("a.npz"))
    #expect(result.status == 0, "\(result.output)")
  }

  @Test(
    "The HDF5 tools accept the file and copy it without changes",
    .enabled(if: PythonScript.has("h5py"), "python3 with h5py is not installed"))
  func copied() throws {
    // Copying makes the library read every header and place all data again.
    let script = """
      import sys, h5py
      with h5py.File(sys.argv[1], 'r') as a, h5py.File(sys.argv[2], 'w') as b:
          for name in a: a.copy(name, b)
          assert (a['codes'][:] == b['codes'][:]).all() and (a['deep/mean'][:] == b['deep/mean'][:]).all()
      with h5py.File(sys.argv[1], 'r+') as a:
          a['more'] = [1, 2, 3]
          a['codes'][0, 0] = 99
      with h5py.File(sys.argv[1], 'r') as a:
          assert a['codes'][0, 0] == 99 and list(a['more']) == [1, 2, 3] and a['index'][4] == 2**63 - 1
      """
    let result = try PythonScript.run(script, write("a.h5"), folder.file("b.h5"))
    #expect(result.status == 0, "\(result.output)")
  }
}
