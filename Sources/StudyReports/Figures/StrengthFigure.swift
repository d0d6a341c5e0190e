import Diagnostics
import Figures
import Studies

/// Scores over the strengths of each objective: a row for each score, a column for each objective; strengths in the
/// order of the plan, evenly spaced; median, quartiles and the runs as points.
struct StrengthFigure {
  /// One objective.
  struct Column {
    var objective: String
    /// The strengths in the order of the plan, `[S]`.
    var strengths: [String]
  }

  /// One score.
  struct Row {
    var title: String
    /// The values by objective and strength, `[K][S][n]`.
    var values: [[[Double]]]
  }

  let name: String
  let title: String
  let columns: [Column]
  let rows: [Row]
  let caption: String

  private static let rowHeight = 78.0
  private static let titleRoom = 14.0
  private static let left = 44.0
  private static let gap = 8.0

  /// Draws the figure; nil without scores.
  func draw() -> Figure? {
    guard !rows.isEmpty, !columns.isEmpty else { return nil }
    let shown = Array(rows.prefix(StudyDrawing.most)), kept = Array(columns.prefix(StudyDrawing.most))
    let cell = max(52, min(150, (StudyDrawing.width - Self.left) / Double(kept.count)))
    let axes = kept.map { Axis($0.strengths, room: cell - Self.gap) }
    let room = axes.map(\.room).max() ?? 0
    let groups = shown.count * kept.reduce(0) { $0 + $1.strengths.count }
    let counts = shown.flatMap { $0.values.flatMap { $0.map(\.count) } }
    let top = 18.0, bottom = top + Self.rowHeight * Double(shown.count)
    var figure = Figure(
      name: name, title: title,
      caption: caption + StudyDrawing.note(counts, groups: groups) + StudyDrawing.note(rows.count, of: "scores")
        + StudyDrawing.note(columns.count, of: "objectives"),
      width: Self.left + cell * Double(kept.count) + 4, height: bottom + room + 20)
    for (place, column) in kept.enumerated() {
      let label = StudyDrawing.fitted(column.objective, width: cell - Self.gap, size: 9)
      figure.text(label, Self.left + cell * Double(place), 8, size: 9, bold: true, paint: .secondary)
    }
    for (index, row) in shown.enumerated() {
      let rowTop = top + Self.rowHeight * Double(index)
      let y = StudyDrawing.scale(
        row.values.flatMap { $0.flatMap { $0 } }, from: rowTop + Self.rowHeight - 6, to: rowTop + Self.titleRoom,
        ticks: 3
      )
      figure.text(
        StudyDrawing.fitted(row.title, width: min(300, figure.width - Self.left), size: 9), Self.left, rowTop + 6,
        size: 9, bold: true)
      for place in kept.indices {
        let left = Self.left + cell * Double(place)
        let plot = Plot(
          x: Scale(.linear, -0.5...Double(kept[place].strengths.count) - 0.5, from: left, to: left + cell - Self.gap),
          y: y)
        draw(
          row.values[place], plot, .color(Palette.category(place)), hasLabels: place == 0,
          points: StudyDrawing.points(groups: groups), &figure)
        if index == shown.count - 1 { axes[place].draw(plot, room: room, &figure) }
      }
    }
    return figure
  }

  private func draw(
    _ values: [[Double]], _ plot: Plot, _ paint: Figure.Paint, hasLabels: Bool, points: Int, _ figure: inout Figure
  ) {
    for tick in StudyDrawing.ticks(plot.y, 3) {
      let y = plot.y(tick.value)
      figure.line(plot.left, y, plot.right, y, .init(.rule, width: 0.5))
      if hasLabels {
        figure.text(tick.label, plot.left - 4, y, size: Plot.tickSize - 0.5, paint: .secondary, anchor: .end)
      }
    }
    figure.line(plot.left, plot.bottom, plot.right, plot.bottom, .init(.secondary, width: 0.75))
    let step = (plot.right - plot.left) / Double(max(1, values.count))
    for (place, values) in values.enumerated() {
      let sorted = values.filter(\.isFinite).sorted(), x = plot.x(Double(place))
      let thinned = StudyDrawing.thinned(sorted.count, to: points)
      for (index, position) in thinned.enumerated() {
        let across = min(5, 0.32 * step) * StudyDrawing.jitter(index, of: thinned.count)
        figure.circle(x + across, plot.y(sorted[position]), radius: 1, fill: paint)
      }
      if let quantiles = Quantiles(of: sorted), quantiles.count > 1 {
        figure.line(
          x, plot.y(quantiles.lowerQuartile), x, plot.y(quantiles.upperQuartile), .init(.ink, width: 1.5))
      }
    }
    let medians = values.enumerated().compactMap { place, values in
      Quantiles(of: values).map { (Double(place), $0.median) }
    }
    plot.line(medians, .init(paint: .ink, dash: [], shape: .circle), width: 0.9, markers: false, in: &figure)
    for (place, median) in medians {
      figure.circle(plot.x(place), plot.y(median), radius: 1.7, fill: .ink)
    }
  }
}

/// The names of strengths below the panels of an objective.
private struct Axis {
  /// The words that all of them begin with, as "beta".
  let key: String
  private let labels: [String]
  private let isUpright: Bool
  private let every: Int
  /// The height it takes.
  let room: Double

  init(_ strengths: [String], room width: Double) {
    let names = StudyDrawing.withoutSharedWords(strengths)
    key = StudyDrawing.fitted(names.words, width: width)
    let fitted = StudyDrawing.fitted(names.labels, width: 70)
    let step = width / Double(max(1, strengths.count))
    labels = fitted.texts
    isUpright = fitted.widest + 1 > step
    every = max(1, Int((9 / step).rounded(.up)))
    room = isUpright ? fitted.widest + 6 : 14
  }

  func draw(_ plot: Plot, room: Double, _ figure: inout Figure) {
    for (place, label) in labels.enumerated() where place % every == 0 {
      let x = plot.x(Double(place))
      figure.line(x, plot.bottom, x, plot.bottom + 2, .init(.secondary, width: 0.75))
      figure.text(
        label, x, plot.bottom + (isUpright ? 5 : 9), size: Plot.tickSize - 0.5, paint: .secondary,
        anchor: isUpright ? .end : .middle, isUpright: isUpright)
    }
    figure.text(
      key, (plot.left + plot.right) / 2, plot.bottom + room + 8, size: Plot.tickSize, paint: .secondary, anchor: .middle
    )
  }
}
