import Diagnostics
import FileFormats
import Foundation
import TestSupport
import Testing

/// What the campaigns of `script/campaign` found in writers of folders; the failing system calls themselves are theirs.
@Suite("Faults of writers of folders") struct FolderFaultTests {
  private let kind = FolderKind("run")
  private let parent: TemporaryFolder

  init() throws { parent = try TemporaryFolder() }

  private func write(to path: String) throws {
    try AtomicFolder.write([(name: "a", data: Data("1".utf8))], to: path, as: kind, replacing: false)
  }

  @Test("A marker that a killed process left in a folder that nothing may replace is removed by the next write")
  func marker() throws {
    let path = parent.file("run")
    try write(to: path)
    #expect(try FileManager.default.contentsOfDirectory(atPath: path) == ["a"])
    // The state between the appearing of the folder and the removal of its marker.
    try AtomicFolder.write([(name: "a", data: Data("1".utf8))], to: parent.file("sealed"), as: kind)
    let marker = try Data(contentsOf: URL(fileURLWithPath: parent.file("sealed/.disentangle.json")))
    for (other, isRemoved) in [(kind, true), (FolderKind("report"), false)] {
      try marker.write(to: URL(fileURLWithPath: path + "/.disentangle.json"))
      #expect(throws: StructuredError.self) {
        try AtomicFolder.write([(name: "a", data: Data("2".utf8))], to: path, as: other, replacing: false)
      }
      #expect(FileManager.default.fileExists(atPath: path + "/.disentangle.json") != isRemoved)
    }
    #expect(FileManager.default.contents(atPath: path + "/a") == Data("1".utf8))
  }

  @Test("Empty folders that a killed process left without a marker are removed, others' files are not")
  func emptyFolders() throws {
    for name in [".run.abc1.staging/figures/small", ".run.abc2.staging/figures"] {
      try FileManager.default.createDirectory(atPath: parent.file(name), withIntermediateDirectories: true)
    }
    _ = try parent.write([], as: ".run.abc2.staging/figures/mine")
    try write(to: parent.file("run"))
    #expect(try parent.names().sorted() == [".run.abc2.staging", "run"])
    #expect(FileManager.default.fileExists(atPath: parent.file(".run.abc2.staging/figures/mine")))
  }

  @Test("Errors name the place where a file was to appear, not the hidden folder")
  func location() throws {
    let path = parent.file("run")
    let error = #expect(throws: StructuredError.self) {
      try AtomicFolder.write(to: path, as: kind, files: ["b/c"]) { folder in
        throw StructuredError("cannot write the file", at: try folder.path(of: "b/c"))
      }
    }
    #expect(error?.location == path + "/b/c")
    #expect(try parent.names() == [])
  }

  @Test("Folders are made with those above them, and a failure has the system's reason")
  func making() throws {
    func make(_ path: String) throws { try FolderMaking.makeFolder(path, what: "cannot make it", at: "--output") }
    try make(parent.file("a/b/c"))
    try make(parent.file("a/b/c"))
    #expect(try parent.names() == ["a"] && FileManager.default.fileExists(atPath: parent.file("a/b/c")))
    _ = try parent.write([], as: "file")
    for path in ["file", "file/x", "file/x/y"] {
      let error = #expect(throws: StructuredError.self) { try make(parent.file(path)) }
      #expect(error?.what == "cannot make it: Not a directory" && error?.location == "--output", "\(path)")
    }
  }
}
