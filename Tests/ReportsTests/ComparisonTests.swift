import Foundation
import Reports
import Studies
import TestSupport
import Testing

@Suite("Comparing")
struct ComparisonTests {
  @Test("a group has mean and standard deviation over n − 1, a single run its standard error")
  func quantities() {
    let several = RunComparison.Quantity([(1, 0.5), (2, 0.5), (6, 0.5)])
    #expect(several.mean == 3 && several.standardError == nil)
    // √((4 + 1 + 9) / 2), to rounding.
    #expect(abs((several.standardDeviation ?? 0) - 7.0.squareRoot()) < 1e-12)
    let single = RunComparison.Quantity([(4, 0.25)])
    #expect(single.mean == 4 && single.standardDeviation == nil && single.standardError == 0.25)
  }

  @Test("groups are named after what their configurations differ in, whatever names and seeds are")
  func labels() {
    func values(_ name: String, _ seed: Int, _ objective: String, _ beta: String?) -> [(path: String, value: String)] {
      ConfigurationLabels.values(
        of: """
          name: \(name)
          seed: \(seed)
          model:
            latents: 10
          objective:
            name: \(objective)
          \(beta.map { "  beta: \($0)" } ?? "")
          training:
            log_every: \(100 + seed)
          report:
            samples: \(seed)
          """)
    }
    let a = values("a", 1, "beta-vae", "4"), b = values("b", 2, "beta-vae", "4")
    #expect(a.elementsEqual(b) { $0 == $1 })
    #expect(a.map(\.path) == ["model.latents", "objective.name", "objective.beta"])
    let c = values("c", 1, "beta-vae", "8"), d = values("d", 1, "vae", nil)
    #expect(ConfigurationLabels.labels([a, c], fallback: ["a", "c"]) == ["beta 4", "beta 8"])
    #expect(ConfigurationLabels.labels([a, d], fallback: ["a", "d"]) == ["beta-vae", "vae"])
    let e = a.filter { $0.path != "objective.beta" }
    #expect(ConfigurationLabels.labels([a, e], fallback: ["a", "e"]) == ["beta 4", "e"])
    #expect(ConfigurationLabels.labels([a], fallback: ["a"]) == ["a"])
  }

  @Test("imported weights are known by the name of their file, unless that is the same")
  func importedLabels() {
    func imported(_ file: String, _ crc: String) -> [(path: String, value: String)] {
      ConfigurationLabels.values(
        of: """
          name: any
          imported:
            file: \(file)
            layout: pytorch
            crc32: \(crc)
          model:
            latents: 10
          """)
    }
    let a = imported("a.safetensors", "1"), b = imported("b.safetensors", "2"), other = imported("a.safetensors", "3")
    let trained = [(path: "model.latents", value: "10"), (path: "objective.name", value: "vae")]
    #expect(ConfigurationLabels.labels([a, b], fallback: ["a", "b"]) == ["a.safetensors", "b.safetensors"])
    #expect(ConfigurationLabels.labels([trained, a], fallback: ["t", "a"]) == ["vae", "a.safetensors"])
    #expect(ConfigurationLabels.labels([a, other], fallback: ["a", "o"]) == ["crc32 1", "crc32 3"])
  }

  @Test("a folder of results appears whole in the place of an earlier one, and of nothing else")
  func folder() throws {
    let folder = try TemporaryFolder(), path = folder.file("report")
    func page(_ text: String) -> [(name: String, data: Data)] {
      [("index.html", Data(text.utf8)), ("figures/a.svg", Data("a".utf8))]
    }
    try ReportFolder.write(page("first"), to: path)
    try ReportFolder.write([("index.html", Data("second".utf8))], to: path)
    #expect(FileManager.default.contents(atPath: path + "/index.html") == Data("second".utf8))
    #expect(!FileManager.default.fileExists(atPath: path + "/figures"))
    // A failure on the way leaves the earlier one.
    #expect(throws: (any Error).self) {
      try ReportFolder.write(page("third"), to: path) { _ in throw CocoaError(.fileWriteUnknown) }
    }
    #expect(FileManager.default.contents(atPath: path + "/index.html") == Data("second".utf8))
    #expect(try folder.names() == ["report"])
    try FileManager.default.createDirectory(atPath: folder.file("mine"), withIntermediateDirectories: true)
    _ = try folder.write("words".utf8, as: "words")
    for name in ["mine", "words", "none/report"] {
      #expect(throws: (any Error).self) { try ReportFolder.write(page("x"), to: folder.file(name)) }
    }
    #expect(try folder.names() == ["mine", "report", "words"])
  }
}
