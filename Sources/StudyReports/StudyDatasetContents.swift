import Foundation
import Studies

extension StudyReport.Contents {
  /// The numbers of one data set.
  public struct Dataset: Sendable, Equatable, Codable {
    /// Its name, with the values of other axes that all runs have; empty where the study has no such axis.
    public var name: String
    /// Finished runs.
    public var runs: Int
    /// The first score of each metric that has a finite value: the main scores.
    public var metrics: [String]
    /// All scores.
    public var scores: [String]
    /// The runs of each objective.
    public var objectives: [Setting]
    /// The runs of each objective with each strength.
    public var settings: [Setting]
    /// The runs that no other run equals or betters in rate and distortion, by ascending rate.
    public var frontier: [FrontierRun]
    /// Rank correlations of main scores, information and minibatch estimates.
    public var correlations: Correlations
    /// Rank correlations with the exact and the minibatch total correlation, with intervals.
    public var totalCorrelation: [Correlation]
    /// Where the variance of each score comes from.
    public var variance: [Variance]
    /// How often a run of an objective has a higher score than one of another.
    public var superiority: [Superiority]
    /// Rank correlations of scores with those of downstream tasks; empty where none was measured.
    public var downstream: [Correlation]
    /// What these numbers show, in sentences.
    public var findings: [String]

    enum CodingKeys: String, CodingKey {
      case name, runs, metrics, scores, objectives, settings, frontier, correlations, variance, superiority, downstream,
        findings
      case totalCorrelation = "total_correlation"
    }
  }

  /// Runs of one objective, with one strength or any.
  public struct Setting: Sendable, Equatable, Codable {
    /// The objective.
    public var objective: String
    /// Its strength; nil for any.
    public var strength: String?
    /// Finished runs.
    public var runs: Int
    /// Those without any active latent.
    public var collapsed: Int
    /// Its scores that have a finite value.
    public var scores: [Summary]
  }

  /// A run on the Pareto frontier.
  public struct FrontierRun: Sendable, Equatable, Codable {
    /// The run.
    public var run: String
    /// Its rate, in nats.
    public var rate: Double
    /// Its distortion, in nats.
    public var distortion: Double
  }

  /// Spearman's ρ of all pairs of scores.
  public struct Correlations: Sendable, Equatable, Codable {
    /// The scores.
    public var scores: [String]
    /// ρ, `[C, C]`; nil where a score is constant or there are fewer than 3 runs with both.
    public var coefficients: [[Double?]]
    /// Runs with both scores, `[C, C]`.
    public var counts: [[Int]]

    /// Whether there is ρ of two different scores.
    var hasPairs: Bool {
      coefficients.enumerated().contains { row, values in
        values.enumerated().contains { $0 != row && $1 != nil }
      }
    }
  }

  /// Spearman's ρ of two scores.
  public struct Correlation: Sendable, Equatable, Codable {
    /// A score.
    public var score: String
    /// The other.
    public var with: String
    /// The objective whose runs these are; nil for all.
    public var objective: String?
    /// ρ; nil where a score is constant or there are fewer than 3 runs with both.
    public var coefficient: Double?
    /// Its interval.
    public var interval: Interval?
    /// Runs with both scores.
    public var count: Int

    init(_ score: String, with other: String, objective: String? = nil, _ correlation: RankCorrelation) {
      (self.score, with, self.objective) = (score, other, objective)
      (coefficient, count) = (correlation.coefficient, correlation.count)
      interval = correlation.interval.map(Interval.init)
    }
  }

  /// Shares of the variance of a score (`VarianceExplained`), all adjusted for the number of groups: ε².
  public struct Variance: Sendable, Equatable, Codable {
    /// A share of the variance.
    public struct Share: Sendable, Equatable, Codable {
      /// ε², at most 1, and negative where groups differ less than chance lets them; nil for a single group, and where
      /// no group has two runs.
      public var value: Double?
      /// Its interval.
      public var interval: Interval?
      /// η², from 0 to 1, which grows with the number of groups.
      public var unadjusted: Double

      init(_ share: VarianceExplained.Share, groups: Int) {
        unadjusted = share.value
        guard groups > 1 else { return }
        value = share.adjusted
        interval = share.adjustedInterval.map(Interval.init)
      }
    }

    /// The score.
    public var score: String
    /// Runs with a finite value.
    public var count: Int
    /// The share between objectives.
    public var objective: Share
    /// The share between settings of objective and strength.
    public var objectiveAndStrength: Share
    /// The share that is left to the seeds.
    public var seeds: Share

    enum CodingKeys: String, CodingKey {
      case score, count, objective, seeds
      case objectiveAndStrength = "objective_and_strength"
    }

    init(_ score: String, _ variance: VarianceExplained) {
      (self.score, count) = (score, variance.count)
      objective = Share(variance.objective, groups: variance.objectiveCount)
      objectiveAndStrength = Share(variance.objectiveAndStrength, groups: variance.cellCount)
      seeds = Share(variance.seeds, groups: variance.cellCount)
    }
  }

  /// P(A > B) + ½·P(A = B) for one random run each of two objectives (`ProbabilityOfSuperiority`).
  public struct Superiority: Sendable, Equatable, Codable {
    /// The score.
    public var score: String
    /// The objectives.
    public var objectives: [String]
    /// The probabilities by A and B, `[K, K]`; nil where an objective has no finite score.
    public var probabilities: [[Double?]]
    /// Their intervals, `[K, K]`.
    public var intervals: [[Interval?]]
  }
}
