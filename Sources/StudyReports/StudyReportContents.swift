import Foundation
import Pages
import Studies

extension StudyReport {
  /// The report in numbers: `report.json`. The rate, its parts, the distortion and the ELBO are in nats; active units
  /// are a number of latents; scores of metrics have no unit.
  ///
  /// Intervals are 95 % intervals of the bootstrap over runs (Efron 1979, "Bootstrap methods: another look at the
  /// jackknife"), and nil where there are too few runs for one.
  public struct Contents: Sendable, Equatable, Codable {
    /// Always "nats".
    public var units = "nats"
    /// The report's title.
    public var title: String
    /// The seed of all resamples.
    public var seed: Int
    /// How many resamples each interval is from.
    public var resamples: Int
    /// What was run.
    public var runs: Runs
    /// The numbers of each data set, or of each combination of other axes that all runs have.
    public var datasets: [Dataset]
    /// How good models are that are chosen without labels.
    public var choices: [Choice]
    /// How good settings are on other data sets than those they were chosen on; empty for a single data set.
    public var transfers: [Transfer]
    /// What the numbers show, in sentences.
    public var findings: [String]
    /// The figures in the order of the page.
    public var figures: [FigureNote]
  }
}

extension StudyReport.Contents {
  /// A 95 % interval.
  public struct Interval: Sendable, Equatable, Codable {
    /// The lower end.
    public var lower: Double
    /// The upper end.
    public var upper: Double

    init(_ interval: Studies.Interval) { (lower, upper) = (interval.lower, interval.upper) }

    init(lower: Double, upper: Double) { (self.lower, self.upper) = (lower, upper) }
  }

  /// The runs of the study.
  public struct Runs: Sendable, Equatable, Codable {
    /// A run that gave no result.
    public struct Failure: Sendable, Equatable, Codable {
      /// The run.
      public var run: String
      /// `failed` or `unreadable`.
      public var state: String
      /// What went wrong.
      public var error: String?
    }

    /// Runs of the plan.
    public var planned: Int
    /// Runs with a result; all numbers are of these.
    public var finished: Int
    /// Runs that failed.
    public var failed: Int
    /// Runs whose result is damaged.
    public var unreadable: Int
    /// Runs that wait, are running, or were interrupted.
    public var outstanding: Int
    /// Finished runs without any active latent.
    public var collapsed: [String]
    /// The failed and unreadable runs.
    public var failures: [Failure]
    /// The objectives of the plan.
    public var objectives: [String]
    /// Settings of objective and strength in the plan.
    public var settings: Int
    /// The seeds of the plan, ascending.
    public var seeds: [Int]
    /// Seconds of training and measuring times threads, over finished runs, divided by 3600.
    public var coreHours: Double

    enum CodingKeys: String, CodingKey {
      case planned, finished, failed, unreadable, outstanding, collapsed, failures, objectives, settings, seeds
      case coreHours = "core_hours"
    }
  }

  /// A score over several runs.
  public struct Summary: Sendable, Equatable, Codable {
    /// The name of the score.
    public var name: String
    /// Runs with a finite value.
    public var count: Int
    /// Runs without.
    public var missing: Int
    /// The smallest value.
    public var minimum: Double
    /// The 25 % quantile.
    public var lowerQuartile: Double
    /// The median.
    public var median: Double
    /// The 75 % quantile.
    public var upperQuartile: Double
    /// The largest value.
    public var maximum: Double
    /// The mean.
    public var mean: Double
    /// The standard error of the mean over runs; nil for one value.
    public var standardError: Double?

    enum CodingKeys: String, CodingKey {
      case name, count, missing, minimum, median, maximum, mean
      case lowerQuartile = "lower_quartile"
      case upperQuartile = "upper_quartile"
      case standardError = "standard_error"
    }

    /// nil if no value is finite.
    init?(_ name: String, of values: [Double]) {
      guard let quantiles = Quantiles(of: values) else { return nil }
      self.name = name
      (count, missing) = (quantiles.count, quantiles.missing)
      (minimum, maximum, median) = (quantiles.minimum, quantiles.maximum, quantiles.median)
      (lowerQuartile, upperQuartile) = (quantiles.lowerQuartile, quantiles.upperQuartile)
      (mean, standardError) = (quantiles.mean, quantiles.standardError)
    }
  }

  /// What a choice without labels is worth (`ModelChoice`): the mean over data sets.
  public struct Choice: Sendable, Equatable, Codable {
    /// The choice within one data set.
    public struct Group: Sendable, Equatable, Codable {
      /// The data set.
      public var dataset: String
      /// The score of the chosen run.
      public var chosen: Double
      /// The mean score.
      public var random: Double
      /// The largest score.
      public var best: Double
      /// (chosen − random) / (best − random); nil where all scores are equal.
      public var share: Double?
    }

    /// The score of which the chosen run should have much.
    public var target: String
    /// What the run is chosen by.
    public var chooser: String
    /// Whether the run with the largest value of it is chosen, or the one with the smallest.
    public var choosesLargest: Bool
    /// The runs that have both.
    public var count: Int
    /// The score of the chosen run.
    public var chosen: Double
    /// Its interval.
    public var interval: Interval?
    /// The mean score, which a random choice expects.
    public var random: Double
    /// The largest score.
    public var best: Double
    /// (chosen − random) / (best − random): 1 for the best run, 0 for a random one; nil where all scores are equal.
    public var share: Double?
    /// The interval of the chosen score on the scale of the share.
    public var shareInterval: Interval?
    /// The choice within each data set; empty for a single one.
    public var groups: [Group]

    enum CodingKeys: String, CodingKey {
      case target, chooser, count, chosen, interval, random, best, share, groups
      case choosesLargest = "chooses_largest"
      case shareInterval = "share_interval"
    }
  }

  /// A setting's share of the possible gain on one data set if it is the best on another (`SettingTransfer`).
  public struct Transfer: Sendable, Equatable, Codable {
    /// The score.
    public var score: String
    /// The data sets.
    public var datasets: [String]
    /// The shares by source and target, `[D, D]`; nil where no setting was run on both, or all are equal on the target.
    public var shares: [[Double?]]
    /// The settings that are the best on each data set, `[D]`.
    public var settings: [[String]]
    /// The mean share over the targets that are not the source; nil without any.
    public var mean: Double?
  }
}
