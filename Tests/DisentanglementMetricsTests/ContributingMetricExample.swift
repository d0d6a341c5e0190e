import DisentanglementMetrics
import Foundation
import StrictConfiguration
import TensorCore
import Testing

// The worked example of CONTRIBUTING.md, compiled and run. The last test holds the two texts together.

/// The share of latents whose codes vary by at least a threshold (Burda et al. 2016, arXiv:1509.00519, §C).
struct ActiveLatents: DisentanglementMetric {
  struct Configuration: MetricConfiguration {
    /// The smallest variance of an active latent.
    var threshold = 0.01

    init(from section: inout ConfigurationSection, preset: MetricPreset) throws {
      threshold = try section.number("threshold", default: 0.01, in: .atLeast(0))
    }

    func metric() -> any DisentanglementMetric { ActiveLatents(configuration: self) }
  }

  let configuration: Configuration

  func evaluate(_ input: MetricInput, stream: RandomStream) throws -> MetricResult {
    let variances = (0..<input.codes.latents).map { latent in
      let values = input.codes.values(ofLatent: latent).map(Double.init), count = Double(values.count)
      let mean = values.reduce(0, +) / count
      return values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
    }
    let active = variances.filter { $0 >= configuration.threshold }
    return MetricResult(
      [MetricScore("active_share", Double(active.count) / Double(variances.count))],
      parts: [MetricPart("variance", axes: ["latent"], shape: [variances.count], values: variances)])
  }
}

@Suite struct ContributingMetricExampleTests {
  @Test func `Active latents: all of perfect codes, none of constant ones`() throws {
    let results = try checkMetric(ActiveLatents.Configuration.self)
    #expect(results[.perfect]?.score("active_share")?.value == 1)
    #expect(results[.deadDimensions]?.score("active_share")?.value == 4.0 / 6)
    #expect(results[.constant]?.score("active_share")?.value == 0)
  }

  @Test func `The guide shows this file's code`() throws {
    var package = URL(fileURLWithPath: #filePath)
    for _ in 0..<3 { package.deleteLastPathComponent() }
    let guide = try String(contentsOf: package.appendingPathComponent("CONTRIBUTING.md"), encoding: .utf8)
    let source = try String(contentsOf: URL(fileURLWithPath: #filePath), encoding: .utf8)
    func normalized(_ text: some StringProtocol) -> String {
      text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }.joined(separator: "\n")
    }
    let blocks = guide.components(separatedBy: "ContributingMetricExample.swift -->\n```swift\n").dropFirst()
      .compactMap { $0.components(separatedBy: "\n```").first }
    #expect(blocks.count == 2)
    for block in blocks { #expect(normalized(source).contains(normalized(block)), "\(block)") }
  }
}
