import Diagnostics

/// The tables of correlations, variance, choices and comparisons.
extension StudyTables {
  /// Rank correlations with the exact and the minibatch total correlation, over all runs or those of each objective.
  func totalCorrelation(of dataset: Int, withinObjectives: Bool) -> TextTable? {
    correlations(
      contents.datasets[dataset].totalCorrelation.enumerated().filter {
        ($0.element.objective != nil) == withinObjectives
      }, of: dataset, key: "total_correlation",
      title: withinObjectives
        ? "Rank correlation with the exact total correlation within objectives"
        : "Rank correlation with exact and minibatch total correlation",
      note: withinObjectives
        ? "Spearman's ρ with its 95 % interval, over the runs of each objective."
        : "Spearman's ρ with its 95 % interval, over all runs.")
  }

  /// Rank correlations with downstream tasks.
  func downstream(of dataset: Int) -> TextTable? {
    correlations(
      Array(contents.datasets[dataset].downstream.enumerated()), of: dataset, key: "downstream",
      title: "Rank correlation with downstream tasks",
      note: "Spearman's ρ with its 95 % interval, over all runs.")
  }

  private func correlations(
    _ all: [(offset: Int, element: Contents.Correlation)], of dataset: Int, key: String, title: String, note: String
  ) -> TextTable? {
    var scores: [String] = [], columns: [(with: String, objective: String?)] = []
    for (_, row) in all {
      if !scores.contains(row.score) { scores.append(row.score) }
      if !columns.contains(where: { $0.with == row.with && $0.objective == row.objective }) {
        columns.append((row.with, row.objective))
      }
    }
    guard !scores.isEmpty else { return nil }
    let rows = scores.map { score -> [Cell] in
      [.init(StudyScore.title(score))]
        + columns.map { column in
          let found = all.first {
            $0.element.score == score && $0.element.with == column.with && $0.element.objective == column.objective
          }
          guard let (index, row) = found, let value = row.coefficient else { return "–" }
          return Self.cell(value, row.interval, at: "datasets.\(dataset).\(key).\(index).coefficient")
        }
    }
    return TextTable(
      title: Self.title(title, contents.datasets[dataset]),
      header: ["score"]
        + columns.map { $0.objective ?? StudyScore.title($0.with) }, rows: rows, numeric: Set(1...columns.count),
      note: note)
  }

  /// Shares of the variance.
  func variance(of dataset: Int, isShort: Bool = false) -> TextTable? {
    let set = contents.datasets[dataset]
    let shown = set.variance.enumerated().filter { !isShort || set.metrics.contains($0.element.score) }
    guard !shown.isEmpty, set.settings.count > 1 else { return nil }
    let rows = shown.map { index, row -> [Cell] in
      let path = "datasets.\(dataset).variance.\(index)."
      func cell(_ share: Contents.Variance.Share, _ key: String) -> Cell {
        share.value.map { Self.cell($0, share.interval, at: path + key + ".value") } ?? "–"
      }
      return [
        .init(StudyScore.title(row.score)),
        .init(Format.grouped(row.count), value: Double(row.count), path: path + "count"),
        cell(row.objective, "objective"), cell(row.objectiveAndStrength, "objective_and_strength"),
        cell(row.seeds, "seeds"),
      ]
    }
    return TextTable(
      title: Self.title("Shares of the variance", set),
      header: ["score", "runs", "objective", "objective and strength", "seeds"], rows: rows, numeric: [1, 2, 3, 4],
      note:
        "ε² with its 95 % interval: shares of the variance over all runs, adjusted for the number of groups, which may "
        + "be negative where groups differ less than chance lets them."
        + (shown.contains { $0.element.seeds.value == nil }
          ? " Where no setting has two runs, the share of seeds is not known (–)." : ""))
  }

  /// What choices without labels are worth.
  var choices: TextTable? {
    guard !contents.choices.isEmpty else { return nil }
    let datasets = contents.datasets.count < 2 ? [] : contents.datasets.map(\.name)
    let rows = contents.choices.enumerated().map { index, choice -> [Cell] in
      let path = "choices.\(index)."
      func number(_ value: Double, _ key: String) -> Cell { .init(Self.shown(value), value: value, path: path + key) }
      return [
        .init(StudyScore.title(choice.target)),
        .init(choice.chooserTitle),
        number(choice.chosen, "chosen"), number(choice.random, "random"), number(choice.best, "best"),
        choice.share.map { Self.cell($0, choice.shareInterval, at: path + "share") } ?? "–",
      ]
        + datasets.map { dataset in
          guard let place = choice.groups.firstIndex(where: { $0.dataset == dataset }),
            let share = choice.groups[place].share
          else { return "–" }
          return .init(Format.decimals(share, 2), value: share, path: path + "groups.\(place).share")
        }
    }
    return TextTable(
      title: "Choosing a run without labels",
      header: ["score", "chosen by", "chosen", "random", "best", "share of gain"] + datasets, rows: rows,
      numeric: Set(2..<6 + datasets.count),
      note:
        "Share of gain = (chosen − random) / (best − random), with the 95 % interval of the chosen score on that scale"
        + (datasets.isEmpty ? "." : "; the mean over data sets, and the share within each."))
  }

  /// Probabilities that a run of an objective has a higher score than one of another.
  func superiority(of dataset: Int) -> TextTable? {
    let set = contents.datasets[dataset], scores = set.superiority
    guard let objectives = scores.first?.objectives else { return nil }
    let rows = objectives.indices.flatMap { a in
      objectives.indices.dropFirst(a + 1).map { b -> [Cell] in
        [.init("\(objectives[a]) over \(objectives[b])")]
          + scores.enumerated().map { index, row in
            row.probabilities[a][b].map {
              Self.cell($0, row.intervals[a][b], at: "datasets.\(dataset).superiority.\(index).probabilities.\(a).\(b)")
            } ?? "–"
          }
      }
    }
    return TextTable(
      title: Self.title("Probability of a higher score", set),
      header: ["A over B"] + scores.map { StudyScore.title($0.score) }, rows: rows, numeric: Set(1...scores.count),
      note: "P(A > B) + ½·P(A = B) with its 95 % interval, over pairs of runs of any strength.")
  }

  /// The best settings on each data set, and what they are worth on the others.
  var transfers: TextTable? {
    guard let first = contents.transfers.first else { return nil }
    return TextTable(
      title: "Best settings by median score", header: ["score"] + first.datasets + ["mean share elsewhere"],
      rows: contents.transfers.enumerated().map { index, row in
        [.init(StudyScore.title(row.score))]
          + row.settings.map { .init($0.count > 1 ? "\($0[0]) and \($0.count - 1) more" : $0.first ?? "–") }
          + [row.mean.map { .init(Format.decimals($0, 2), value: $0, path: "transfers.\(index).mean") } ?? "–"]
      }, numeric: [first.datasets.count + 1],
      note:
        "The share of the possible gain that a setting chosen on one data set has on another, as the mean over pairs.")
  }
}
