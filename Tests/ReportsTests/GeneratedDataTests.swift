import Architectures
import Diagnostics
import DisentanglementMetrics
import Experiment
import FactorData
import FileFormats
import Foundation
import Reports
import StrictConfiguration
import TensorCore
import TestSupport
import Testing

@Suite("Reports on data that is not in memory")
struct GeneratedDataTests {
  /// Bars of 6 widths at 4 places, made on demand; the place of some images is unknown. Reading one image can fail.
  private struct Bars: FactorDataset, ImageSource {
    static let error = StructuredError("image 5 is damaged", at: "bars.bin")

    let name = "bars"
    let count = 24
    let shape = ImageShape(height: 8, width: 16)
    let format = PixelFormat.bits
    let factors: Factors
    var failing: Int?
    var images: any ImageSource { self }

    init(unknown: Set<Int> = [], failing: Int? = nil) throws {
      self.failing = failing
      let list = [Factor("width", size: 6), Factor("place", size: 4, kind: .categorical)]
      let values = (0..<24).flatMap { [Int32($0 / 4), unknown.contains($0) ? FactorTable.unknown : Int32($0 % 4)] }
      factors = .table(try FactorTable(list, values: values))
    }

    func read(_ indices: UnsafeBufferPointer<Int>, into destination: UnsafeMutablePointer<Float>) throws {
      for (row, index) in indices.enumerated() {
        if index == failing { throw Self.error }
        let image = destination + row * 128
        image.update(repeating: 0, count: 128)
        for y in 0..<8 { for x in 0...index / 4 { image[16 * y + 3 * (index % 4) + x] = 1 } }
      }
    }
  }

  private let device = Device(threads: 2)

  private func configuration() throws -> ResolvedConfiguration<ExperimentConfiguration> {
    try ConfigurationDocument(
      yaml: """
        model: {architecture: fully-connected, latents: 3}
        objective: {name: vae}
        training: {steps: 4, batch_size: 8}
        report: {samples: 50, distortion_images: 20}
        """, source: "test"
    ).experiment()
  }

  /// A run that was trained for a few steps on a data set, in a folder.
  private func run(_ dataset: any FactorDataset, in folder: TemporaryFolder) throws -> TrainedRun {
    let resolved = try configuration()
    let run = try TrainingRun(resolved, at: folder.file("run"), resume: false, dataset: dataset, on: device)
    _ = try run.train()
    return try TrainedRun(at: folder.file("run"), on: device)
  }

  @Test("the short report, TensorBoard's images and the explorer are made from it")
  func report() throws {
    let data = try Bars(unknown: [2]), folder = try TemporaryFolder()
    let run = try run(data, in: folder), model = try run.model(for: data, on: device)
    let report = try Report(shortFormOf: run, on: data, device: device)
    #expect(report.contents.decomposition.dataPoints == 24 && report.contents.decomposition.dataEntropy != nil)
    #expect(report.decompositionText.contains("bars"))
    try report.write(to: run.folder.reportFolder)
    for name in ["report.json", "report.md", "index.html"] {
      #expect(FileManager.default.fileExists(atPath: folder.file("run/report/\(name)")), "\(name)")
    }
    #expect(try TrainingImages(of: data, settings: run.settings).draw(model).count == 2)
    let encoded = try EncodedRun(run, model: model, on: data, settings: run.settings)
    let page = try LatentExplorer(model, on: data, posterior: encoded.posterior, title: "bars").html()
    // The place of image 2 is unknown.
    #expect(page.contains("\"values\":[[0,0],[0,1],[0,null],[0,3],"))
  }

  @Test("metrics are over the images whose factors are all known")
  func partlyKnown() throws {
    let data = try Bars(unknown: [2, 7, 8]), folder = try TemporaryFolder(), run = try run(data, in: folder)
    let posterior = try EncodedRun(run, model: run.model(for: data, on: device), on: data, settings: run.settings)
      .posterior
    let input = try MetricInput(posterior, on: data, device: device, location: "run")
    let known = (0..<24).filter { ![2, 7, 8].contains($0) }
    #expect(input.notes == ["Only images whose factors are all known count: 21 of 24."])
    #expect(input.codes.values(ofFactor: 0) == known.map { Int32($0 / 4) })
    #expect(input.codes.values(ofFactor: 1) == known.map { Int32($0 % 4) })
    #expect(input.codes.categoricalFactors == [false, true] && input.codes.factorSizes == [6, 4])
    let same = input.codes.codes == known.flatMap { posterior.means[$0 * 3..<$0 * 3 + 3] }
    #expect(same && input.posterior?.count == 21)
    let some = try MetricInput(
      posterior, on: data, EvaluatedImages.Choice(images: [1, 2, 3], note: "Over some."), device: device,
      location: "run")
    #expect(some.codes.values(ofFactor: 1) == [1, 3])
    #expect(some.notes == ["Over some.", "Only images whose factors are all known count: 2 of 3."])
    let error = #expect(throws: StructuredError.self) {
      try MetricInput(posterior, on: data, EvaluatedImages.Choice(images: [2]), device: device, location: "run")
    }
    #expect(error?.what == "none of the chosen images has known values of all factors")
  }

  @Test("what its source throws surfaces, and no file is written")
  func failure() throws {
    let whole = try Bars(), failing = try Bars(failing: 5), folder = try TemporaryFolder()
    let run = try run(whole, in: folder), model = try run.model(for: whole, on: device)
    let before = try FileManager.default.subpathsOfDirectory(atPath: folder.path).sorted()
    #expect(throws: Bars.error) { try Report(shortFormOf: run, on: failing, device: device) }
    #expect(throws: Bars.error) { try TrainingImages(of: failing, settings: run.settings).draw(model) }
    #expect(try FileManager.default.subpathsOfDirectory(atPath: folder.path).sorted() == before)
    let posterior = try EncodedRun(run, model: model, on: whole, settings: run.settings).posterior
    let path = folder.file("explorer.html")
    #expect(throws: Bars.error) {
      try LatentExplorer.write(model, on: failing, posterior: posterior, title: "bars", to: path)
    }
    #expect(!FileManager.default.fileExists(atPath: path))
  }
}
