import DisentanglementMetrics
import Experiment
import FactorData
import Logging
import RateDecomposition
import StrictConfiguration
import Studies
import TensorCore

extension StudyWorker {
  /// Measures the exact decomposition of a run's rate, and the metrics that its study asks for, as `decompose` and
  /// `evaluate` would. Metrics are left out where the data set has no factors.
  ///
  /// - Parameters:
  ///   - measurement: what the study measures.
  ///   - components: the metrics there are.
  ///   - logger: told what may surprise.
  /// - Throws: `StructuredError` for metrics that are not understood.
  public static func measuring(
    _ measurement: StudyConfiguration.Measurement, components: Components, logger: Logger = .silent
  ) throws -> Measuring {
    let metrics = try measurement.metrics.map {
      try ConfigurationDocument(yaml: $0, source: "the study's measure.metrics").evaluation(components)
    }
    return { run, dataset, device in
      let encoded = try EncodedRun(
        run, model: run.model(for: dataset, on: device), on: dataset, settings: run.settings, logger: logger)
      let decomposition = try encoded.decomposition(logger: logger)
      let likelihood = try measurement.likelihood.map { images, samples in
        try encoded.likelihood(images: images, samples: samples)
      }
      guard let metrics, !dataset.factors.list.isEmpty else {
        return Measured(decomposition: decomposition, scores: likelihood ?? [])
      }
      let input = try MetricInput(encoded.posterior, on: dataset, device: device, location: run.folder.path)
      let evaluation = try Evaluation(metrics, of: input)
      let scores = evaluation.metrics.flatMap { entry in
        entry.result.scores.enumerated().map { index, score in
          RunResult.Score(
            index == 0 ? entry.name : "\(entry.name):\(score.name)", score.value, standardError: score.standardError)
        }
      }
      return Measured(decomposition: decomposition, scores: (likelihood ?? []) + scores)
    }
  }
}

extension EncodedRun {
  /// log p(x) by importance sampling and its distance from the ELBO, averaged over images, and the median effective
  /// sample size of an image; none for deterministic codes.
  ///
  /// - Throws: `StructuredError` if a log-likelihood is not finite, or an image cannot be read.
  func likelihood(images: Int, samples: Int) throws -> [RunResult.Score] {
    guard posterior.codebookSize == nil else { return [] }
    var options = MarginalLikelihood.Options()
    (options.samples, options.seed) = (samples, UInt64(settings.seed))
    let measured = try MarginalLikelihood(
      of: model, on: dataset, images: self.images(images, "likelihood images"), options: options)
    let means = [("log_likelihood", measured.importance), ("inference_gap", measured.gap)].map { name, mean in
      RunResult.Score(name, mean.value, standardError: mean.standardError)
    }
    let sizes = measured.images.map(\.importance.effectiveSampleSize).sorted()
    return means + [RunResult.Score("log_likelihood_effective_samples", Quantiles.median(sizes))]
  }
}
