import Experiment
import FileFormats
import Foundation
import TestSupport
import Testing

/// A run that version 0.1.0 trained (`Fixtures/run-0.1.0`; `make_run_data.py` made its data) stays readable.
@Suite("Runs of earlier versions")
struct EarlierRunTests {
  private func run() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try FileManager.default.copyItem(atPath: Fixture.path("run-0.1.0"), toPath: folder.file("run"))
    try FileManager.default.copyItem(atPath: Fixture.path("run-0.1.0.data.h5"), toPath: folder.file("squares.h5"))
    return folder
  }

  private func json(_ path: String) throws -> [String: Any] {
    let data = try Data(contentsOf: URL(fileURLWithPath: path))
    return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
  }

  @Test func `report measures it again and finds the same rate`() throws {
    let folder = try run()
    let result = try Program.run(
      "report", "run", "--likelihood-images", "4", "--likelihood-samples", "50", "--pairwise-samples", "50",
      "--audit-batches", "2", "--audit-batch-size", "16", in: folder)
    #expect(result.code == 0, "\(result.errors)")
    let earlier = try json(Fixture.path("run-0.1.0/report.json"))
    let report = try json(folder.file("run/report/report.json"))
    let now = try #require(report["decomposition"] as? [String: Any])
    for key in ["rate", "active_units", "data_points", "data_entropy"] {
      let a = try #require(earlier[key] as? Double), b = try #require(now[key] as? Double)
      // The encoder may round differently on another processor.
      #expect(abs(a - b) <= 1e-5 * max(1, abs(a)), "\(key): \(a), now \(b)")
    }
  }

  @Test func `evaluate measures it, with the posteriors that are there`() throws {
    let folder = try run()
    let result = try Program.run(
      "evaluate", "run", "--metrics", "mig", "--preset", "fast", "--format", "csv", in: folder)
    #expect(result.code == 0, "\(result.errors)")
    #expect(result.output.contains("0.1197"), "\(result.output)")
  }

  @Test func `export writes the weights that are there`() throws {
    let folder = try run()
    let result = try Program.run(
      "export", "safetensors", "run", "--layout", "disentangle", "-o", "w.safetensors", in: folder)
    #expect(result.code == 0, "\(result.errors)")
    let before = try Safetensors(reading: Fixture.path("run-0.1.0/weights.safetensors"))
    let after = try Safetensors(reading: folder.file("w.safetensors"))
    #expect(before.entries.map(\.name) == after.entries.map(\.name))
    for entry in before.entries {
      let equal = try before.floats(entry.name) == after.floats(entry.name)
      #expect(equal, "\(entry.name)")
    }
  }

  @Test func `compare and rate-distortion read its report`() throws {
    let folder = try run()
    _ = try folder.write(
      "name: earlier\nruns: [run]\n".utf8, as: "study.yaml")
    let result = try Program.run("rate-distortion", "study.yaml", "-o", "study", in: folder)
    #expect(result.code == 0, "\(result.errors)")
    #expect(result.output.contains("earlier"))
  }
}
