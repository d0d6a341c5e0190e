import Foundation
import Reports
import Studies
import TestSupport
import Testing

@Suite("Comparing")
struct ComparisonTests {
  @Test("a group has mean and standard deviation over n − 1, a single run its standard error")
  func quantities() {
    let several = ComparisonContents.Quantity([(1, 0.5), (2, 0.5), (6, 0.5)])
    #expect(several.mean == 3 && several.standardError == nil)
    // √((4 + 1 + 9) / 2), to rounding.
    #expect(abs((several.standardDeviation ?? 0) - 7.0.squareRoot()) < 1e-12)
    let single = ComparisonContents.Quantity([(4, 0.25)])
    #expect(single.mean == 4 && single.standardDeviation == nil && single.standardError == 0.25)
  }

  @Test("groups are named after what their configurations differ in, whatever names and seeds are")
  func labels() throws {
    func values(_ name: String, _ seed: Int, _ objective: String, _ beta: String?) throws -> [(
      path: String, value: String
    )] {
      try ConfigurationLabels.values(
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
    let a = try values("a", 1, "beta-vae", "4"), b = try values("b", 2, "beta-vae", "4")
    #expect(ConfigurationLabels.areEqual(a, b.reversed()))
    #expect(a.map(\.path) == ["model.latents", "objective.name", "objective.beta"])
    let c = try values("c", 1, "beta-vae", "8"), d = try values("d", 1, "vae", nil)
    #expect(ConfigurationLabels.labels([a, c], fallback: ["a", "c"]) == ["beta 4", "beta 8"])
    #expect(ConfigurationLabels.labels([a, d], fallback: ["a", "d"]) == ["beta-vae", "vae"])
    let e = a.filter { $0.path != "objective.beta" }
    #expect(ConfigurationLabels.labels([a, e], fallback: ["a", "e"]) == ["beta 4", "e"])
    #expect(ConfigurationLabels.labels([a], fallback: ["a"]) == ["a"])
  }

  @Test("imported weights are known by the name of their file, unless that is the same")
  func importedLabels() throws {
    func imported(_ file: String, _ crc: String) throws -> [(path: String, value: String)] {
      try ConfigurationLabels.values(
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
    let a = try imported("a.safetensors", "1"), b = try imported("b.safetensors", "2"),
      other = try imported("a.safetensors", "3")
    let trained = [(path: "model.latents", value: "10"), (path: "objective.name", value: "vae")]
    #expect(ConfigurationLabels.labels([a, b], fallback: ["a", "b"]) == ["a.safetensors", "b.safetensors"])
    #expect(ConfigurationLabels.labels([trained, a], fallback: ["t", "a"]) == ["vae", "a.safetensors"])
    #expect(ConfigurationLabels.labels([a, other], fallback: ["a", "o"]) == ["crc32 1", "crc32 3"])
  }
}
