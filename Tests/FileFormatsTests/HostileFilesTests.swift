import Diagnostics
import FileFormats
import Foundation
import TestSupport
import Testing

/// Malicious files, and the error message of each. Safetensors and NPZ headers are tested with their readers.
@Suite struct HostileFilesTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func message(_ bytes: [UInt8], _ array: String = "x") throws -> String? {
    let path = try folder.write(bytes, as: "made")
    return #expect(throws: StructuredError.self) { try openArrayFile(path).read(array, as: Double.self) }?.what
  }

  /// A file of ``HDF5Writer``, with a chunked and a contiguous array.
  private func hdf5() throws -> [UInt8] {
    let writer = try HDF5Writer()
    try writer.write("x", (0..<48).map { Double($0) }, shape: [8, 6], layout: .deflated(chunks: [4, 6], level: 4))
    try writer.write("y", (0..<4).map { Double($0) }, shape: [4])
    return [UInt8](try writer.bytes())
  }

  private func corpus(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: Fixture.path(name))))
  }

  /// The offset of a byte sequence.
  private func position(_ text: String, in bytes: [UInt8], where condition: (Int) -> Bool = { _ in true }) throws -> Int
  {
    let wanted = Array(text.utf8)
    return try #require(
      bytes.indices.first { $0 + 32 < bytes.count && bytes[$0..<$0 + 4].elementsEqual(wanted) && condition($0) })
  }

  private func set(_ number: UInt64, _ size: Int = 8, at place: Int, in bytes: inout [UInt8]) {
    for index in 0..<size { bytes[place + index] = UInt8(truncatingIfNeeded: number >> (8 * UInt64(index))) }
  }

  @Test("Groups that contain themselves are listed once, and their arrays are read by any path") func circularGroups()
    throws
  {
    let file = try HDF5File(reading: Fixture.path("corpus-earliest.h5"))
    #expect(try file.arrayPaths() == ["filtered", "group/big", "lzf", "names", "soft"])
    #expect(try file.read("group/itself/itself/itself/big", as: Int.self).values == [3, -1])
  }

  @Test("A header that continues in itself is rejected") func circularHeader() throws {
    var bytes = try hdf5()
    // The root's header follows the superblock; its only message becomes a continuation that refers to itself.
    let header = 96, message = header + 16
    #expect(bytes[message] == 0x11 && bytes[header] == 1)
    bytes[message] = 0x10
    set(UInt64(message), at: message + 8, in: &bytes)
    set(24, at: message + 16, in: &bytes)
    #expect(try self.message(bytes) == "the HDF5 file is damaged: the header of an object contains a cycle")
  }

  @Test("A table of chunks that contains itself is rejected") func circularTree() throws {
    var bytes = try hdf5()
    let tree = try position("TREE", in: bytes) { bytes[$0 + 4] == 1 }
    // A node one level up whose first child is itself.
    bytes[tree + 5] = 1
    set(UInt64(tree), at: tree + 24 + 8 + 24, in: &bytes)
    #expect(try message(bytes) == "the HDF5 file is damaged: the table of chunks has a node of the wrong level")
  }

  @Test("A chunk beyond the end of the file is named") func chunkOutside() throws {
    var bytes = try hdf5()
    let tree = try position("TREE", in: bytes) { bytes[$0 + 4] == 1 }
    // Signature and siblings; a key of size, mask and three offsets; the first chunk's address.
    set(1 << 40, at: tree + 24 + 8 + 24, in: &bytes)
    #expect(try message(bytes) == "the HDF5 file is damaged: the chunk at [0, 0] lies beyond the end of the file")
  }

  @Test("Two chunks at the same position are rejected") func chunksTwice() throws {
    var bytes = try hdf5()
    let tree = try position("TREE", in: bytes) { bytes[$0 + 4] == 1 }
    set(0, at: tree + 24 + 40 + 8, in: &bytes)
    #expect(try message(bytes) == "the HDF5 file is damaged: there are two chunks at [0, 0]")
  }

  @Test("An array that declares more than its file can hold is rejected before memory is allocated") func hugeShape()
    throws
  {
    let writer = try HDF5Writer()
    try writer.create("x", Double.self, shape: [1 << 40], layout: .deflated(chunks: [1 << 20], level: 4))
    #expect(
      try message([UInt8](writer.bytes()))
        == "the array declares 1099511627776 elements but the file spends only 0 bytes on them")
    var bytes = try hdf5()
    // The extent of y, and its limit, in the header that follows its name's array.
    let extent = try #require(
      bytes.indices.first { at in
        at + 24 < bytes.count && bytes[at..<at + 8].elementsEqual([4, 0, 0, 0, 0, 0, 0, 0])
          && bytes[at + 8..<at + 16].elementsEqual([4, 0, 0, 0, 0, 0, 0, 0]) && bytes[at - 7] == 1
      })
    set(1 << 50, at: extent, in: &bytes)
    set(1 << 50, at: extent + 8, in: &bytes)
    #expect(try message(bytes, "y") == "the HDF5 file is damaged: the array of shape [1125899906842624] has 32 bytes")
  }

  @Test("A deflated chunk with more or fewer bytes than its extents is rejected", arguments: [95, 97])
  func wrongChunkSize(count: Int) throws {
    let writer = try HDF5Writer(), encoder = try #require(ZlibEncoder(level: 6))
    try writer.create("x", UInt8.self, shape: [8, 12], layout: .deflated(chunks: [8, 12], level: 6))
    let stream = [UInt8](repeating: 7, count: count).withUnsafeBytes { encoder.encode($0) }
    try writer.writeRawChunk("x", stream, at: [0, 0])
    #expect(
      try message([UInt8](writer.bytes())) == "the data are damaged or truncated: a deflated chunk is damaged")
  }

  @Test("A chunk that declares more bytes than its data can inflate to is rejected") func hugeChunk() throws {
    let writer = try HDF5Writer()
    try writer.create("x", UInt8.self, shape: [1 << 20], layout: .deflated(chunks: [1 << 20], level: 6))
    try writer.writeRawChunk("x", [UInt8](repeating: 0, count: 100), at: [0])
    #expect(try message([UInt8](writer.bytes())) == "the data are damaged or truncated: a chunk is too short")
  }

  @Test("Rows without elements are not iterated, however many there are") func endlessRows() throws {
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1099511627776, 0), }"
    let npz = ZipSample(entries: [("x.npy", NPYSample(header: header, data: []).bytes)]).bytes
    let writer = try HDF5Writer()
    try writer.write("x", [] as [Float], shape: [1 << 40, 0])
    for bytes in [npz, [UInt8](try writer.bytes())] {
      let file = try openArrayFile(folder.write(bytes, as: "rows"))
      #expect(try file.read("x", as: Float.self).shape == [1 << 40, 0])
      try file.forEachSlab(of: "x", as: Float.self, rows: 3) { _, _ in Issue.record("there is nothing to hand out") }
    }
  }

  @Test("A flipped bit in newer headers is detected by their checksums") func checksum() throws {
    var bytes = try corpus("corpus-latest.h5")
    let header = try position("OHDR", in: bytes)
    bytes[header + 20] ^= 1
    #expect(
      try message(bytes, "single")
        == "the HDF5 file is damaged: the header of an object is damaged: its checksum does not match")
  }

  @Test("Errors name unsupported features and say what to do", .enabled(if: PythonScript.has("h5py"), "no h5py"))
  func unsupported() throws {
    let script = """
      import sys, h5py, numpy as np
      f = h5py.File(sys.argv[1], 'w', libver='latest')
      f['a'] = np.arange(4.)
      layout = h5py.VirtualLayout((4,), 'f8')
      layout[:] = h5py.VirtualSource(f['a'])
      f.create_virtual_dataset('virtual', layout)
      f.create_dataset('scaled', data=np.arange(400), chunks=(100,), scaleoffset=0)
      f.create_dataset('external', shape=(4,), dtype='f8', external=[(sys.argv[1] + '.raw', 0, 32)])
      f['record'] = np.zeros(2, [('a', 'f4'), ('b', 'i4')])
      """
    let result = try PythonScript.run(script, folder.file("features.h5"))
    #expect(result.status == 0, "\(result.output)")
    let file = try HDF5File(reading: folder.file("features.h5"))
    func error(_ name: String) -> StructuredError? {
      #expect(throws: StructuredError.self) { try file.read(name, as: Double.self) }
    }
    let action = "Rewrite the file with \"h5repack -f GZIP=4 IN OUT\", or save its arrays again with h5py."
    let virtual = error("virtual")
    #expect(virtual?.what == "the array is a virtual dataset, which is not supported")
    #expect(virtual?.action == action && virtual?.location == "\(file.path), array \"virtual\"")
    #expect(error("scaled")?.what == "the array uses the filter number 6, which is not supported")
    #expect(error("external")?.what == "the array's data are in other files, which is not supported")
    #expect(error("record")?.what == "the array holds records or objects")
  }

  @Test(
    "Every prefix of every file of the corpus is rejected",
    arguments: ["corpus-earliest.h5", "corpus-v108.h5", "corpus-latest.h5"])
  func truncatedHDF5(name: String) throws {
    let bytes = try corpus(name)
    for length in stride(from: 0, to: bytes.count, by: 11) {
      let path = try folder.write(bytes.prefix(length), as: "prefix.h5")
      #expect(throws: StructuredError.self) { try HDF5File(reading: path) }
    }
    let half = #expect(throws: StructuredError.self) {
      try HDF5File(reading: folder.write(bytes.prefix(bytes.count / 2), as: "half.h5"))
    }
    #expect(half?.what == "the file is truncated: it has \(bytes.count / 2) bytes")
    #expect(half?.expected == "\(bytes.count)")
  }

  @Test("A deflated entry with fewer or more bytes than its directory declares is rejected", arguments: [100, 4000])
  func wrongEntrySize(declared: UInt32) throws {
    // A thousand bytes, and a header that agrees with the wrong size in the directory.
    let count = (Int(declared) - 128) / 4
    var array = NPYSample(
      header: "{'descr': '<f4', 'fortran_order': False, 'shape': (\(max(0, count)),), }", data: []
    ).bytes
    array += [UInt8](repeating: 0, count: 1000 - array.count)
    var zip = ZipSample(entries: [("x.npy", array)], isDeflated: true)
    zip.declaredSize = declared
    #expect(
      try message(zip.bytes)
        == (declared > 1000
          ? "the entry is shorter than it declares"
          : "the entry is not a NumPy array: its header is damaged or missing"))
  }

  @Test("A nested zip bomb is rejected") func nestedBomb() throws {
    let inner = ZipSample(entries: [("x.npy", [UInt8](repeating: 0, count: 1 << 20))], isDeflated: true).bytes
    let outer = ZipSample(entries: [("x.npy", inner)], isDeflated: true).bytes
    #expect(try message(outer) == "the entry is not a NumPy array: its header is damaged or missing")
  }
}
