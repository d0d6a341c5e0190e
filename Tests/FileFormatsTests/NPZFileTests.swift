import Diagnostics
import FileFormats
import Foundation
import TestSupport
import Testing

@Suite struct NPZFileTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func rejection(_ bytes: [UInt8], _ name: String = "x") throws -> StructuredError? {
    let path = try folder.write(bytes, as: "made.npz")
    return #expect(throws: StructuredError.self) {
      try NPZFile(reading: path).read(name, as: Float.self)
    }
  }

  @Test("Arrays of stored entries are read") func stored() throws {
    let array = NPYSample(values: [1, 2, 3, 4, 5, 6], shape: "(2, 3)").bytes
    let path = try folder.write(ZipSample(entries: [("a/x.npy", array), ("readme.txt", [1])]).bytes, as: "a.npz")
    let file = try NPZFile(reading: path)
    #expect(file.arrayPaths() == ["a/x"])
    let about = try file.information("a/x")
    #expect(about.shape == [2, 3] && about.type == .floatingPoint(bits: 32) && about.storedBytes == array.count)
    let (values, shape) = try file.read("a/x", as: Double.self)
    #expect(values == [1, 2, 3, 4, 5, 6] && shape == [2, 3])
  }

  @Test("The slabs together are the array") func slabs() throws {
    let array = NPYSample(values: (0..<30).map { Float($0) }, shape: "(10, 3)").bytes
    let file = try NPZFile(reading: folder.write(ZipSample(entries: [("x.npy", array)]).bytes, as: "a.npz"))
    var rows: [Range<Int>] = [], values: [Double] = []
    try file.forEachSlab(of: "x", as: Double.self, rows: 4) { range, slab in
      rows.append(range)
      values.append(contentsOf: slab)
    }
    #expect(rows == [0..<4, 4..<8, 8..<10] && values == (0..<30).map { Double($0) })
  }

  @Test("The error of a missing array lists the arrays of the file") func missing() throws {
    let array = NPYSample(values: [1], shape: "(1,)").bytes
    let error = try rejection(ZipSample(entries: [("images.npy", array)]).bytes, "imgs")
    #expect(error?.what == "there is no array \"imgs\" in the file" && error?.action == "The file holds: images.")
  }

  @Test(
    "A header that is not that of a NumPy array of numbers is rejected",
    arguments: [
      ("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2)}", "declares shape [2, 2] of float32 but has 4 bytes"),
      ("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", "is not a NumPy array"),
      ("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}", "is not a NumPy array"),
      ("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 4294967296, 4294967296)}", "is not a NumPy array"),
      ("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", "is not a NumPy array"),
      ("{'descr': '<f4', 'fortran_order': False}", "is not a NumPy array"),
      ("{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}", "is not a NumPy array"),
      ("__import__('os')", "is not a NumPy array"),
      ("{'descr': '<f4', 'fortran_order': False, 'shape': (1", "is not a NumPy array"),
      ("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", "the array holds records or objects"),
      ("{'descr': '|S4', 'fortran_order': False, 'shape': (1,)}", "the array holds text"),
      ("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", "pickled Python objects, which are never loaded"),
    ])
  func headers(header: String, what: String) throws {
    let array = NPYSample(header: header, data: [0, 0, 0, 0]).bytes
    let error = try rejection(ZipSample(entries: [("x.npy", array)]).bytes)
    #expect(error?.what.contains(what) == true, "\(error?.what ?? "")")
  }

  @Test("Fortran order is rejected unless it equals C order") func fortranOrder() throws {
    let data = [UInt8](repeating: 0, count: 16)
    let matrix = NPYSample(header: "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2)}", data: data).bytes
    let error = try rejection(ZipSample(entries: [("x.npy", matrix)]).bytes)
    #expect(error?.what == "the array is stored in Fortran order")
    let column = NPYSample(header: "{'descr': '<f4', 'fortran_order': True, 'shape': (4, 1)}", data: data).bytes
    let file = try NPZFile(reading: folder.write(ZipSample(entries: [("x.npy", column)]).bytes, as: "column.npz"))
    #expect(try file.read("x", as: Float.self).shape == [4, 1])
  }

  @Test("A header that is too long is rejected before it is read") func hugeHeader() throws {
    var array = [0x93] + Array("NUMPY".utf8) + [2, 0, 0xff, 0xff, 0xff, 0x7f]
    array += [UInt8](repeating: 0x20, count: 100)
    #expect(try rejection(ZipSample(entries: [("x.npy", array)]).bytes)?.what.contains("not a NumPy array") == true)
  }

  @Test("A damaged byte is detected by the checksum") func checksum() throws {
    var bytes = ZipSample(entries: [("x.npy", NPYSample(values: [1, 2], shape: "(2,)").bytes)]).bytes
    bytes[30 + 5 + 128 + 3] ^= 1
    #expect(try rejection(bytes)?.what == "the checksum does not match: the data are damaged")
  }

  @Test("Every prefix of a file is rejected") func truncated() throws {
    let bytes = ZipSample(entries: [("x.npy", NPYSample(values: [1, 2], shape: "(2,)").bytes)]).bytes
    for length in bytes.indices { _ = try rejection(Array(bytes.prefix(length))) }
  }

  @Test("A file with any one byte changed is read or rejected") func changedBytes() throws {
    let bytes = ZipSample(entries: [("x.npy", NPYSample(values: [1, 2], shape: "(2,)").bytes)]).bytes
    var refused = 0
    for index in bytes.indices {
      for change: UInt8 in [0x01, 0x80, 0xff] {
        var changed = bytes
        changed[index] ^= change
        let path = try folder.write(changed, as: "changed.npz")
        do {
          let (values, shape) = try NPZFile(reading: path).read("x", as: Float.self)
          // The checksum covers the data; only fields that readers ignore (times, versions) may change.
          #expect(values == [1, 2] && shape == [2])
        } catch is StructuredError {
          refused += 1
        }
      }
    }
    // Header, data, checksum and names: a change of the array's own bytes, at least, is detected.
    #expect(refused > 3 * 128)
  }

  @Test("A zip bomb is rejected") func bomb() throws {
    var zip = ZipSample(entries: [("x.npy", NPYSample(values: [1], shape: "(1,)").bytes)])
    zip.declaredSize = 0x7fff_ffff
    #expect(try rejection(zip.bytes)?.what == "the entry declares impossible sizes")
  }

  @Test(
    "Files written by NumPy are read, compressed or not, of any type",
    .enabled(if: PythonScript.has("numpy"), "python3 with numpy is not installed"))
  func python() throws {
    let script = """
      import sys, zipfile, io, numpy as np
      a = dict(f2=np.array([0.5, -2], np.float16), f4=np.arange(12, dtype=np.float32).reshape(3, 4),
               big=np.array([3, -1], ">i4"),
               bigf=np.array([2.5], '>f8'), u8=np.arange(200000, dtype=np.uint8).reshape(1000, 200) // 7,
               flags=np.array([True, False]), scalar=np.array(7.0),
               i2=np.array([-5], np.int16), u8b=np.array([2**64 - 1], np.uint64),
               objects=np.array([{}, 1], dtype=object), text=np.array(['a']),
               none=np.zeros((0, 3)))
      np.savez(sys.argv[1], **a)
      np.savez_compressed(sys.argv[2], **a)
      """
    let result = try PythonScript.run(script, folder.file("stored.npz"), folder.file("deflated.npz"))
    #expect(result.status == 0, "\(result.output)")
    for name in ["stored.npz", "deflated.npz"] {
      let file = try NPZFile(reading: folder.file(name))
      #expect(try file.read("f2", as: Float.self).values == [0.5, -2])
      #expect(try file.read("f4", as: Float.self).values == (0..<12).map { Float($0) })
      #expect(try file.read("big", as: Int.self).values == [3, -1])
      #expect(try file.read("bigf", as: Double.self).values == [2.5])
      #expect(try file.read("u8", as: UInt8.self).values == (0..<200_000).map { UInt8(truncatingIfNeeded: $0) / 7 })
      #expect(try file.read("flags", as: UInt8.self).values == [1, 0])
      #expect(try file.read("scalar", as: Double.self).values == [7])
      #expect(try file.read("i2", as: Int.self).values == [-5])
      #expect(try file.read("u8b", as: Double.self).values == [0x1p64])
      #expect(try file.read("none", as: Double.self).shape == [0, 3])
      #expect(try file.information("objects").type == .other)
      let error = #expect(throws: StructuredError.self) { try file.read("objects", as: Double.self) }
      #expect(error?.what == "the array holds pickled Python objects, which are never loaded")
      #expect(throws: StructuredError.self) { try file.read("u8b", as: Int.self) }
      #expect(throws: StructuredError.self) { try file.read("text", as: Int.self) }
    }
    // Damage in a deflated entry is an error wherever it is.
    let deflated = [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder.file("deflated.npz"))))
    for length in stride(from: 0, to: deflated.count, by: 97) {
      let path = try folder.write(deflated.prefix(length), as: "prefix.npz")
      #expect(throws: StructuredError.self) { try NPZFile(reading: path).read("u8", as: UInt8.self) }
    }
  }

  @Test(
    "Large archives (zip64) are read",
    .enabled(if: PythonScript.has("numpy"), "python3 with numpy is not installed"))
  func zip64() throws {
    let script = """
      import sys, zipfile, io, numpy as np
      zipfile.ZIP64_LIMIT = 100
      zipfile.ZIP_FILECOUNT_LIMIT = 1
      np.savez(sys.argv[1], x=np.arange(100.), y=np.arange(3.))
      assert b'PK\\x06\\x06' in open(sys.argv[1], 'rb').read()
      """
    let result = try PythonScript.run(script, folder.file("large.npz"))
    #expect(result.status == 0, "\(result.output)")
    let file = try NPZFile(reading: folder.file("large.npz"))
    #expect(file.arrayPaths() == ["x", "y"])
    #expect(try file.read("x", as: Double.self).values == (0..<100).map { Double($0) })
    #expect(try file.read("y", as: Double.self).values == [0, 1, 2])
  }
}
