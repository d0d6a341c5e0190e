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
}
