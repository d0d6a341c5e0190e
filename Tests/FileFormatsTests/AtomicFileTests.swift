import Diagnostics
import FileFormats
import Foundation
import TestSupport
import Testing

@Suite struct AtomicFileTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func content(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

  @Test("A file appears with its bytes and nothing else beside it") func writes() throws {
    try AtomicFile.write(Data("one".utf8), to: folder.file("a"))
    try AtomicFile.write(Data("second".utf8), to: folder.file("a"))
    #expect(try content(folder.file("a")) == "second")
    #expect(try folder.names() == ["a"])
  }

  @Test("A failure leaves the old file and no temporary") func failure() throws {
    struct Stop: Error {}
    try AtomicFile.write(Data("old".utf8), to: folder.file("a"))
    #expect(throws: Stop.self) {
      try AtomicFile.write(to: folder.file("a")) { output in
        try output.write(Data("half".utf8))
        throw Stop()
      }
    }
    #expect(try content(folder.file("a")) == "old")
    #expect(try folder.names() == ["a"])
  }

  @Test("The old file is there until the new one is whole") func replacedAtTheEnd() throws {
    try AtomicFile.write(Data("old".utf8), to: folder.file("a"))
    try AtomicFile.write(to: folder.file("a")) { output in
      try output.write(Data("new".utf8))
      #expect(try content(folder.file("a")) == "old")
      #expect(output.count == 3)
    }
    #expect(try content(folder.file("a")) == "new")
  }

  @Test("A file that exists stays where it must not be replaced") func existing() throws {
    try AtomicFile.write(Data("old".utf8), to: folder.file("a"))
    let error = #expect(throws: StructuredError.self) {
      try AtomicFile.write(Data("new".utf8), to: folder.file("a"), overwrite: false)
    }
    #expect(error?.what == "the file already exists" && error?.action?.contains("--force") == true)
    #expect(try content(folder.file("a")) == "old")
  }

  @Test("What a killed process left behind does not matter") func leftover() throws {
    _ = try folder.write(Array("a long remainder".utf8), as: ".a.disentangle.tmp")
    try AtomicFile.write(Data("new".utf8), to: folder.file("a"))
    #expect(try content(folder.file("a")) == "new")
    #expect(try folder.names() == ["a"])
  }

  @Test("Two writers of one file do not mix") func twoWriters() throws {
    try AtomicFile.write(to: folder.file("a")) { output in
      try output.write(Data("first".utf8))
      let error = #expect(throws: StructuredError.self) { try AtomicFile.write(Data("x".utf8), to: folder.file("a")) }
      #expect(error?.what == "another process is writing this file")
    }
    #expect(try content(folder.file("a")) == "first")
  }

  @Test("A symbolic link is followed and permissions are kept") func linksAndPermissions() throws {
    let path = try folder.write(Array("old".utf8), as: "real")
    try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: path)
    try FileManager.default.createSymbolicLink(atPath: folder.file("link"), withDestinationPath: "real")
    try AtomicFile.write(Data("new".utf8), to: folder.file("link"))
    #expect(try content(path) == "new")
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    #expect(attributes[.posixPermissions] as? Int == 0o640)
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: folder.file("link")) == "real")
  }

  @Test("Folders, devices and missing folders are refused by name") func refused() throws {
    func what(_ path: String) -> String? {
      #expect(throws: StructuredError.self) { try AtomicFile.write(Data(), to: path) }?.what
    }
    #expect(what(folder.path) == "this is a directory")
    #expect(what("/dev/null") == "this is not a regular file")
    #expect(
      what(folder.file("none/a")) == "cannot write into the folder \(folder.path)/none: No such file or directory")
    _ = try folder.write([1], as: "file")
    #expect(what(folder.file("file/a")) == "\(folder.path)/file is not a folder")
    #expect(what("") == "the name of the file to write is empty")
  }
}
