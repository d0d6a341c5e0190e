import Figures

/// The scores of runs that are chosen without labels, between those of a random run and of the best.
struct ChoiceFigure {
  let choices: [StudyReport.Contents.Choice]
  let caption: String

  /// Draws the figure; nil without choices.
  func draw() -> Figure? {
    var targets: [String] = [], choosers: [String] = []
    let choices = choices.filter { $0.share != nil }
    for choice in choices {
      if !targets.contains(choice.target) { targets.append(choice.target) }
      if !choosers.contains(choice.chooser) { choosers.append(choice.chooser) }
    }
    guard !targets.isEmpty else { return nil }
    let shown = targets.prefix(StudyDrawing.most)
    let grid = PanelGrid(panels: shown.count, rows: choosers.map(StudyScore.title))
    let random = Plot.Style(paint: .secondary, dash: [2, 2], shape: .circle)
    let best = Plot.Style(paint: .color(Palette.category(2)), dash: [], shape: .circle)
    let dot = Plot.Style(paint: .color(Palette.category(0)), dash: [], shape: .circle)
    let legend = Legend(
      [
        (.line(dot, markers: true), "chosen run, with interval"), (.line(random, markers: false), "random run"),
        (.line(best, markers: false), "best run"),
      ], width: 500)
    var figure = Figure(
      name: "choices", title: "Choosing a run without labels",
      caption: caption + StudyDrawing.note(targets.count, of: "scores"), width: grid.size.width,
      height: grid.size.height + legend.height + 4)
    for (index, target) in shown.enumerated() {
      let rows = choices.filter { $0.target == target }, frame = grid.frame(index)
      let ends = rows.flatMap { [$0.chosen, $0.random, $0.best] + ($0.interval.map { [$0.lower, $0.upper] } ?? []) }
      let scale = StudyDrawing.scale(ends, from: frame.left, to: frame.right, ticks: 3)
      grid.drawFrame(index, title: StudyScore.title(target), scale, in: &figure)
      for choice in rows {
        guard let place = choosers.firstIndex(of: choice.chooser) else { continue }
        let (y, half) = grid.row(place, of: frame)
        for (value, style) in [(choice.random, random), (choice.best, best)] {
          figure.line(
            scale(value), y - 1.2 * half, scale(value), y + 1.2 * half,
            .init(style.paint, width: 1.25, dash: style.dash)
          )
        }
        if let interval = choice.interval {
          figure.line(scale(interval.lower), y, scale(interval.upper), y, .init(dot.paint, width: 1.5))
        }
        Plot.marker(dot, .init(scale(choice.chosen), y), in: &figure)
      }
    }
    legend.draw(10, grid.size.height + 2, in: &figure)
    return figure
  }
}
