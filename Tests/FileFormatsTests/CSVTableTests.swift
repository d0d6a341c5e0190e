import Diagnostics
import FileFormats
import TestSupport
import Testing

/// Tables of text, and NumPy arrays that are files of their own.
@Suite("CSV and NPY files")
struct CSVTableTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func read(_ text: String) throws -> CSVTable {
    try CSVTable(reading: folder.write(Array(text.utf8), as: "t.csv"))
  }

  private func error(_ text: String) -> StructuredError? { #expect(throws: StructuredError.self) { try read(text) } }

  @Test("Fields, quotes, blanks, line ends and a byte order mark") func fields() throws {
    let table = try read("\u{feff}file, a ,\"b, c\"\r\n1,\"x \"\"y\"\"\nz\" ,\r\n\r\n 2,é,\"\"\r\n")
    #expect(table.names == ["file", "a", "b, c"])
    #expect(table.rows == [["1", "x \"y\"\nz", ""], ["2", "é", ""]] && table.lines == [2, 5])
    #expect(try read("a,b\n1,2").rows == [["1", "2"]])
    #expect(try read("a\n").rows.isEmpty)
    #expect(try read("a,b\n,\n").rows == [["", ""]])
  }

  @Test("What is no table is an error with its line") func damaged() throws {
    let path = folder.file("t.csv")
    let short = error("a,b\n1,2\n3\n")
    #expect(short?.what == "there are 1 fields" && short?.location == "\(path), line 3")
    #expect(error("a,b\n1,2,3\n")?.expected == "2, as in the first line")
    #expect(error("a,b\n\"1,2\n")?.what == "a quoted field does not end")
    #expect(error("a,b\n\"1\"x,2\n")?.what == "something follows a quoted field")
    let bytes = try folder.write([0x61, 0xff, 0x0a], as: "t.csv")
    #expect(
      #expect(throws: StructuredError.self) { try CSVTable(reading: bytes) }?.what == "the file is not text in UTF-8")
    #expect(error("a\0b\n")?.what == "the file is not text in UTF-8")
  }

  @Test("A NumPy array in a file of its own") func npy() throws {
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n"
    let values = (0..<6).flatMap { value in withUnsafeBytes(of: Float(value)) { Array($0) } }
    func file(_ header: String, _ values: [UInt8]) throws -> String {
      let start: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.utf8.count), 0]
      return try folder.write(start + Array(header.utf8) + values, as: "a.npy")
    }
    let array = try NPYFile(reading: file(header, values))
    #expect(array.shape == [2, 3])
    #expect(try array.read(as: Double.self).values == [0, 1, 2, 3, 4, 5])
    var rows: [[Double]] = []
    try array.forEachSlab(of: NPYFile.array, as: Double.self, rows: 1) { rows.append([Double($0.lowerBound)] + $1) }
    #expect(rows == [[0, 0, 1, 2], [1, 3, 4, 5]])
    func what(_ header: String, _ values: [UInt8]) -> String? {
      #expect(throws: StructuredError.self) { try NPYFile(reading: file(header, values)) }?.what
    }
    #expect(what(header, Array(values.dropLast())) == "the array declares shape [2, 3] of float32 but has 23 bytes")
    #expect(what(header, values + [0]) == "the array declares shape [2, 3] of float32 but has 25 bytes")
    let huge = header.replacing("(2, 3)", with: "(4611686018427387904, 3)")
    #expect(what(huge, values) == "this is not a NumPy array")
    #expect(what(header.replacing("False", with: "True"), values) == "the array is stored in Fortran order")
    #expect(
      what(header.replacing("<f4", with: "|O"), values)
        == "the array holds pickled Python objects, which are never loaded")
    #expect(what(header.replacing("<f4", with: "<U1"), values) == "the array holds text")
  }
}
