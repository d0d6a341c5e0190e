import RateDecomposition
import TensorCore

/// Batches whose members share the value of one factor, drawn beforehand, for the metrics that vote.
///
/// With stored batches two programs can be compared draw for draw.
public struct StoredBatches: Sendable, Equatable {
  /// The shared factor of each batch, `[V]`.
  public var factors: [Int]
  /// The rows of each batch, `[V][L]`. The β-VAE score's batches are pairs: the second members stand in ``partners``.
  public var rows: [[Int]]
  /// The other member of each pair, `[V][L]`; nil for batches that are not pairs.
  public var partners: [[Int]]?

  /// Takes the batches.
  public init(factors: [Int], rows: [[Int]], partners: [[Int]]? = nil) {
    (self.factors, self.rows, self.partners) = (factors, rows, partners)
  }
}

/// What metrics are computed from.
public struct MetricInput: Sendable {
  /// The codes of the whole data set, encoded once, with their factors.
  public var codes: LabeledCodes
  /// Whether the codes are samples of the posteriors already, not their means.
  public var hasSampledCodes = false
  /// The posteriors of the data points; nil where only codes are known.
  public var posterior: PosteriorTable?
  /// The mean KL of each latent in nats, `[D]`; nil where it is not known.
  public var meanKL: [Double]?
  /// What the latents say about the factors, where it has been measured already over all these data points.
  public var factorInformation: FactorInformation?
  /// Stored batches for the FactorVAE score.
  public var factorVAEBatches: StoredBatches?
  /// Stored pairs of batches for the β-VAE score.
  public var betaVAEBatches: StoredBatches?
  /// What a reader should know of the data points: sentences.
  public var notes: [String] = []
  /// Where to compute.
  public var device: Device

  /// Gathers what is known.
  public init(
    codes: LabeledCodes, posterior: PosteriorTable? = nil, meanKL: [Double]? = nil,
    factorVAEBatches: StoredBatches? = nil, betaVAEBatches: StoredBatches? = nil, device: Device
  ) {
    self.codes = codes
    self.posterior = posterior
    self.meanKL = meanKL
    self.factorVAEBatches = factorVAEBatches
    self.betaVAEBatches = betaVAEBatches
    self.device = device
  }
}
