import Diagnostics
import Figures
import Studies

/// How scores are distributed over the runs of each objective: violins (Hintze and Nelson 1998, "Violin plots: a box
/// plot–density trace synergism") that end at the smallest and the largest value, with the runs as points, the
/// quartiles as a bar and the median as a stroke.
struct ViolinFigure {
  /// One score.
  struct Panel {
    var title: String
    /// The values by objective, `[K][n]`; what is not finite is not drawn.
    var values: [[Double]]
  }

  let name: String
  let title: String
  let panels: [Panel]
  let objectives: [String]
  let caption: String

  /// Draws the figure; nil without panels.
  func draw() -> Figure? {
    guard !panels.isEmpty else { return nil }
    let shown = Array(panels.prefix(StudyDrawing.most)), rows = Array(objectives.prefix(StudyDrawing.most))
    let grid = PanelGrid(panels: shown.count, rows: rows), groups = shown.count * rows.count
    let note =
      StudyDrawing.note(shown.flatMap { $0.values.map(\.count) }, groups: groups)
      + StudyDrawing.note(panels.count, of: "scores") + StudyDrawing.note(objectives.count, of: "objectives")
    var figure = Figure(
      name: name, title: title, caption: caption + note, width: grid.size.width, height: grid.size.height)
    for (index, panel) in shown.enumerated() {
      let values = panel.values.prefix(rows.count).map { $0.filter(\.isFinite).sorted() }, frame = grid.frame(index)
      let scale = StudyDrawing.scale(values.flatMap { $0 }, from: frame.left, to: frame.right, ticks: 3)
      grid.drawFrame(index, title: panel.title, scale, in: &figure)
      for (row, values) in values.enumerated() {
        draw(
          values, scale, grid.row(row, of: frame), .color(Palette.category(row)),
          points: StudyDrawing.points(groups: groups), &figure)
      }
    }
    return figure
  }

  private func draw(
    _ values: [Double], _ scale: Scale, _ row: (middle: Double, half: Double), _ paint: Figure.Paint, points: Int,
    _ figure: inout Figure
  ) {
    guard let first = values.first, let last = values.last, let quantiles = Quantiles(of: values) else { return }
    let places = (0...40).map { first + (last - first) * Double($0) / 40 }
    let density = Density(of: values, at: places), peak = density?.values.max() ?? 1
    if let density, peak > 0 {
      func outline(_ side: Double) -> [Figure.Point] {
        zip(places, density.values).map { .init(scale($0), row.middle + side * row.half * $1 / peak) }
      }
      figure.area(
        outline(-1) + outline(1).reversed(), fill: paint, opacity: 0.28, stroke: .init(paint, width: 0.6))
    }
    let thinned = StudyDrawing.thinned(values.count, to: points)
    for (index, position) in thinned.enumerated() {
      var height = 0.5
      if let density, peak > 0 {
        let place = Int(((values[position] - first) / (last - first) * 40).rounded())
        height = density.values[min(40, max(0, place))] / peak
      }
      let y = row.middle + 0.85 * row.half * height * StudyDrawing.jitter(index, of: thinned.count)
      figure.circle(scale(values[position]), y, radius: thinned.count > 60 ? 0.7 : 1.1, fill: paint)
    }
    let low = scale(quantiles.lowerQuartile), high = scale(quantiles.upperQuartile), median = scale(quantiles.median)
    figure.line(low, row.middle, high, row.middle, .init(.ink, width: 2))
    figure.line(median, row.middle - 0.5 * row.half, median, row.middle + 0.5 * row.half, .init(.ink, width: 1.5))
  }
}
