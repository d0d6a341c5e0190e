import Diagnostics
import Experiment
import Foundation
import Testing

@Suite("Run folders")
struct RunFolderTests {
  private let files: [RunFolder.File: Data] = [.configuration: Data("name: a\n".utf8), .environment: Data("{}".utf8)]

  @Test("a new folder has its files from the start, and nothing else is left beside it")
  func create() throws {
    try withTemporaryFolder { parent throws in
      let run = try RunFolder.create(at: parent + "/run/", with: files)
      #expect(run.path == parent + "/run")
      #expect(run.isLocked)
      #expect(try names(in: parent) == ["run"])
      #expect(try names(in: run.path) == ["config.yaml", "environment.json", "run.lock"])
      #expect(try run.read(.configuration) == Data("name: a\n".utf8))
      #expect(!run.contains(.weights))
      try run.write(Data([1, 2]), as: .weights)
      try run.write(Data([3]), as: .weights)
      #expect(try run.read(.weights) == Data([3]))
      #expect(throws: StructuredError.self) { try run.read(.checkpoint) }
    }
  }

  @Test("a folder that exists is never touched, and the error says what can be done")
  func exists() throws {
    try withTemporaryFolder { parent throws in
      _ = try RunFolder.create(at: parent + "/run", with: files)
      let run = try #require(throws: StructuredError.self) { try RunFolder.create(at: parent + "/run", with: files) }
      #expect(run.description.contains("--resume"))
      try FileManager.default.createDirectory(atPath: parent + "/other", withIntermediateDirectories: false)
      let other = try #require(throws: StructuredError.self) {
        try RunFolder.create(at: parent + "/other", with: files)
      }
      #expect(other.action == "Choose another --output.")
      try makeFile(parent + "/file", "keep")
      let file = try #require(throws: StructuredError.self) { try RunFolder.create(at: parent + "/file", with: files) }
      #expect(file.what == "a file is in the way")
      #expect(FileManager.default.contents(atPath: parent + "/file") == Data("keep".utf8))
      #expect(try names(in: parent) == ["file", "other", "run"])
    }
  }

  @Test("a missing parent is an error, or is made when asked for")
  func parents() throws {
    try withTemporaryFolder { parent throws in
      let error = try #require(throws: StructuredError.self) {
        try RunFolder.create(at: parent + "/a/b/run", with: files)
      }
      #expect(error.what == "the folder \(parent)/a/b does not exist")
      #expect(try names(in: parent).isEmpty)
      _ = try RunFolder.create(at: parent + "/a/b/run", makingParents: true, with: files)
      #expect(try names(in: parent + "/a/b") == ["run"])
    }
  }

  @Test("no folder can be made under a file, in a system folder, or without a name")
  func impossible() throws {
    try withTemporaryFolder { parent throws in
      try makeFile(parent + "/file", "")
      for path in [parent + "/file/run", "/proc/run", "", "/", "."] {
        #expect(throws: StructuredError.self, "\(path)") { try RunFolder.create(at: path, with: files) }
        #expect(throws: StructuredError.self, "\(path)") {
          try RunFolder.create(at: path, makingParents: true, with: files)
        }
      }
      #expect(try names(in: parent) == ["file"])
    }
  }

  @Test("a folder that cannot be made is an error")
  func unwritable() throws {
    // Nobody can write below /proc, whatever rights he has.
    let error = try #require(throws: StructuredError.self) { try RunFolder.create(at: "/proc/run", with: files) }
    #expect(error.what.hasPrefix("cannot make the folder: ") && error.location == "/proc/run", "\(error)")
  }

  @Test("what a killed start left behind is removed")
  func staging() throws {
    try withTemporaryFolder { parent throws in
      let staging = parent + "/.run.0abc.staging"
      try FileManager.default.createDirectory(atPath: staging, withIntermediateDirectories: false)
      try makeFile(staging + "/config.yaml", "half")
      try makeFile(
        staging + "/.disentangle.json",
        #"{"complete": false, "files": {"config.yaml": {}, "run.lock": {}}, "kind": "run", "version": 1}"#)
      let run = try RunFolder.create(at: parent + "/run", with: files)
      #expect(try run.read(.configuration) == Data("name: a\n".utf8))
      #expect(try names(in: parent) == ["run"])
    }
  }

  @Test("one at a time: a run that is being trained can be read, but not resumed")
  func lock() throws {
    try withTemporaryFolder { parent throws in
      let path = parent + "/run"
      var first: RunFolder? = try RunFolder.create(at: path, with: files)
      #expect(first?.isLocked == true)
      let error = try #require(throws: StructuredError.self) { try RunFolder.resume(at: path) }
      #expect(error.what == "another process is training this run")
      #expect(try RunFolder.open(at: path).isLocked == false)
      first = nil
      #expect(try RunFolder.resume(at: path).isLocked)
    }
  }

  @Test("what is no run folder cannot be opened")
  func open() throws {
    try withTemporaryFolder { parent throws in
      try makeFile(parent + "/file", "")
      for path in [parent + "/missing", parent + "/file", parent] {
        #expect(throws: StructuredError.self, "\(path)") { try RunFolder.open(at: path) }
        #expect(throws: StructuredError.self, "\(path)") { try RunFolder.resume(at: path) }
      }
      #expect(try names(in: parent) == ["file"])
    }
  }
}
