import Codes
import Diagnostics
import FileFormats
import TestSupport
import Testing

@Suite("Which rows")
struct RowSelectionTests {
  @Test(
    "Slices are those of Python",
    arguments: [
      ("0:3", [0, 1, 2]), (":3", [0, 1, 2]), ("7:", [7, 8, 9]), ("2:9:3", [2, 5, 8]), ("::4", [0, 4, 8]),
      ("9:10", [9]), (":", Array(0..<10)), ("3::", Array(3..<10)), ("0:1:100", [0]),
    ])
  func slices(text: String, rows: [Int]) throws {
    let slice = try #require(RowSlice(text))
    #expect(try RowSelection.slice(slice).indices(of: 10) == rows)
  }

  @Test(
    "What is no slice is none",
    arguments: ["", "5", "a:b", "-1:3", "0:3:0", "1:2:3:4", "0..<3", "1.5:2", " 1:2", "+1:2", "99999999999999999999:"])
  func noSlices(text: String) { #expect(RowSlice(text) == nil) }

  @Test("Slices that are empty or go beyond the end are refused", arguments: ["0:11", "3:3", "5:2", "10:"])
  func outside(text: String) throws {
    let slice = try #require(RowSlice(text))
    let error = #expect(throws: StructuredError.self) { try RowSelection.slice(slice).indices(of: 10) }
    #expect(error?.expected == "a part of 0:10 that is not empty" && error?.location == "--rows")
  }

  @Test("Random rows differ, rise, and depend on the seed alone")
  func random() throws {
    let rows = try RowSelection.random(50, seed: 4).indices(of: 1_000)
    #expect(rows.count == 50 && Set(rows).count == 50 && rows == rows.sorted() && rows.allSatisfy { $0 < 1_000 })
    #expect(try RowSelection.random(50, seed: 4).indices(of: 1_000) == rows)
    #expect(try RowSelection.random(50, seed: 5).indices(of: 1_000) != rows)
    #expect(try RowSelection.random(10, seed: 1).indices(of: 10) == Array(0..<10))
  }

  @Test("More random rows than there are, or none, are refused", arguments: [0, -1, 11, Int.max])
  func tooMany(count: Int) {
    let error = #expect(throws: StructuredError.self) { try RowSelection.random(count, seed: 0).indices(of: 10) }
    #expect(error?.expected == "from 1 to 10, as many as there are")
  }

  @Test("Rows of a file are taken in its order", arguments: ["rows.h5", "rows.npz"])
  func file(name: String) throws {
    let folder = try TemporaryFolder()
    func write(_ rows: [Int], shape: [Int]) throws -> RowSelection {
      var contents = ArrayFileContents()
      contents.addArray("index", Int.self, shape: shape)
      try ArrayFileWriter.write(contents, to: folder.file(name)) { try $0.append(rows, to: "index") }
      return .file(folder.file(name))
    }
    #expect(try write([3, 1, 1, 9], shape: [4]).indices(of: 10) == [3, 1, 1, 9])
    let outside = #expect(throws: StructuredError.self) { try write([3, 10], shape: [2]).indices(of: 10) }
    #expect(outside?.what == "index[1] is 10" && outside?.expected == "numbers of images from 0 to 9")
    let negative = #expect(throws: StructuredError.self) { try write([-1], shape: [1]).indices(of: 10) }
    #expect(negative?.what == "index[0] is -1")
    let matrix = #expect(throws: StructuredError.self) { try write([3, 1], shape: [2, 1]).indices(of: 10) }
    #expect(matrix?.what == "the array has shape [2, 1]")
  }
}
