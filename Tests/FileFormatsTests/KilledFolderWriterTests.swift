import Diagnostics
import FileFormats
import Foundation
import TestSupport
import Testing

/// The states that a process leaves which is killed while it replaces a folder, each made by hand.
@Suite("Writers of folders that are killed") struct KilledFolderWriterTests {
  private let kind = FolderKind("report")
  let parent: TemporaryFolder
  var path: String { parent.file("report") }

  init() throws { parent = try TemporaryFolder() }

  private func write(_ version: String, to path: String? = nil) throws {
    try AtomicFolder.write(
      ["index.html", "figures/a.svg"].map { (name: $0, data: Data(version.utf8)) }, to: path ?? self.path, as: kind)
  }

  private func version() -> [String] {
    ["index.html", "figures/a.svg", "thesis.tex"].map { name in
      FileManager.default.contents(atPath: path + "/" + name).map { String(decoding: $0, as: UTF8.self) } ?? "missing"
    }
  }

  /// Makes the folder that a killed writer leaves under a hidden name.
  private func leave(_ name: String, _ files: [String: String], marker: String?) throws {
    let hidden = parent.file(name)
    for (file, text) in files {
      let path = PathParts.join(hidden, file)
      try FileManager.default.createDirectory(atPath: PathParts(path).folder, withIntermediateDirectories: true)
      try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    }
    try FileManager.default.createDirectory(atPath: hidden, withIntermediateDirectories: true)
    if let marker { try Data(marker.utf8).write(to: URL(fileURLWithPath: hidden + "/.disentangle.json")) }
  }

  private static let incomplete =
    #"{"complete": false, "files": {"index.html": {}, "figures/a.svg": {}}, "kind": "report", "version": 1}"#

  @Test(
    "What is left before the exchange is removed by the next write, and the folder is the earlier one until then",
    arguments: [
      [:], ["index.html": "2"], ["index.html": "2", "figures/.a.svg.disentangle.tmp": "half"],
      ["index.html": "2", "figures/a.svg": "2"], ["..disentangle.json.disentangle.tmp": "half"],
    ] as [[String: String]])
  func beforeExchange(files: [String: String]) throws {
    try write("1")
    _ = try parent.write("mine".utf8, as: "report/thesis.tex")
    for marker in [nil, Self.incomplete]
    where marker != nil || files.isEmpty || files.keys.contains("..disentangle.json.disentangle.tmp") {
      try leave(".report.0abc.staging", files, marker: marker)
      #expect(version() == ["1", "1", "mine"])
      try write("1")
      #expect(try parent.names() == ["report"])
      #expect(version() == ["1", "1", "mine"])
    }
  }

  @Test("What is left after the exchange, wholly or in part removed, is removed by the next write", arguments: 0...3)
  func afterExchange(removed: Int) throws {
    try write("1")
    _ = try parent.write("mine".utf8, as: "report/thesis.tex")
    // The state just after the exchange: the new folder in its place, the earlier one under the hidden name, and the
    // foreign file in both.
    let hidden = parent.file(".report.0abc.staging")
    try write("2", to: parent.file("new"))
    #expect(rename(path, hidden) == 0 && rename(parent.file("new"), path) == 0)
    #expect(link(hidden + "/thesis.tex", path + "/thesis.tex") == 0)
    for name in ["figures/a.svg", "index.html", "thesis.tex"].prefix(removed) {
      #expect(unlink("\(hidden)/\(name)") == 0)
    }
    #expect(version() == ["2", "2", "mine"])
    try write("3")
    #expect(version() == ["3", "3", "mine"])
    #expect(try parent.names() == ["report"])
  }

  @Test("An earlier folder that was renamed away, where names cannot be exchanged, comes back with what is in it")
  func betweenRenames() throws {
    try write("1")
    _ = try parent.write("mine".utf8, as: "report/thesis.tex")
    #expect(rename(path, parent.file(".report.0abc.staging.former")) == 0)
    try leave(".report.0abc.staging", ["index.html": "2"], marker: Self.incomplete)
    try write("3")
    #expect(version() == ["3", "3", "mine"])
    #expect(try parent.names() == ["report"])
  }

  @Test("Nothing under a hidden name is removed that the program did not write, or that a living process is writing")
  func foreignRemains() throws {
    try leave(".report.0abc.staging", ["index.html": "2", "thesis.tex": "mine"], marker: Self.incomplete)
    try leave(".report.1.staging", ["thesis.tex": "mine"], marker: nil)
    try leave(".report.Draft.staging", ["index.html": "mine"], marker: Self.incomplete)
    try leave(".report.2.staging", ["index.html": "2"], marker: Self.incomplete)
    let living = open(parent.file(".report.2.staging"), O_RDONLY | O_DIRECTORY)
    defer { close(living) }
    #expect(flock(living, LOCK_EX) == 0)
    try write("3")
    for name in [".report.0abc.staging/thesis.tex", ".report.1.staging/thesis.tex", ".report.Draft.staging/index.html"]
    {
      #expect(FileManager.default.contents(atPath: parent.file(name)) == Data("mine".utf8), "\(name)")
    }
    #expect(!FileManager.default.fileExists(atPath: parent.file(".report.0abc.staging/index.html")))
    #expect(FileManager.default.fileExists(atPath: parent.file(".report.2.staging/index.html")))
  }
}
