import Diagnostics
import Foundation
import TensorCore

/// log p(x) of some images by annealed importance sampling, where the ELBO loses against it, and how far the method can
/// be trusted for this model, in nats.
///
///     log p(x) − ELBO[q] = (log p(x) − ELBO[q*]) + (ELBO[q*] − ELBO[q])
///                          approximation gap        amortisation gap
///
/// q* is the best diagonal Gaussian of the image (Cremer et al. 2018, arXiv:1801.03558, §3). log p̂(x) is too low on average; on images
/// drawn from the model, where exact codes are known, chains back from these give values that are too high (bidirectional
/// Monte Carlo, Grosse et al. 2015, arXiv:1511.02543), and the distance of both bounds the error.
public struct LikelihoodBounds: Sendable, Equatable, Codable {
  /// How to measure.
  public struct Options: Sendable, Equatable {
    /// How many images, where the caller does not choose them; and how many are drawn from the model.
    public var images = 64
    /// Where annealing begins.
    public var start = AnnealingStart.prior
    /// Chains for each image, at least 2.
    public var chains = 16
    /// T, the number of steps from the start to the posterior, at least 1.
    public var distributions = 400
    /// Leapfrog steps in a transition.
    public var leapfrogSteps = 2
    /// The probability of acceptance that step sizes are tuned to.
    public var acceptance = 0.65
    /// Whether images are drawn from the model and bounded from both sides.
    public var isBidirectional = false
    /// Codes for the ELBO of q and q*.
    public var codes = 256
    /// The seed of all random numbers.
    public var seed: UInt64 = 0

    /// The defaults.
    public init() {}
  }

  /// One image.
  public struct Image: Sendable, Equatable, Codable {
    /// Its number in the data set.
    public var index: Int
    /// log p̂(x), and the effective size of the chains' weights.
    public var annealed: MarginalLikelihood.Value
    /// The mean probability with which its chains accepted.
    public var acceptance: Double
    /// ELBO[q].
    public var elbo: Estimate
    /// ELBO[q*].
    public var bestELBO: Estimate
    /// log p̂(x) − ELBO[q*].
    public var approximationGap: Estimate
    /// ELBO[q*] − ELBO[q].
    public var amortisationGap: Estimate

    private enum CodingKeys: String, CodingKey {
      case index, annealed, acceptance, elbo
      case bestELBO = "best_elbo"
      case approximationGap = "approximation_gap"
      case amortisationGap = "amortisation_gap"
    }
  }

  /// What some number of distributions gives.
  public struct Point: Sendable, Equatable, Codable {
    /// T.
    public var distributions: Int
    /// The decoder's evaluations with gradient for one chain.
    public var evaluations: Int
    /// Mean log p̂(x).
    public var annealed: MarginalLikelihood.Mean
  }

  /// Images drawn from the model between both bounds.
  public struct Bracket: Sendable, Equatable, Codable {
    /// What some number of distributions gives.
    public struct Point: Sendable, Equatable, Codable {
      /// T.
      public var distributions: Int
      /// The decoder's evaluations with gradient for one chain, there and back.
      public var evaluations: Int
      /// The mean lower bound.
      public var lower: MarginalLikelihood.Mean
      /// The mean upper bound.
      public var upper: MarginalLikelihood.Mean
      /// Their mean distance.
      public var gap: MarginalLikelihood.Mean
    }
    /// How many images.
    public var images: Int
    /// By rising T.
    public var curve: [Point]
  }

  /// Always "nats".
  public var units: String
  /// The seed.
  public var seed: UInt64
  /// Where annealing begins.
  public var start: AnnealingStart
  /// Chains for each image.
  public var chains: Int
  /// T.
  public var distributions: Int
  /// Leapfrog steps in a transition.
  public var leapfrogSteps: Int
  /// The images.
  public var images: [Image]
  /// Mean log p̂(x).
  public var annealed: MarginalLikelihood.Mean
  /// −log p̂(x) in bits for each value of an image; nil for a likelihood that is a density.
  public var bitsPerPixel: Double?
  /// Mean ELBO[q].
  public var elbo: MarginalLikelihood.Mean
  /// Mean ELBO[q*].
  public var bestELBO: MarginalLikelihood.Mean
  /// Mean approximation gap.
  public var approximationGap: MarginalLikelihood.Mean
  /// Mean amortisation gap.
  public var amortisationGap: MarginalLikelihood.Mean
  /// By rising T, the last with all distributions.
  public var curve: [Point]
  /// The method's error on images drawn from the model; nil unless it was asked for.
  public var bracket: Bracket?
  /// What the numbers say, in sentences.
  public var findings: [String]
  /// What a reader should know before trusting them, in sentences.
  public var warnings: [String]

  private enum CodingKeys: String, CodingKey {
    case units, seed, start, chains, distributions, images, annealed, elbo, curve, bracket, findings, warnings
    case leapfrogSteps = "leapfrog_steps"
    case bitsPerPixel = "bits_per_pixel"
    case bestELBO = "best_elbo"
    case approximationGap = "approximation_gap"
    case amortisationGap = "amortisation_gap"
  }
}

extension LikelihoodBounds {
  /// Images with their posteriors under the model.
  public struct Subject {
    /// q(z|x) of the images, `[images, D]`.
    public var posterior: PosteriorTable
    /// Their numbers, which determine their random numbers.
    public var indices: [Int]
    /// log p(x|z) of the images in a range of rows, numbered from 0.
    public var likelihood: (_ rows: Range<Int>) throws -> CodeLikelihood
    /// Codes that are exact samples of p(z|x), `[images, D]`, where the images were drawn from the model.
    public var exactCodes: [Double]?

    /// Puts one together.
    public init(
      posterior: PosteriorTable, indices: [Int], exactCodes: [Double]? = nil,
      likelihood: @escaping (_ rows: Range<Int>) throws -> CodeLikelihood
    ) {
      precondition(indices.count == posterior.count, "one number for each image")
      (self.posterior, self.indices, self.exactCodes, self.likelihood) = (posterior, indices, exactCodes, likelihood)
    }

    /// As many images as are annealed at once: their chains fill the decoder's batches, and their memory stays small.
    static let blockSize = 64

    func forEachBlock(_ body: (_ block: Subject, _ likelihood: CodeLikelihood) throws -> Void) throws {
      for first in stride(from: 0, to: posterior.count, by: Self.blockSize) {
        let rows = first..<min(first + Self.blockSize, posterior.count)
        let d = posterior.latents
        let block = Subject(
          posterior: posterior.rows(Array(rows)), indices: Array(indices[rows]),
          exactCodes: exactCodes.map { Array($0[rows.lowerBound * d..<rows.upperBound * d]) }, likelihood: likelihood)
        try body(block, try likelihood(rows))
      }
    }
  }
}
