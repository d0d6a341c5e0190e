import Diagnostics
import FactorData
import FileFormats
import Foundation
import StrictConfiguration
import TensorCore
import TestSupport
import Testing

/// Any folder of PNG and JPEG files, with and without a table of factors.
@Suite("Folders of images with a table of factors")
struct ImageFolderSetTests {
  private let folder: TemporaryFolder
  private let device = Device(threads: 2)
  private let set = "datasets_second/generic/png_folder",
    expected = "datasets_second/generic/png_folder_expected/expected.h5"

  init() throws { folder = try TemporaryFolder() }

  private func open(_ yaml: String) throws -> any FactorDataset {
    let document = try ConfigurationDocument(yaml: yaml, source: "test.yaml")
    let choice: ResolvedConfiguration<DatasetChoice> = try document.decode()
    return try choice.value.open(on: device)
  }

  @Test("The golden folder, in the order of its table") func golden() throws {
    let data = try open("{name: file, path: \(Golden.path(set))}")
    #expect(data.count == 12 && data.imageShape == ImageShape(height: 32, width: 40, channels: 3))
    #expect(data.factors.names == ["hue", "size", "shape"] && data.factors.sizes == [3, 4, 2])
    #expect(data.factors.list.map(\.kind) == [.ordered, .ordered, .categorical])
    #expect(try GoldenSets.bytes(data, Array(0..<12)) == GoldenSets.golden(expected, "images"))
    #expect(try GoldenSets.factors(data) == GoldenSets.integers(expected, "factors"))
  }

  /// A folder with the images of the golden one, and a table.
  private func copy(table: String?) throws -> String {
    let target = folder.file("set"), manager = FileManager.default
    try? manager.removeItem(atPath: target)
    try manager.copyItem(atPath: Golden.path(set), toPath: target)
    try manager.removeItem(atPath: target + "/factors.csv")
    if let table { _ = try folder.write(Array(table.utf8), as: "set/factors.csv") }
    return target
  }

  private func names() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: Golden.path(set)).filter { $0.hasSuffix(".png") }.sorted()
  }

  @Test("Without a table images are in the order of their names, and no factors are known") func noTable() throws {
    let path = try copy(table: nil), data = try open("{name: file, path: \(path)}")
    #expect(data.count == 12 && data.factors.isEmpty)
    let golden = try GoldenSets.golden(expected, "images"), size = 32 * 40 * 3
    let table = try CSVTable(reading: Golden.path(set + "/factors.csv"))
    let order = try names().map { name in try #require(table.rows.firstIndex { $0[0] == name }) }
    #expect(
      try GoldenSets.bytes(data, Array(0..<12)) == order.flatMap { golden[$0 * size..<($0 + 1) * size] })
    // The table elsewhere.
    let other = try open("{name: file, path: \(path), factors: \(Golden.path(set))/factors.csv}")
    #expect(try GoldenSets.factors(other) == GoldenSets.integers(expected, "factors"))
    #expect(try open("{name: file, path: \(Golden.path(set)), factors: factors.csv}").factors == other.factors)
  }

  @Test("Texts are categories in the order of their bytes, empty fields are unknown") func texts() throws {
    let words = ["red", "green", "", "blue", "red", "10"]
    let rows = try names().enumerated().map { "\($1),\(words[$0 % 6]),\($0 % 4 == 0 ? "" : "\($0).0")" }
    let path = try copy(table: (["name,color,place"] + rows).joined(separator: "\r\n"))
    let data = try open("{name: file, path: \(path)}"), known = ["10": 0, "blue": 1, "green": 2, "red": 3]
    #expect(data.factors.list == [Factor("color", size: 4, kind: .categorical), Factor("place", size: 12)])
    #expect(
      GoldenSets.factors(data) == (0..<12).flatMap { [known[words[$0 % 6]] ?? -1, $0 % 4 == 0 ? -1 : $0] })
    #expect(data.factors.unknownCounts == [2, 3])
  }

  @Test("Continuous values are put into the bins that the settings name") func bins() throws {
    let rows = try names().enumerated().map { "\($1),\($0 == 4 ? "" : "\(Double($0) / 4 - 1)"),\($0 % 2)" }
    let path = try copy(table: (["name,x,y"] + rows).joined(separator: "\n"))
    let data = try open("{name: file, path: \(path), bins: {count: 4, rule: width}}")
    #expect(data.factors.list == [Factor("x", size: 4), Factor("y", size: 2)])
    // From −1 to 1.75 in four parts; the largest value belongs to the last.
    let expected = (0..<12).map { $0 == 4 ? -1 : min($0 * 4 / 11, 3) }
    #expect(data.factors.column(0).map(Int.init) == expected)
    GoldenSets.expectError("the value of x is -1.0", at: path + "/factors.csv, line 2") {
      _ = try ImageFolderSet(folder: path, on: device)
    }
    let infinite = try copy(table: (["name,x"] + names().map { $0 + ",inf" }).joined(separator: "\n"))
    GoldenSets.expectError("the value of x is inf", at: infinite + "/factors.csv, line 2") {
      _ = try ImageFolderSet(folder: infinite, on: device)
    }
  }

  @Test("A table that is exactly a grid makes one") func grid() throws {
    let rows = try names().enumerated().map { "\($1),\($0 / 4),\($0 % 4)" }
    let path = try copy(table: (["name,a,b"] + rows).joined(separator: "\n"))
    #expect(try open("{name: file, path: \(path)}").factorSpace?.sizes == [3, 4])
  }

  @Test(
    "A table that does not fit is one error",
    arguments: [
      ("datasets_second/bad/generic_rows.csv", "the image \"img_361.png\" has no row", ""),
      ("datasets_second/bad/generic_columns.csv", "there are 3 fields", ", line 4"),
      ("datasets_second/bad/generic_dotdot.csv", "the image is named \"../img_984.png\"", ", line 3"),
      ("datasets_second/bad/generic_negative.csv", "the value of shape is -1", ", line 6"),
    ])
  func damaged(file: String, message: String, line: String) throws {
    GoldenSets.expectError(message, at: Golden.path(file) + line) {
      _ = try ImageFolderSet(folder: Golden.path(set), factors: Golden.path(file), on: device)
    }
  }

  @Test("Other mistakes in a table") func mistakes() throws {
    func check(_ message: String, _ line: String = "", _ change: ([String]) -> [String]) throws {
      let rows = try names().map { "\($0),1,0" }
      let path = try copy(table: (change(["file,a,b"] + rows)).joined(separator: "\n"))
      GoldenSets.expectError(message, at: path + "/factors.csv" + line) {
        _ = try ImageFolderSet(folder: path, on: device)
      }
    }
    try check("has two rows", ", line 14") { $0 + [$0[3]] }
    try check("there is no image \"x.png\"", ", line 14") { $0 + ["x.png,1,1"] }
    try check("the value of a is 0.25", ", line 13") { $0.dropLast() + ["\($0[12].prefix(11)),0.25,1"] }
    try check("two factors are called \"a\"") { ["file,a,a"] + $0.dropFirst() }
    try check("column 3 has no name", ", line 1") { ["file,a,"] + $0.dropFirst() }
    try check("no image has a known value of b") { $0.enumerated().map { $0 == 0 ? $1 : "\($1.dropLast())" } }
    try check("the table has 1 column") { $0.map { String($0.prefix { $0 != "," }) } }
    try check("the value of a is 3000000000", ", line 2") {
      [$0[0], $0[1].replacing(",1,", with: ",3000000000,")] + $0.dropFirst(2)
    }
    let missing = try copy(table: nil)
    GoldenSets.expectError("there is no such file", at: "none.csv") {
      _ = try ImageFolderSet(folder: missing, factors: "none.csv", on: device)
    }
  }

  @Test("Images of two sizes, of no format, grey among colours, and none at all") func images() throws {
    let path = try copy(table: nil), manager = FileManager.default
    try manager.copyItem(
      atPath: Golden.path("datasets/isaac3d/Isaac3D_down128/images/000000.png"), toPath: path + "/zzz.png")
    GoldenSets.expectError("the image has 128×128 pixels", at: path + "/zzz.png") {
      _ = try open("{name: file, path: \(path)}")
    }
    _ = try folder.write(Array("text".utf8), as: "set/zzz.png")
    GoldenSets.expectError("this is not an image", at: path + "/zzz.png") {
      _ = try open("{name: file, path: \(path)}")
    }
    try manager.removeItem(atPath: path + "/zzz.png")
    // Hidden files and others are no images; endings may have capitals.
    _ = try folder.write(Array("text".utf8), as: "set/.hidden.png")
    _ = try folder.write(Array("text".utf8), as: "set/readme.txt")
    try manager.moveItem(atPath: path + "/img_019.png", toPath: path + "/IMG.PNG")
    #expect(try open("{name: file, path: \(path)}").count == 12)
    GoldenSets.expectError("the folder has no images", at: Golden.path("datasets/mnist")) {
      _ = try open("{name: file, path: \(Golden.path("datasets/mnist"))}")
    }
    let key = #expect(throws: StructuredError.self) { try open("{name: file, path: \(path), images: x}") }
    #expect(key?.what == "the images of a folder are in no array \"x\"")
  }
}
