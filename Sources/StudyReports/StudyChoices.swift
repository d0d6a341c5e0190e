import Studies
import TensorCore

/// What choices without labels, and settings chosen on another data set, are worth.
struct StudyChoices {
  typealias Contents = StudyReport.Contents

  /// The runs of each data set.
  let columns: [StudyColumns]
  let resamples: Resamples

  /// What a run can be chosen by without labels, as far as it was measured, and whether more of it is better.
  static func choosers(among names: [String]) -> [(name: String, choosesLargest: Bool)] {
    let known = [
      (StudyScore.ranking, true), (StudyScore.elbo, true), (StudyScore.logLikelihood, true),
      (StudyScore.totalCorrelation, false), (StudyScore.rate, false), (StudyScore.distortion, false),
    ].filter { names.contains($0.0) }
    let minibatch = names.filter(StudyScore.isMinibatch).map { ($0, false) }
    return (known + minibatch).map { (name: $0.0, choosesLargest: $0.1) }
  }

  /// All scores that have a finite value, in the order of the first data set.
  private var names: [String] {
    var names: [String] = []
    for set in columns {
      for name in set.names where set.has(name) && !names.contains(name) { names.append(name) }
    }
    return names
  }

  /// The main scores of all data sets.
  private var targets: [String] {
    var targets: [String] = []
    for name in columns.flatMap(\.metrics) where !targets.contains(name) { targets.append(name) }
    return targets
  }

  /// The choice of each chooser for each score.
  var choices: [Contents.Choice] {
    let choosers = Self.choosers(among: names)
    let groups = columns.flatMap { set in set.runs.map { _ in set.dataset } }
    return targets.enumerated().flatMap { place, target -> [Contents.Choice] in
      let scores = columns.flatMap { $0.column(target) }
      return choosers.enumerated().compactMap { index, chooser -> Contents.Choice? in
        guard chooser.name != target else { return nil }
        let values = columns.flatMap { $0.column(chooser.name) }
        let draws = Resamples(
          resamples.count, from: resamples.stream.split("choice", place).split("chooser", index))
        let direction = chooser.choosesLargest ? ModelChoice.Direction.higher : .lower
        guard columns.count > 1 else {
          return ModelChoice.of(scores, by: values, better: direction, resamples: draws)
            .map { Contents.Choice(target, chooser, $0) }
        }
        let grouped = ModelChoice.of(scores, by: values, better: direction, within: groups, resamples: draws)
        return grouped.mean.map { mean in
          var choice = Contents.Choice(target, chooser, mean)
          choice.groups = zip(grouped.groups, grouped.choices).compactMap { dataset, choice in
            choice.map {
              .init(dataset: dataset, chosen: $0.chosen, random: $0.random, best: $0.best, share: $0.shareOfGain)
            }
          }
          return choice
        }
      }
    }
  }

  /// The transfer of settings between data sets for each score; empty for a single data set.
  var transfers: [Contents.Transfer] {
    guard columns.count > 1 else { return [] }
    let datasets = columns.flatMap { set in set.runs.map { _ in set.dataset } }
    let settings = columns.flatMap { set in
      set.runs.map { $0.strength.isEmpty ? $0.objective : "\($0.objective), \($0.strength)" }
    }
    return targets.map { score in
      let transfer = SettingTransfer(columns.flatMap { $0.column(score) }, datasets: datasets, settings: settings)
      let others = transfer.cells.enumerated().flatMap { source, row in
        row.enumerated().compactMap { target, cell in target == source ? nil : cell?.shareOfGain }
      }
      return Contents.Transfer(
        score: score, datasets: transfer.datasets, shares: transfer.cells.map { $0.map { $0?.shareOfGain } },
        settings: transfer.cells.enumerated().map { source, row in row[source]?.settings ?? [] },
        mean: others.isEmpty ? nil : others.reduce(0, +) / Double(others.count))
    }
  }
}

extension StudyReport.Contents.Choice {
  /// "largest ELBO": by what the run is chosen.
  var chooserTitle: String { "\(choosesLargest ? "largest" : "smallest") \(StudyScore.title(chooser))" }

  fileprivate init(_ target: String, _ chooser: (name: String, choosesLargest: Bool), _ choice: ModelChoice) {
    (self.target, self.chooser, choosesLargest) = (target, chooser.name, chooser.choosesLargest)
    (count, chosen, random, best) = (choice.count, choice.chosen, choice.random, choice.best)
    share = choice.shareOfGain
    interval = choice.interval.map(StudyReport.Contents.Interval.init)
    groups = []
    if share != nil, let interval {
      let (lower, upper) = (interval.lower - random, interval.upper - random)
      shareInterval = .init(lower: lower / (best - random), upper: upper / (best - random))
    }
  }
}
