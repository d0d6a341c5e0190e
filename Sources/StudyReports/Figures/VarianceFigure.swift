import Figures

/// Shares of the variance of scores as stacked bars, with the intervals of their bounds.
struct VarianceFigure {
  let name: String
  let title: String
  let variance: [StudyReport.Contents.Variance]
  let caption: String

  private static let rowHeight = 15.0
  private static let objective = Figure.Paint.color(Palette.category(0))
  private static let strength = Figure.Paint.color(Palette.category(4))
  private static let seeds = Figure.Paint.color(Palette.category(6))

  /// Draws the figure; nil without scores.
  func draw() -> Figure? {
    let known = variance.filter { $0.objective.value != nil || $0.objectiveAndStrength.value != nil }
    let rows = Array(known.prefix(StudyDrawing.most))
    guard !rows.isEmpty else { return nil }
    let labels = StudyDrawing.fitted(rows.map { StudyScore.title($0.score) }, width: 150)
    let hasRest = rows.contains { $0.seeds.value == nil }
    let legend = Legend(
      [
        (.swatch(Self.objective), "objective"), (.swatch(Self.strength), "strength of the objective"),
        (.swatch(Self.seeds), "seed"),
      ] + (hasRest ? [(.outline, "strength and seed, not separable")] : []), width: StudyDrawing.width - 20)
    let left = labels.widest + 10, bottom = 6 + Self.rowHeight * Double(rows.count)
    var figure = Figure(
      name: name, title: title, caption: caption + StudyDrawing.note(known.count, of: "scores"),
      width: StudyDrawing.width, height: bottom + 22 + legend.height + 6)
    let x = Scale(.linear, 0...1, from: left, to: StudyDrawing.width - 16)
    for tick in x.ticks(5) {
      figure.line(x(tick.value), 6, x(tick.value), bottom, .init(.rule, width: 0.5))
      figure.text(tick.label, x(tick.value), bottom + 9, size: Plot.tickSize, paint: .secondary, anchor: .middle)
    }
    for (index, row) in rows.enumerated() {
      let middle = 6 + Self.rowHeight * (Double(index) + 0.5)
      figure.text(labels.texts[index], left - 5, middle, size: Plot.tickSize, paint: .secondary, anchor: .end)
      draw(row, x, middle, &figure)
    }
    legend.draw(10, bottom + 20, in: &figure)
    return figure
  }

  private func draw(
    _ row: StudyReport.Contents.Variance, _ x: Scale, _ middle: Double, _ figure: inout Figure
  ) {
    let height = 0.72 * Self.rowHeight, top = middle - height / 2
    func bar(_ from: Double, _ to: Double, _ paint: Figure.Paint?) {
      guard x(to) > x(from) else { return }
      figure.rectangle(
        x(from), top, x(to) - x(from), height, fill: paint,
        stroke: paint == nil ? .init(.secondary, width: 0.75, dash: [2, 1.5]) : nil)
    }
    func whisker(_ interval: StudyReport.Contents.Interval?, _ y: Double) {
      guard let interval else { return }
      figure.line(x(interval.lower), y, x(interval.upper), y, .init(.ink, width: 1.25))
      for end in [interval.lower, interval.upper] { figure.line(x(end), y - 2, x(end), y + 2, .init(.ink, width: 1)) }
    }
    let first = row.objective.value.map { min(1, max(0, $0)) } ?? 0
    bar(0, first, Self.objective)
    if let both = row.objectiveAndStrength.value {
      let second = min(1, max(first, both))
      bar(first, second, Self.strength)
      bar(second, 1, Self.seeds)
      whisker(row.objectiveAndStrength.interval, middle + 0.22 * height)
    } else {
      bar(first, 1, nil)
    }
    whisker(row.objective.interval, middle - 0.22 * height)
  }
}
