import TensorCore

/// How good a setting is on one data set that was the best on another.
///
/// A setting is whatever several runs share but for their seeds, as an objective with its strength. Larger scores are
/// better. Runs with a score that is not finite are left out and counted.
public struct SettingTransfer: Sendable, Equatable {
  /// By what the best setting on the source is told.
  public enum Center: Sendable {
    /// The median of its scores.
    case median
    /// The mean of its scores.
    case mean
  }

  /// What the choice of a setting on one data set is worth on another.
  public struct Cell: Sendable, Equatable {
    /// The settings that are the best on the source; several where they tie.
    public var settings: [String]
    /// The mean score of the chosen setting on the target; the mean over those that tie.
    public var chosen: Double
    /// What a random setting expects: the mean over settings of their mean scores on the target.
    public var random: Double
    /// The largest mean score of a setting on the target.
    public var best: Double
    /// (chosen − random) / (best − random); nil where all settings are equal on the target.
    public var shareOfGain: Double?
    /// How many settings have scores on both data sets; only these compete.
    public var settingCount: Int
  }

  /// The data sets, in the order of their first runs, `[D]`.
  public var datasets: [String]
  /// The cells by source and target, `[D, D]`; nil where no setting has scores on both. On the diagonal the setting is
  /// chosen by the scores that it is then judged by.
  public var cells: [[Cell?]]
  /// How many runs were left out.
  public var missing: Int

  /// Chooses settings on each data set for each.
  ///
  /// - Parameters:
  ///   - scores: `[N]`.
  ///   - datasets: the data set of each run, `[N]`.
  ///   - settings: the setting of each run, `[N]`.
  ///   - center: by what the best setting is told.
  /// - Precondition: all have the same length.
  public init(_ scores: [Double], datasets: [String], settings: [String], by center: Center = .median) {
    requireFit(
      datasets.count == scores.count && settings.count == scores.count, "SettingTransfer",
      "\(scores.count) runs have \(datasets.count) data sets and \(settings.count) settings")
    let sets = Grouping(datasets), kinds = Grouping(settings)
    var table = [[[Double]]](
      repeating: [[Double]](repeating: [], count: kinds.labels.count), count: sets.labels.count)
    for (row, score) in scores.enumerated() where score.isFinite {
      table[sets.indices[row]][kinds.indices[row]].append(score)
    }
    let means = table.map { $0.map { $0.isEmpty ? nil : Moments.mean($0) } }
    let centers = center == .mean ? means : table.map { $0.map(Quantiles.median) }
    self.datasets = sets.labels
    missing = scores.count(where: { !$0.isFinite })
    cells = centers.map { source in means.map { Self.cell(source, $0, labels: kinds.labels) } }
  }

  /// The cell of a source and a target, from a number for each setting on either.
  private static func cell(_ source: [Double?], _ target: [Double?], labels: [String]) -> Cell? {
    let competing = labels.indices.compactMap { setting -> (setting: Int, value: Double, score: Double)? in
      guard let value = source[setting], let score = target[setting] else { return nil }
      return (setting, value, score)
    }
    let scores = competing.map(\.score)
    guard let top = competing.map(\.value).max(), let best = scores.max() else { return nil }
    let tied = competing.filter { $0.value == top }
    let chosen = Moments.mean(tied.map(\.score)), random = Moments.mean(scores)
    return Cell(
      settings: tied.map { labels[$0.setting] }, chosen: chosen, random: random, best: best,
      shareOfGain: ModelChoice.shareOfGain(chosen: chosen, random: random, best: best), settingCount: competing.count)
  }
}
