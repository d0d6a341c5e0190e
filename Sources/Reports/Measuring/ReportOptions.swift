import DisentanglementMetrics

/// How a report estimates log p(x).
public enum LikelihoodMethod: String, Sendable, CaseIterable {
  /// By importance sampling from q(z|x).
  case importance
  /// Besides, by annealed importance sampling, unless `disentangle likelihood` has done so before; takes minutes.
  case ais
}

/// The sizes of samples in a report. Where a value is nil, the run's configuration applies.
public struct ReportOptions: Sendable, Equatable {
  /// Samples of q(z) for the decomposition.
  public var samples: Int?
  /// Images whose distortion is measured.
  public var distortionImages: Int?
  /// The seed of everything that is sampled.
  public var seed: Int?
  /// Samples of q(z) for the mutual information of pairs, and for that of factors where it cannot be integrated.
  public var pairwiseSamples = 2_000
  /// The preset of disentanglement metrics; nil leaves them out.
  public var metrics: MetricPreset?
  /// Batch sizes of the audit of estimators.
  public var auditBatchSizes = [64, 256, 1_024]
  /// Batches of each size.
  public var auditBatches = 32
  /// How log p(x) is estimated.
  public var likelihood = LikelihoodMethod.importance
  /// Images whose log p(x) is estimated; 0 leaves it out.
  public var likelihoodImages = 64
  /// K, the most codes for each of them.
  public var likelihoodSamples = 5_000

  /// The defaults.
  public init() {}
}
