import Diagnostics
import Foundation
import Studies
import StudyReports
import TensorCore

/// Synthetic studies with known effects.
enum StudyReportExamples {
  /// The numbers of a run but for its metrics: R = I + TC + dwKL, and D falls with R.
  static func information(rate: Double, totalCorrelation: Double, mws: Double? = nil) -> [RunResult.Score] {
    let distortion = 100 - rate
    return [
      .init("rate", rate), .init("mutual_information", rate - totalCorrelation - 1),
      .init("total_correlation", totalCorrelation), .init("dimension_wise_kl", 1),
      .init("active_units", rate < 0.5 ? 0 : 5), .init("distortion", distortion), .init("elbo", -(distortion + rate)),
    ] + (mws.map { [.init("minibatch_total_correlation:mws", $0)] } ?? [])
  }

  /// Three objectives with three strengths and some seeds on each data set:
  ///
  /// - TC falls with the strength, the minibatch estimate rises as it falls, and `falling` falls with TC;
  /// - `objective` depends on the objective alone, the last being the best, `seed` on the seed alone;
  /// - `udr` and `target` rise together.
  static func effects(seeds: Int = 6, datasets: [String] = [""], noise: Double = 0.01) -> [StudyRun] {
    var runs: [StudyRun] = [], stream = RandomStream(seed: 3)
    for dataset in datasets {
      for seed in 0..<seeds {
        for (place, objective) in ["a-vae", "b-vae", "c-vae"].enumerated() {
          for strength in 1...3 {
            let chance = stream.uniform(), tc = 4 - Double(strength) + 0.3 * stream.normalPair().0
            let values =
              information(rate: 10 + stream.uniform(), totalCorrelation: tc, mws: -tc) + [
                .init("falling", 1 - 0.1 * tc + noise * stream.normalPair().0),
                .init("objective", 0.3 * Double(place) + noise * stream.normalPair().0), .init("seed", chance),
                .init("target", stream.uniform()), .init("target:part", 0.5),
              ]
            let target = values.first { $0.name == "target" }?.value
            runs.append(
              StudyRun(
                objective: objective, strength: "beta \(strength)", dataset: dataset, seed: seed,
                measured: .init(values: values + [.init("udr", target)], coreSeconds: 1800)))
          }
        }
      }
    }
    return runs
  }
}
