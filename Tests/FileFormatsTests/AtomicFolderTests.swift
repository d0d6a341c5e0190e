import Diagnostics
import FileFormats
import Foundation
import TestSupport
import Testing

@Suite struct AtomicFolderTests {
  let parent: TemporaryFolder

  init() throws { parent = try TemporaryFolder() }

  private let files = [(name: "a", data: Data([1])), (name: "deep/er/b", data: Data([2, 3]))]

  @Test("A folder appears with all its files, in place of what was there") func whole() throws {
    let path = parent.file("folder")
    try AtomicFolder.write(files, to: path)
    #expect(FileManager.default.contents(atPath: path + "/deep/er/b") == Data([2, 3]))
    try AtomicFolder.write([(name: "c", data: Data())], to: path + "/") { staging in
      try AtomicFile.write(Data([9]), to: staging + "/d")
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: path).sorted() == ["c", "d"])
    #expect(try parent.names() == ["folder"])
  }

  @Test("When something goes wrong, what was there is still there, and nothing else") func failing() throws {
    let path = parent.file("folder")
    try AtomicFolder.write(files, to: path)
    #expect(throws: StructuredError.self) {
      try AtomicFolder.write([(name: "c", data: Data())], to: path) { _ in throw StructuredError("no") }
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: path).sorted() == ["a", "deep"])
    #expect(try parent.names() == ["folder"])
  }

  @Test(
    "Where no folder can be made is an error",
    arguments: [
      ("gone/folder", "gone does not exist"), ("file/folder", "file is a file"), (".", "no folder can be made here"),
      ("..", "no folder can be made here"),
    ])
  func impossible(name: String, message: String) throws {
    _ = try parent.write([1], as: "file")
    let error = #expect(throws: StructuredError.self) { try AtomicFolder.write(files, to: parent.file(name)) }
    #expect(error?.what.hasSuffix(message) == true, "\(String(describing: error))")
    #expect(try parent.names() == ["file"])
  }
}
