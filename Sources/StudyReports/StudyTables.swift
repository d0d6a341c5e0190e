import Diagnostics

/// The tables of a study's report.
struct StudyTables {
  typealias Contents = StudyReport.Contents
  typealias Cell = TextTable.Cell

  let contents: Contents

  init(_ contents: Contents) { self.contents = contents }

  /// How many lines a list of runs has at most.
  static let mostLines = 20

  /// What a table of scores is about.
  enum Subject: CaseIterable {
    /// The main scores of metrics.
    case scores
    /// The rate, its parts and the distortion.
    case information
  }

  /// A table for the terminal has at most so many columns of scores.
  private static let mostShort = 6

  var facts: TextTable {
    let runs = contents.runs
    func count(_ value: Int, _ key: String) -> Cell {
      .init(Format.grouped(value), value: Double(value), path: "runs.\(key)")
    }
    var rows: [[Cell]] = [
      ["planned runs", count(runs.planned, "planned")], ["finished", count(runs.finished, "finished")],
      ["failed", count(runs.failed, "failed")], ["unreadable", count(runs.unreadable, "unreadable")],
      ["not yet finished", count(runs.outstanding, "outstanding")],
      ["collapsed", .init(Format.grouped(runs.collapsed.count))],
      ["objectives", .init(Self.shortened(runs.objectives))],
      ["settings", count(runs.settings, "settings")],
      ["seeds", .init(Format.grouped(runs.seeds.count))],
    ]
    let names = contents.datasets.map(\.name).filter { !$0.isEmpty }
    if !names.isEmpty { rows.append(["data sets", .init(Self.shortened(names))]) }
    rows.append([
      "core-hours", .init(Format.decimals(runs.coreHours, 1), value: runs.coreHours, path: "runs.core_hours"),
    ])
    rows.append([
      "bootstrap resamples",
      .init(
        Format.grouped(contents.resamples), value: Double(contents.resamples), path: "resamples"),
    ])
    return TextTable(header: ["", ""], rows: rows, numeric: [])
  }

  /// For a terminal; of more than two data sets only what is common to all.
  var short: [TextTable] {
    contents.datasets.indices.prefix(contents.datasets.count > 2 ? 0 : 2).flatMap { dataset in
      Subject.allCases.map { medians($0, of: dataset, isShort: true) } + [variance(of: dataset, isShort: true)]
    }
    .compactMap { $0 } + [shares].compactMap { $0 }
  }

  /// The shares of the possible gain by score and chooser.
  private var shares: TextTable? {
    var targets: [String] = [], choosers: [String] = []
    for choice in contents.choices {
      if !targets.contains(choice.target) { targets.append(choice.target) }
      if !choosers.contains(choice.chooserTitle) { choosers.append(choice.chooserTitle) }
    }
    guard !targets.isEmpty else { return nil }
    let rows = targets.map { target -> [Cell] in
      [.init(StudyScore.title(target))]
        + choosers.map { chooser in
          contents.choices.first { $0.target == target && $0.chooserTitle == chooser }?.share
            .map { .init(Format.decimals($0, 2)) } ?? "–"
        }
    }
    return TextTable(
      title: "Share of the possible gain of a run chosen without labels", header: ["score"] + choosers, rows: rows,
      numeric: Set(1...choosers.count))
  }

  /// Medians with quartiles by objective, or by objective and strength.
  func medians(
    _ subject: Subject, of dataset: Int, byStrength: Bool = false, isShort: Bool = false
  ) -> TextTable? {
    summaries(
      subject, of: dataset, byStrength: byStrength,
      title: isShort ? "Medians by objective" : "Medians, with quartiles",
      mostColumns: isShort ? Self.mostShort : nil, note: "Median [25 % quantile, 75 % quantile] over runs"
    ) { summary, path in
      let text = Self.shown(summary.median)
      let quartiles = "[\(Self.shown(summary.lowerQuartile)), \(Self.shown(summary.upperQuartile))]"
      return .init(
        isShort || summary.count == 1 ? text : "\(text) \(quartiles)", value: summary.median, path: path + "median")
    }
  }

  /// Means with standard errors by objective and strength.
  func means(_ subject: Subject, of dataset: Int) -> TextTable? {
    summaries(
      subject, of: dataset, byStrength: true, title: "Means, with standard errors", mostColumns: nil,
      note: "Mean ± standard error over runs; without it where there is one run"
    ) { summary, path in
      let error = summary.standardError.map { " ± \(Self.shown($0))" } ?? ""
      return .init(Self.shown(summary.mean) + error, value: summary.mean, path: path + "mean")
    }
  }

  private func summaries(
    _ subject: Subject, of dataset: Int, byStrength: Bool, title: String, mostColumns: Int?, note: String,
    _ cell: (Contents.Summary, _ path: String) -> Cell
  ) -> TextTable? {
    let set = contents.datasets[dataset], settings = byStrength ? set.settings : set.objectives
    let scores = Array(
      (subject == .scores ? set.metrics : StudyScore.information.filter(set.scores.contains)).prefix(
        mostColumns ?? .max))
    guard !scores.isEmpty else { return nil }
    let key = byStrength ? "settings" : "objectives"
    let rows = settings.enumerated().map { index, setting -> [Cell] in
      let path = "datasets.\(dataset).\(key).\(index)."
      let head: [Cell] =
        [.init(setting.objective)] + (byStrength ? [.init(setting.strength ?? "")] : [])
        + [
          .init(Format.grouped(setting.runs), value: Double(setting.runs), path: path + "runs"),
          .init(Format.grouped(setting.collapsed), value: Double(setting.collapsed), path: path + "collapsed"),
        ]
      return head
        + scores.map { score in
          setting.scores.firstIndex { $0.name == score }.map { cell(setting.scores[$0], path + "scores.\($0).") } ?? "–"
        }
    }
    let first = byStrength ? 2 : 1
    return TextTable(
      title: Self.title(title, set),
      header: ["objective"] + (byStrength ? ["strength"] : []) + ["runs", "collapsed"]
        + scores.map(StudyScore.title), rows: rows, numeric: Set(first..<first + 2 + scores.count),
      note: mostColumns == nil ? note + (subject == .information ? ", in nats." : ".") : nil)
  }

  /// "Name: data set" where there are several.
  static func title(_ text: String, _ set: Contents.Dataset) -> String {
    StudyDrawing.title(text, set.name)
  }

  /// A number with two decimals and its interval.
  static func cell(_ value: Double, _ interval: Contents.Interval?, at path: String) -> Cell {
    let ends = interval.map { " [\(Format.decimals($0.lower, 2)), \(Format.decimals($0.upper, 2))]" } ?? ""
    return .init(Format.decimals(value, 2) + ends, value: value, path: path)
  }

  /// Three decimals for small numbers, fewer for large ones.
  static func shown(_ value: Double) -> String {
    let size = abs(value)
    if size != 0, size < 0.0005 || size >= 1e7 { return Format.scientific(value) }
    return Format.decimals(value, size < 10 ? 3 : size < 1000 ? 2 : 1)
  }

  private static func shortened(_ names: [String]) -> String {
    let shown = names.prefix(mostLines).joined(separator: "; ")
    return names.count > mostLines ? "\(shown); and \(names.count - mostLines) more" : shown
  }
}
