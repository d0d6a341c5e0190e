import Figures

/// Curves over the steps of training, one panel for each quantity.
struct CurvesFigure {
  /// One curve.
  struct Series {
    var name: String
    /// Values over steps; a band of ± `deviation` where there is one.
    var points: [(step: Double, value: Double, deviation: Double?)]
    /// Whether each point is marked, unless there are so many that marks would run together.
    var hasMarkers = false
  }

  /// One quantity.
  struct Panel {
    var title: String
    var series: [(series: Series, style: Int)]
    var unit = "nats"
  }

  private static let panelWidth = 200.0
  private static let panelHeight = 152.0
  private static let mostMarkers = 40

  let panels: [Panel]
  /// The names of styles, for the legend; none for a single series.
  var legend: [String] = []
  var caption = ""

  /// Draws the figure.
  func draw() -> Figure {
    let columns = min(2, panels.count), rows = (panels.count + 1) / 2
    let width = max(200, Double(columns) * Self.panelWidth)
    let names = Legend(
      legend.enumerated().map { (.line(.series($0.offset), markers: false), $0.element) }, width: width - 20)
    var figure = Figure(
      name: "training", title: "Training", caption: caption, width: width,
      height: Double(rows) * Self.panelHeight + (legend.isEmpty ? 0 : names.height + 6))
    for (index, panel) in panels.enumerated() {
      draw(panel, Double(index % 2) * Self.panelWidth, Double(index / 2) * Self.panelHeight, &figure)
    }
    if !legend.isEmpty { names.draw(10, Double(rows) * Self.panelHeight + 2, in: &figure) }
    return figure
  }

  private func draw(_ panel: Panel, _ left: Double, _ top: Double, _ figure: inout Figure) {
    let points = panel.series.flatMap(\.series.points)
    let values = points.flatMap { [$0.value - ($0.deviation ?? 0), $0.value + ($0.deviation ?? 0)] }
    let steps = points.map(\.step)
    let plot = Plot(
      x: Scale(.linear, 0...max(1, steps.max() ?? 1), from: left + 52, to: left + Self.panelWidth - 12),
      y: Scale(covering: values, from: top + Self.panelHeight - 32, to: top + 22, ticks: 4))
    plot.drawAxes(
      in: &figure, title: panel.title, xLabel: "step", yLabel: panel.unit, xTicks: plot.x.ticks(3, isCount: true),
      yTicks: plot.y.ticks(4), labelRoom: 44)
    for (series, index) in panel.series {
      let style = Plot.Style.series(index)
      if series.points.contains(where: { $0.deviation != nil }) {
        plot.band(
          series.points.map { ($0.step, $0.value - ($0.deviation ?? 0), $0.value + ($0.deviation ?? 0)) }, style.paint,
          in: &figure)
      }
      let hasMarkers = series.hasMarkers && series.points.count <= Self.mostMarkers
      plot.line(series.points.map { ($0.step, $0.value) }, style, width: 1.25, markers: hasMarkers, in: &figure)
    }
  }
}
