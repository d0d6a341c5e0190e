import Diagnostics

/// What the numbers of one data set show, in sentences.
struct DatasetFindings {
  typealias Contents = StudyReport.Contents

  private let dataset: Contents.Dataset

  init(_ dataset: Contents.Dataset) { self.dataset = dataset }

  /// All of them.
  var sentences: [String] { correlation + ranking + variance + superiority }

  /// Correlations of scores with the exact total correlation.
  private func correlations(withinObjectives: Bool) -> [Contents.Correlation] {
    dataset.totalCorrelation.filter {
      $0.with == StudyScore.totalCorrelation && $0.score != $0.with && ($0.objective != nil) == withinObjectives
    }
  }

  /// Whether a low exact total correlation goes with a high score.
  private var correlation: [String] {
    let all = correlations(withinObjectives: false)
    guard !all.isEmpty else { return [] }
    let known = all.filter { $0.interval != nil }
    guard !known.isEmpty else {
      return [
        all.contains { $0.coefficient != nil }
          ? "Whether low TC means disentangled is not known: rank correlations have no intervals."
          : "Whether low TC means disentangled is not known: rank correlations need 3 runs with different values."
      ]
    }
    let low = known.filter { $0.sign == -1 }, high = known.filter { $0.sign == 1 }, open = known.filter { $0.sign == 0 }
    var parts: [String] = []
    if !low.isEmpty { parts.append("a lower exact TC goes with a higher \(Self.list(low))") }
    if !high.isEmpty { parts.append("a higher exact TC goes with a higher \(Self.list(high))") }
    if !open.isEmpty { parts.append("the interval of ρ covers 0 for \(Self.list(open))") }
    let answer =
      low.count == known.count
      ? "Yes, by all scores"
      : low.isEmpty ? "These runs show it for no score" : "By \(low.count) of \(known.count) scores"
    var sentences = ["Does low TC mean disentangled? \(answer): over all runs, \(parts.joined(separator: "; "))."]
    let within = correlations(withinObjectives: true).filter { $0.interval != nil }
    if !within.isEmpty {
      let below = within.count { $0.sign == -1 }, above = within.count { $0.sign == 1 }
      sentences.append(
        "Within objectives, a lower exact TC goes with a higher score in \(below) of \(within.count) pairs of "
          + "objective and score, a higher TC in \(above); in \(within.count - below - above) the interval of ρ "
          + "covers 0."
      )
    }
    return sentences
  }

  /// Whether minibatch estimates rank the runs as the exact total correlation does.
  private var ranking: [String] {
    dataset.totalCorrelation.filter { $0.score == StudyScore.totalCorrelation && $0.objective == nil }.compactMap {
      row in
      guard let coefficient = row.coefficient else { return nil }
      let name = "The \(StudyScore.title(row.with))", value = "ρ = \(Self.number(coefficient, row.interval))"
      guard let interval = row.interval else {
        return
          "Whether the \(StudyScore.title(row.with)) ranks runs as the exact TC does is not known: \(value), without "
          + "an interval."
      }
      if interval.lower >= Self.sameOrder { return "\(name) ranks runs as the exact TC does: \(value)." }
      if interval.upper < 0 { return "\(name) ranks runs in an order opposite to that of the exact TC: \(value)." }
      if interval.upper < Self.sameOrder { return "\(name) ranks runs otherwise than the exact TC: \(value)." }
      return "\(name) may rank runs otherwise than the exact TC: \(value)."
    }
  }

  /// From this ρ on, two values are said to rank runs alike.
  private static let sameOrder = 0.9

  /// For which main scores the seed matters more than the objective.
  private var variance: [String] {
    let rows = dataset.variance.filter { dataset.metrics.contains($0.score) }
    guard dataset.objectives.count > 1, !rows.isEmpty else { return [] }
    let known = rows.filter { $0.objective.value != nil && $0.seeds.value != nil }
    guard !known.isEmpty else {
      return ["No setting has two runs: the variance due to seeds cannot be told from that due to strengths."]
    }
    let seeds = known.filter(\.seedsExceedObjective)
    guard !seeds.isEmpty else { return ["For no score do seeds explain more of the variance than objectives."] }
    let list = seeds.map {
      "\(StudyScore.title($0.score)) (\(Self.number($0.seeds.value ?? 0, $0.seeds.interval)) against "
        + "\(Self.number($0.objective.value ?? 0, $0.objective.interval)))"
    }
    return [
      "Seeds explain more of the variance than objectives for \(seeds.count) of \(known.count) scores: "
        + "\(list.joined(separator: ", "))."
    ]
  }

  /// Which objective beats all others.
  private var superiority: [String] {
    guard !dataset.superiority.isEmpty else { return [] }
    guard dataset.superiority.contains(where: { $0.intervals.joined().contains { $0 != nil } }) else {
      return ["Which objective has higher scores is not known: there are no intervals, as each has one run."]
    }
    var sentences = dataset.objectives.compactMap { objective -> String? in
      let won = dataset.superiority.filter { $0.best == objective.objective }.map { StudyScore.title($0.score) }
      guard !won.isEmpty else { return nil }
      return
        "A random run of \(objective.objective) is more likely than not to have a higher score than one of each other "
        + "objective, by \(won.joined(separator: ", "))."
    }
    let open = dataset.superiority.count { $0.best == nil }
    if open > 0 {
      sentences.append(
        "For \(open) of \(dataset.superiority.count) scores, no objective is better than each other one beyond its "
          + "interval."
      )
    }
    return sentences
  }

  private static func list(_ rows: [Contents.Correlation]) -> String {
    rows.map { "\(StudyScore.title($0.score)) (ρ = \(number($0.coefficient ?? 0, $0.interval)))" }
      .joined(separator: ", ")
  }

  private static func number(_ value: Double, _ interval: Contents.Interval?) -> String {
    Format.decimals(value, 2)
      + (interval.map { " [\(Format.decimals($0.lower, 2)), \(Format.decimals($0.upper, 2))]" } ?? "")
  }
}

extension StudyReport.Contents.Correlation {
  /// 1 or −1 if the interval lies on one side of 0; 0 if it does not, nil if there is none.
  var sign: Int? { interval.map { $0.lower > 0 ? 1 : $0.upper < 0 ? -1 : 0 } }
}

extension StudyReport.Contents.Variance {
  /// Whether more of the variance is left to the seeds than lies between objectives.
  var seedsExceedObjective: Bool { (seeds.value ?? -.infinity) > (objective.value ?? .infinity) }
}

extension StudyReport.Contents.Superiority {
  /// The objective whose runs are more likely than not to have a higher score than those of each other one, beyond the
  /// intervals; nil if there is none.
  var best: String? {
    objectives.indices.first { a in
      objectives.indices.allSatisfy { b in a == b || (intervals[a][b]?.lower ?? 0) > 0.5 }
    }.map { objectives[$0] }
  }
}
