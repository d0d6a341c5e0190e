import Diagnostics

/// What the numbers of a study show, in sentences: those of a single data set as they are, those of several counted.
struct StudyFindings {
  typealias Contents = StudyReport.Contents

  let runs: Contents.Runs
  let datasets: [Contents.Dataset]
  let choices: [Contents.Choice]
  let transfers: [Contents.Transfer]

  /// All of them.
  var sentences: [String] {
    [unfinished, collapse].compactMap { $0 } + (datasets.count == 1 ? datasets[0].findings : counts) + choice + transfer
  }

  private var unfinished: String? {
    let parts = [(runs.failed, "failed"), (runs.unreadable, "unreadable"), (runs.outstanding, "not yet finished")]
      .filter { $0.0 > 0 }.map { "\(Format.grouped($0.0)) \($0.1)" }
    guard !parts.isEmpty else { return nil }
    return "\(Format.grouped(runs.finished)) of \(Self.count(runs.planned, "run")) finished "
      + "(\(parts.joined(separator: ", "))); all numbers are of these."
  }

  private var collapse: String? {
    runs.collapsed.isEmpty
      ? "No finished run has collapsed: each has active units."
      : "Of \(Self.count(runs.finished, "finished run")), \(Format.grouped(runs.collapsed.count)) collapsed: no latent "
        + "is active."
  }

  /// On how many data sets something holds.
  private var counts: [String] {
    let exact = datasets.flatMap { set in
      set.totalCorrelation.filter {
        $0.with == StudyScore.totalCorrelation && $0.score != $0.with && $0.objective == nil && $0.interval != nil
      }
    }
    var sentences: [String] = []
    if !exact.isEmpty {
      sentences.append(
        "Does low TC mean disentangled? A lower exact TC goes with a higher score beyond the interval of ρ: "
          + Self.counted(exact.map { ($0.score, $0.sign == -1) }) + ".")
      if exact.contains(where: { $0.sign == 1 }) {
        sentences.append(
          "A higher exact TC goes with a higher score: "
            + Self.counted(exact.map { ($0.score, $0.sign == 1) }, onlyHeld: true) + ".")
      }
    }
    let minibatch = datasets.flatMap { $0.totalCorrelation.filter { $0.score == StudyScore.totalCorrelation } }
    for name in Self.distinct(minibatch.map(\.with)) {
      let values = minibatch.filter { $0.with == name }.compactMap(\.coefficient)
      guard let least = values.min(), let most = values.max() else { continue }
      sentences.append(
        "Over the runs of a data set, the rank correlation of the \(StudyScore.title(name)) with the exact TC is from "
          + "\(Format.decimals(least, 2)) to \(Format.decimals(most, 2)).")
    }
    let variance = datasets.flatMap { set in
      set.variance.filter { set.metrics.contains($0.score) && $0.objective.value != nil && $0.seeds.value != nil }
    }
    if !variance.isEmpty {
      sentences.append(
        "Seeds explain more of the variance than objectives: "
          + Self.counted(variance.map { ($0.score, $0.seedsExceedObjective) }) + ".")
    }
    let superiority = datasets.flatMap(\.superiority)
    for objective in Self.distinct(superiority.compactMap(\.best)) {
      let held = Self.counted(superiority.map { ($0.score, $0.best == objective) }, onlyHeld: true)
      sentences.append(
        "A random run of \(objective) is more likely than not to have a higher score than one of each other objective: "
          + "\(held).")
    }
    return sentences
  }

  /// What the best way to choose is worth.
  private var choice: [String] {
    let means = Self.distinct(choices.map(\.chooserTitle)).compactMap {
      chooser -> (name: String, share: Double, above: Int, count: Int)? in
      let rows = choices.filter { $0.chooserTitle == chooser && $0.share != nil }
      guard !rows.isEmpty else { return nil }
      let above = rows.count { ($0.shareInterval?.lower ?? 0) > 0 }
      return (chooser, rows.compactMap(\.share).reduce(0, +) / Double(rows.count), above, rows.count)
    }
    guard let best = means.max(by: { $0.share < $1.share }) else { return [] }
    return [
      "Of \(Self.count(means.count, "way")) to choose a run without labels, the \(best.name) is the best: "
        + "\(Format.decimals(best.share, 2)) of the possible gain over a random run, averaged over "
        + "\(Self.count(best.count, "score")). For \(best.above) of \(best.count) the interval lies above a random run."
    ]
  }

  private var transfer: [String] {
    let means = transfers.compactMap(\.mean)
    guard !means.isEmpty else { return [] }
    let share = means.reduce(0, +) / Double(means.count)
    return [
      "The best setting on one data set has, on another, \(Format.decimals(share, 2)) of the possible gain over a "
        + "random setting, averaged over pairs of data sets and \(Self.count(means.count, "score"))."
    ]
  }

  /// "mig on 2 of 3 data sets, dci on 0 of 3".
  private static func counted(_ rows: [(score: String, holds: Bool)], onlyHeld: Bool = false) -> String {
    let parts = distinct(rows.map(\.score)).compactMap { score -> (String, Int, Int)? in
      let held = rows.count { $0.score == score && $0.holds }
      return onlyHeld && held == 0 ? nil : (StudyScore.title(score), held, rows.count { $0.score == score })
    }
    return parts.enumerated().map { "\($1.0) on \($1.1) of \($1.2)\($0 == 0 ? " data sets" : "")" }
      .joined(separator: ", ")
  }

  private static func distinct(_ names: [String]) -> [String] {
    var known: Set<String> = []
    return names.filter { known.insert($0).inserted }
  }

  private static func count(_ count: Int, _ what: String) -> String {
    "\(Format.grouped(count)) \(what)\(count == 1 ? "" : "s")"
  }
}
