import Foundation
import TensorCore

/// The three terms by a minibatch estimator, averaged over several batches, with their bias.
public struct MinibatchEstimate: Sendable, Equatable, Codable {
  /// Three numbers for the three terms, in nats.
  public struct Terms: Sendable, Equatable, Codable {
    /// Index-code mutual information.
    public var mutualInformation: Double
    /// Total correlation.
    public var totalCorrelation: Double
    /// Dimension-wise KL.
    public var dimensionWiseKL: Double

    /// Gathers the three.
    public init(mutualInformation: Double, totalCorrelation: Double, dimensionWiseKL: Double) {
      self.mutualInformation = mutualInformation
      self.totalCorrelation = totalCorrelation
      self.dimensionWiseKL = dimensionWiseKL
    }

    private enum CodingKeys: String, CodingKey {
      case mutualInformation = "mutual_information"
      case totalCorrelation = "total_correlation"
      case dimensionWiseKL = "dimension_wise_kl"
    }
  }

  /// Which estimator.
  public var estimator: MinibatchEstimator
  /// B.
  public var batchSize: Int
  /// The number of independent batches averaged over.
  public var batches: Int
  /// The mean of the mutual information.
  public var mutualInformation: Double
  /// The mean of the total correlation.
  public var totalCorrelation: Double
  /// The mean of the dimension-wise KL.
  public var dimensionWiseKL: Double
  /// Estimate minus exact value.
  public var bias: Terms
  /// Standard errors over batches of the three means; nil for a single batch.
  public var standardError: Terms?

  /// Averages an estimator over batches of distinct data points, each with one fresh code.
  ///
  /// - Parameters:
  ///   - estimator: which estimator.
  ///   - posterior: the posteriors that batches are drawn from.
  ///   - exact: the exact values to compare with.
  ///   - batchSize: B, between `MinibatchEstimator.minimumBatchSize` and N.
  ///   - batches: how many, at least 1.
  ///   - dataCount: the N of the weights where it is not the number of posteriors at hand.
  ///   - stream: where batches and codes come from.
  public init(
    _ estimator: MinibatchEstimator, of posterior: PosteriorTable, exact: Terms, batchSize: Int, batches: Int,
    dataCount: Int? = nil, from stream: RandomStream
  ) {
    var values: [[Double]] = [[], [], []]
    for batch in 0..<batches {
      var choice = stream.split("batch", batch), noise = stream.split("noise", batch)
      let indices = choice.distinct(batchSize, below: posterior.count)
      let terms = estimator.terms(
        CodeBatch(of: posterior, at: indices, noise: &noise), dataCount: dataCount ?? posterior.count)
      values[0].append(terms.mutualInformation)
      values[1].append(terms.totalCorrelation)
      values[2].append(terms.dimensionWiseKL)
    }
    let means = values.map { Estimate(meanOf: $0) }
    self.estimator = estimator
    self.batchSize = batchSize
    self.batches = batches
    mutualInformation = means[0].value
    totalCorrelation = means[1].value
    dimensionWiseKL = means[2].value
    bias = Terms(
      mutualInformation: means[0].value - exact.mutualInformation,
      totalCorrelation: means[1].value - exact.totalCorrelation,
      dimensionWiseKL: means[2].value - exact.dimensionWiseKL)
    if let a = means[0].standardError, let b = means[1].standardError, let c = means[2].standardError {
      standardError = Terms(mutualInformation: a, totalCorrelation: b, dimensionWiseKL: c)
    }
  }

  private enum CodingKeys: String, CodingKey {
    case estimator, batches, bias
    case batchSize = "batch_size"
    case mutualInformation = "mutual_information"
    case totalCorrelation = "total_correlation"
    case dimensionWiseKL = "dimension_wise_kl"
    case standardError = "standard_error"
  }
}
