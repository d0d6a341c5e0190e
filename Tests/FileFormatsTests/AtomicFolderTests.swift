import Diagnostics
import FileFormats
import Foundation
import Synchronization
import TestSupport
import Testing

private let kind = FolderKind(
  "report", requiredFiles: ["index.html", "report.json"], earlierFiles: ["report.md", "figures/a.svg"])

/// The files of one version of a folder, each with the version in it.
private func files(_ version: String, _ names: [String] = ["index.html", "report.json", "figures/a.svg"]) -> [(
  name: String, data: Data
)] { names.map { (name: $0, data: Data("\(version) \($0)".utf8)) } }

@Suite("Folders that appear whole") struct AtomicFolderTests {
  let parent: TemporaryFolder
  var path: String { parent.file("report") }

  init() throws { parent = try TemporaryFolder() }

  /// All files below the folder and their contents, the marker left out.
  private func contents(_ folder: String = "report") throws -> [String: String] {
    var found: [String: String] = [:]
    for name in try FileManager.default.subpathsOfDirectory(atPath: parent.file(folder))
    where name != ".disentangle.json" {
      if let data = FileManager.default.contents(atPath: parent.file("\(folder)/\(name)")), !isFolder(folder, name) {
        found[name] = String(decoding: data, as: UTF8.self)
      }
    }
    return found
  }

  private func isFolder(_ folder: String, _ name: String) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: parent.file("\(folder)/\(name)"), isDirectory: &isFolder)
      && isFolder.boolValue
  }

  private func expected(_ version: String, _ more: [String: String] = [:]) -> [String: String] {
    Dictionary(uniqueKeysWithValues: files(version).map { ($0.name, String(decoding: $0.data, as: UTF8.self)) })
      .merging(more) { $1 }
  }

  private func make(_ names: String...) throws {
    for name in names {
      try FileManager.default.createDirectory(
        atPath: PathParts(parent.file(name)).folder, withIntermediateDirectories: true)
      _ = try parent.write("mine".utf8, as: name)
    }
  }

  @Test("A folder appears with all its files, in place of an earlier one of its kind, and nothing is left beside it")
  func whole() throws {
    try AtomicFolder.write(files("1"), to: path, as: kind)
    #expect(try contents() == expected("1"))
    try AtomicFolder.write([(name: "c/d", data: Data())], to: path + "/", as: kind)
    #expect(try contents() == ["c/d": ""])
    #expect(try parent.names() == ["report"])
  }

  @Test("A file that somebody else put into the folder stays there, as do folders, links and their contents")
  func foreignFiles() throws {
    try AtomicFolder.write(files("1"), to: path, as: kind)
    try make("report/thesis.tex", "report/figures/mine.svg", "report/drafts/old/1.tex")
    try FileManager.default.createDirectory(atPath: path + "/empty", withIntermediateDirectories: false)
    #expect(symlink("thesis.tex", path + "/link") == 0)
    for version in ["2", "3"] {
      try AtomicFolder.write(files(version), to: path, as: kind)
      let mine = Dictionary(
        uniqueKeysWithValues: ["thesis.tex", "figures/mine.svg", "drafts/old/1.tex", "link"].map { ($0, "mine") })
      #expect(try contents() == expected(version, mine))
      #expect(isFolder("report", "empty"))
      #expect(try FileManager.default.destinationOfSymbolicLink(atPath: path + "/link") == "thesis.tex")
    }
    #expect(try parent.names() == ["report"])
  }

  @Test("A folder that is not the program's, or of another kind, is never replaced")
  func notOurs() throws {
    try make("report/index.html", "report/thesis.tex")
    let before = try contents()
    let error = #expect(throws: StructuredError.self) { try AtomicFolder.write(files("1"), to: path, as: kind) }
    #expect(error?.what == "the folder was not written by this program" && error?.location == path)
    #expect(try contents() == before)
    try AtomicFolder.write(files("1"), to: parent.file("other"), as: FolderKind("comparison"))
    let other = #expect(throws: StructuredError.self) {
      try AtomicFolder.write(files("2"), to: parent.file("other"), as: kind)
    }
    #expect(other?.what == "the folder is a comparison, not a report")
    #expect(try contents("other") == expected("1"))
    // A marker that cannot be read makes nothing ours.
    _ = try parent.write("{}".utf8, as: "other/.disentangle.json")
    #expect(throws: StructuredError.self) { try AtomicFolder.write(files("2"), to: parent.file("other"), as: kind) }
    _ = try parent.write("mine".utf8, as: "file")
    #expect(symlink("nowhere", parent.file("dangling")) == 0)
    for name in ["file", "dangling"] {
      let error = #expect(throws: StructuredError.self) {
        try AtomicFolder.write(files("2"), to: parent.file(name), as: kind)
      }
      #expect(error?.what == "a file is in the way", "\(name)")
    }
    #expect(try parent.names() == ["dangling", "file", "other", "report"])
  }

  @Test("A report of a version without markers is replaced if all its files are that version's, and else refused")
  func earlierVersion() throws {
    try make("report/index.html", "report/report.json", "report/figures/a.svg")
    try AtomicFolder.write(files("2"), to: path, as: kind)
    #expect(try contents() == expected("2"))
    try make("old/index.html", "old/report.json", "old/thesis.tex")
    #expect(throws: StructuredError.self) { try AtomicFolder.write(files("2"), to: parent.file("old"), as: kind) }
    #expect(try contents("old") == ["index.html": "mine", "report.json": "mine", "thesis.tex": "mine"])
    #expect(try parent.names() == ["old", "report"])
  }

  @Test("A file of the program's that was changed, and one of a name that is to be written, are not lost")
  func changedFiles() throws {
    try AtomicFolder.write(files("1"), to: path, as: kind)
    _ = try parent.write("1 report.jsom".utf8, as: "report/report.json")
    let error = #expect(throws: StructuredError.self) { try AtomicFolder.write(files("2"), to: path, as: kind) }
    #expect(error?.what == "report.json has been changed since it was written, and would be lost")
    #expect(try contents() == expected("1", ["report.json": "1 report.jsom"]))
    // A file of ours that was removed is no reason to stop.
    try FileManager.default.removeItem(atPath: path + "/report.json")
    try make("report/new.svg", "report/b")
    for name in ["new.svg", "b/c"] {
      let error = #expect(throws: StructuredError.self) {
        try AtomicFolder.write(files("2", ["index.html", name]), to: path, as: kind)
      }
      #expect(error?.what.contains("was not written by this program") == true, "\(name)")
    }
    try AtomicFolder.write(files("2"), to: path, as: kind)
    #expect(try contents() == expected("2", ["new.svg": "mine", "b": "mine"]))
    #expect(try parent.names() == ["report"])
  }

  @Test("When something goes wrong, what was there is still there, and nothing else")
  func failing() throws {
    try AtomicFolder.write(files("1"), to: path, as: kind)
    try make("report/thesis.tex")
    #expect(throws: StructuredError.self) {
      try AtomicFolder.write(to: path, as: kind, files: ["c", "d"]) { folder in
        try folder.write(Data([1]), as: "c")
        throw StructuredError("no")
      }
    }
    // A file that was announced and not written.
    let error = #expect(throws: StructuredError.self) {
      try AtomicFolder.write(to: path, as: kind, files: ["c", "d"]) { try $0.write(Data([1]), as: "c") }
    }
    #expect(error?.what == "the file d was not written")
    #expect(try contents() == expected("1", ["thesis.tex": "mine"]))
    #expect(try parent.names() == ["report"])
  }

  @Test("A folder that nothing replaces is made once, without a marker")
  func onlyNew() throws {
    try AtomicFolder.write(files("1"), to: path, as: kind, replacing: false)
    #expect(!FileManager.default.fileExists(atPath: path + "/.disentangle.json"))
    let error = #expect(throws: StructuredError.self) {
      try AtomicFolder.write(files("2"), to: path, as: kind, replacing: false)
    }
    #expect(error?.what == "the folder already exists")
    #expect(try contents() == expected("1"))
  }

  @Test("A link to a folder is followed, and permissions are kept")
  func linksAndPermissions() throws {
    try FileManager.default.createDirectory(atPath: parent.file("real"), withIntermediateDirectories: false)
    try AtomicFolder.write(files("1"), to: parent.file("real/report"), as: kind)
    #expect(symlink("real/report", path) == 0 && chmod(parent.file("real/report"), 0o750) == 0)
    try AtomicFolder.write(files("2"), to: path, as: kind)
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: path) == "real/report")
    #expect(try contents("real/report") == expected("2"))
    var status = stat()
    #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o750)
    // What its owner made read-only is not replaced, whatever rights the process has.
    for folder in ["real/report", "real/report/figures"] {
      let mode: mode_t = 0o555
      #expect(chmod(parent.file(folder), mode) == 0)
      let error = #expect(throws: StructuredError.self) { try AtomicFolder.write(files("3"), to: path, as: kind) }
      #expect(error?.what == "the folder is read-only")
      #expect(chmod(parent.file(folder), 0o755) == 0)
    }
    #expect(try contents("real/report") == expected("2"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: parent.file("real")) == ["report"])
  }

  @Test(
    "Where no folder can be made is an error",
    arguments: [
      ("gone/folder", "gone does not exist"), ("file/folder", "file is a file"), (".", "no folder can be made here"),
      ("..", "no folder can be made here"),
    ])
  func impossible(name: String, message: String) throws {
    _ = try parent.write([1], as: "file")
    let error = #expect(throws: StructuredError.self) {
      try AtomicFolder.write(files("1"), to: parent.file(name), as: kind)
    }
    #expect(error?.what.hasSuffix(message) == true, "\(String(describing: error))")
    #expect(try parent.names() == ["file"])
  }

  @Test("Many writers at once: the folder is there and whole at every moment, and the last one stays")
  func concurrent() throws {
    try AtomicFolder.write(files("0"), to: path, as: kind)
    try make("report/thesis.tex")
    let done = SharedCount(), path = path, kind = kind, failures = SharedMessages()
    // Threads, not a queue: on one processor a queue would run the reader alone, for ever.
    for worker in 1...4 {
      let versions = (0..<10).map { files("\(worker).\($0)") }
      Thread {
        for version in versions {
          do { try AtomicFolder.write(version, to: path, as: kind) } catch { failures.add("\(error)") }
        }
        done.add()
      }.start()
    }
    // A reader: a descriptor of the folder sees one version, the earlier or the later one.
    while done.value < 4 {
      let folder = open(path, O_RDONLY | O_DIRECTORY)
      if folder < 0 { failures.add("the folder is missing") }
      close(folder)
      sched_yield()
    }
    #expect(failures.value == [])
    let found = try contents(), version = try #require(found["index.html"]?.split(separator: " ").first)
    #expect(found == expected(String(version), ["thesis.tex": "mine"]))
    #expect(try parent.names() == ["report"])
  }
}

/// A number that threads raise.
private final class SharedCount: Sendable {
  private let count = Atomic<Int>(0)
  func add() { count.add(1, ordering: .acquiringAndReleasing) }
  var value: Int { count.load(ordering: .acquiring) }
}

/// What threads have to say.
private final class SharedMessages: Sendable {
  private let messages = Mutex<[String]>([])
  func add(_ message: String) { messages.withLock { $0.append(message) } }
  var value: [String] { messages.withLock { $0 } }
}
