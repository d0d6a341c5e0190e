import Architectures
import Diagnostics
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

  private func settings() throws -> ExperimentConfiguration {
    try ConfigurationDocument(
      yaml: """
        model: {architecture: fully-connected, latents: 3}
        objective: {name: vae}
        training: {steps: 4, batch_size: 8}
        report: {samples: 50, distortion_images: 20}
        """, source: "test"
    ).decode(ExperimentConfiguration.self).value
  }

  private func model(_ dataset: any FactorDataset) throws -> Model {
    let trainer = try Trainer(settings(), dataset: dataset, on: device)
    for _ in 0..<4 { _ = try trainer.advance() }
    return trainer.model
  }

  @Test("the short report, TensorBoard's images and the explorer are made from it")
  func report() throws {
    let data = try Bars(unknown: [2]), model = try model(data), folder = try TemporaryFolder()
    let report = try RunReport.measure(model, on: data, settings: settings())
    #expect(report.decomposition.dataPoints == 24 && report.decomposition.dataEntropy != nil)
    #expect(report.text.contains("bars"))
    try report.write(
      into: RunFolder.create(at: folder.file("run"), with: [.configuration: Data(), .environment: Data()]))
    for name in ["report.json", "report.md", "reconstructions.png", "traversals.png"] {
      #expect(FileManager.default.fileExists(atPath: folder.file("run/\(name)")), "\(name)")
    }
    #expect(try TrainingPictures(of: data, settings: settings()).draw(model).count == 2)
    let encoded = try EncodedRun(model, on: data, settings: settings())
    let page = try LatentExplorer(model, on: data, posterior: encoded.posterior, title: "bars").html()
    // The place of image 2 is unknown.
    #expect(page.contains("\"values\":[[0,0],[0,1],[0,null],[0,3],"))
  }

  @Test("what its source throws surfaces, and no file is written")
  func failure() throws {
    let whole = try Bars(), failing = try Bars(failing: 5), model = try model(whole), folder = try TemporaryFolder()
    let posterior = try EncodedRun(model, on: whole, settings: settings()).posterior
    #expect(throws: Bars.error) { try RunReport.measure(model, on: failing, settings: settings()) }
    #expect(throws: Bars.error) { try TrainingPictures(of: failing, settings: settings()).draw(model) }
    let path = folder.file("explorer.html")
    #expect(throws: Bars.error) {
      try LatentExplorer.write(model, on: failing, posterior: posterior, title: "bars", to: path)
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [])
  }
}
