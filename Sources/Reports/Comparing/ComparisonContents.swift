import Diagnostics
import Experiment
import Figures
import Foundation
import Pages
import RateDecomposition
import Studies

/// Several runs beside each other: `comparison.json`. Runs whose configurations differ in nothing but name and seed are
/// one group, with mean and standard deviation over its runs. All information is in nats.
public struct ComparisonContents: Sendable, Equatable, Codable {
  /// One run.
  public struct Member: Sendable, Equatable, Codable {
    /// Its folder, as given.
    public var path: String
    /// Its name.
    public var name: String
    /// The seed of training.
    public var seed: Int
    /// How far training came.
    public var training: ReportContents.Run.Training
  }

  /// A number of a group.
  public struct Quantity: Sendable, Equatable, Codable {
    /// The mean over the group's runs that have it.
    public var mean: Double
    /// The standard deviation from run to run (over n − 1); nil for a single run.
    public var standardDeviation: Double?
    /// For a single run, the standard error of measuring it, where there is one.
    public var standardError: Double?
    /// The numbers of the runs.
    public var values: [Double]

    package init(_ values: [(value: Double, error: Double?)]) {
      self.values = values.map(\.value)
      let estimate = Estimate(meanOf: self.values)
      mean = estimate.value
      standardDeviation = estimate.standardError.map { $0 * Double(values.count).squareRoot() }
      standardError = values.count == 1 ? values[0].error : nil
    }

    enum CodingKeys: String, CodingKey {
      case mean, values
      case standardDeviation = "standard_deviation"
      case standardError = "standard_error"
    }
  }

  /// Runs of one configuration.
  public struct Group: Sendable, Equatable, Codable {
    /// The values in which its configuration differs from those of other groups.
    public var label: String
    /// Its runs.
    public var runs: [Member]
    /// Its numbers by name: `rate`, `mutual_information`, ….
    public var quantities: [String: Quantity]
    /// E KL(q(z_d|x) ‖ p(z_d)), the largest first: of each run sorted by itself, because latents have no common order.
    public var sortedKL: [Quantity]

    enum CodingKeys: String, CodingKey {
      case label, runs, quantities
      case sortedKL = "sorted_kl"
    }
  }

  /// The comparison's title.
  public var title: String
  /// The groups in the order of their first runs.
  public var groups: [Group]
  /// The figures in the order of the page.
  public var figures: [FigureNote]

  /// The JSON that `comparison.json` holds.
  ///
  /// - Throws: what encoding throws.
  public func json() throws -> String { String(decoding: try ReportJSON.encode(self).dropLast(), as: UTF8.self) }
}

extension ComparisonContents {
  /// A quantity that runs are compared by.
  struct Kind: Sendable {
    var name: String
    var title: String
    /// The title where each quantity has a column.
    var short: String
    var value: @Sendable (ReportContents) -> (value: Double, error: Double?)?

    static let all: [Kind] = [
      Kind(name: "rate", title: "rate  E KL(q(z|x) ‖ p(z))", short: "R") { ($0.decomposition.rate, 0) },
      Kind(name: "mutual_information", title: "  mutual information  I(x; z)", short: "I(x; z)") {
        pair($0.decomposition.mutualInformation)
      },
      Kind(name: "total_correlation", title: "  total correlation  TC(z)", short: "TC(z)") {
        pair($0.decomposition.totalCorrelation)
      },
      Kind(name: "dimension_wise_kl", title: "  dimension-wise KL", short: "dwKL") {
        ($0.decomposition.dimensionWiseKL.value, $0.decomposition.dimensionWiseKL.standardError)
      },
      Kind(name: "distortion", title: "distortion  E[−log p(x|z)]", short: "D") {
        $0.rateDistortion.distortion.flatMap(pair)
      },
      Kind(name: "elbo", title: "ELBO", short: "ELBO") { $0.rateDistortion.elbo.flatMap(pair) },
      Kind(name: "log_likelihood", title: "log p̂(x), importance sampling", short: "log p̂(x)") {
        $0.likelihood.map { ($0.importance.value, $0.importance.standardError) }
      },
      Kind(name: "inference_gap", title: "inference gap", short: "gap") {
        $0.likelihood.map { ($0.gap.value, $0.gap.standardError) }
      },
      Kind(name: "active_units", title: "active units", short: "active") {
        (Double($0.decomposition.activeUnits), nil)
      },
      Kind(name: "redundancy", title: "redundancy  TC / Σ I(x; z_d)", short: "redundancy") {
        $0.findings.redundancy.flatMap(pair)
      },
      Kind(name: "mutual_information_gap", title: "MIG, exact", short: "MIG, exact") {
        $0.factors?.gap.map { ($0, nil) }
      },
    ]

    /// The most important score of each disentanglement metric that some report has.
    static func metrics(of reports: [ReportContents]) -> [Kind] {
      var names: [String] = []
      for metric in reports.flatMap({ $0.metrics?.metrics ?? [] }) where !names.contains(metric.name) {
        names.append(metric.name)
      }
      return names.map { name in
        Kind(name: "metric_" + name, title: name, short: name) { report in
          guard let score = report.metrics?.metrics.first(where: { $0.name == name })?.scores.first,
            let value = score.value
          else { return nil }
          return (value, score.standardError)
        }
      }
    }

    private static func pair(_ estimate: Estimate) -> (value: Double, error: Double?)? {
      (estimate.value, estimate.standardError)
    }
  }
}

/// A comparison with its figures.
public struct Comparison {
  /// The numbers.
  public let contents: ComparisonContents
  /// The figures in the order of the page.
  public let figures: [Figure]
  /// What the groups are compared by, in the order of the table.
  let kinds: [ComparisonContents.Kind]

  /// With more groups than this, the table has a row for each of them.
  static let mostColumns = 4

  /// Compares runs by their reports.
  ///
  /// - Parameter reports: each run's folder, as given, and its report.
  /// - Throws: `StructuredError` if there are none.
  public init(_ reports: [(path: String, contents: ReportContents)]) throws {
    guard !reports.isEmpty else { throw StructuredError("there are no runs to compare") }
    // With the defaults of this version, unless it cannot read a configuration, as one of an objective it does not know.
    let configurations = try reports.map { report in
      let yaml = report.contents.run.configuration
      return try ConfigurationLabels.values(of: (try? ExperimentConfiguration.complete(yaml)) ?? yaml)
    }
    var groups: [[Int]] = []
    for index in reports.indices {
      let known = groups.firstIndex { group in
        ConfigurationLabels.areEqual(configurations[group[0]], configurations[index])
      }
      if let known { groups[known].append(index) } else { groups.append([index]) }
    }
    let members = groups.map { $0.map { reports[$0] } }
    // Many groups differ in many keys; their names, where each has one of its own, are shorter.
    let names = members.map { Set($0.map(\.contents.run.name)) }
    let areNamed =
      groups.count > Self.mostColumns && names.allSatisfy { $0.count == 1 } && Set(names).count == names.count
    let labels =
      areNamed
      ? names.compactMap(\.first)
      : ConfigurationLabels.labels(
        groups.map { configurations[$0[0]] }, fallback: groups.map { reports[$0[0]].contents.run.name })
    let kinds = ComparisonContents.Kind.all + ComparisonContents.Kind.metrics(of: reports.map(\.contents))
    self.kinds = kinds
    var contents = ComparisonContents(
      title: "Comparison of \(reports.count) runs",
      groups: zip(labels, members).map { ComparisonContents.Group(label: $0, $1, kinds) }, figures: [])
    figures = ComparisonFigures(groups: contents.groups, reports: members.map { $0.map(\.contents) }).all
    contents.figures = figures.map(FigureNote.init)
    self.contents = contents
  }
}

extension ComparisonContents.Group {
  fileprivate init(
    label: String, _ reports: [(path: String, contents: ReportContents)], _ kinds: [ComparisonContents.Kind]
  ) {
    self.label = label
    runs = reports.map {
      .init(
        path: $0.path, name: $0.contents.run.name, seed: $0.contents.run.seed, training: $0.contents.run.training)
    }
    quantities = [:]
    for kind in kinds {
      let values = reports.compactMap { kind.value($0.contents) }
      if !values.isEmpty { quantities[kind.name] = .init(values) }
    }
    let sorted = reports.map { $0.contents.latents.byKL.map(\.kl) }
    sortedKL = (0..<(sorted.map(\.count).min() ?? 0)).map { rank in .init(sorted.map { ($0[rank], 0) }) }
  }
}
