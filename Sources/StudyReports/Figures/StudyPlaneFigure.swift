import Figures

/// The runs of a study in the plane of rate and distortion (Alemi et al. 2018, arXiv:1711.00464, Fig. 1), by objective,
/// with their Pareto frontier.
struct StudyPlaneFigure {
  /// One run.
  struct Point {
    var objective: Int
    var rate: Double
    var distortion: Double
    var isCollapsed: Bool
    var isOnFrontier: Bool
  }

  let name: String
  let title: String
  let objectives: [String]
  /// The runs with a finite rate and distortion, by ascending rate.
  let points: [Point]
  let caption: String

  /// Draws the figure; nil without points.
  func draw() -> Figure? {
    guard !points.isEmpty else { return nil }
    let height = 300.0, shown = Array(objectives.prefix(StudyDrawing.most))
    let line = Plot.Style(paint: .ink, dash: [], shape: .circle)
    let legend = Legend(
      shown.enumerated().map { (.marker(style($0.offset)), StudyDrawing.fitted($0.element, width: 150)) }
        + [(.line(line, markers: false), "Pareto frontier")], width: 460)
    var figure = Figure(
      name: name, title: title, caption: caption + StudyDrawing.note(objectives.count, of: "objectives") + note,
      width: StudyDrawing.width, height: height + legend.height + 6)
    // A little room on the left, where collapsed runs are.
    let x = StudyDrawing.scale(points.map(\.rate), from: 0, to: 1, ticks: 6).domain
    let plot = Plot(
      x: Scale(
        .linear, x.lowerBound - 0.03 * (x.upperBound - x.lowerBound)...x.upperBound, from: 60,
        to: StudyDrawing.width - 10),
      y: StudyDrawing.scale(points.map(\.distortion), from: height - 34, to: 10, ticks: 6))
    plot.drawAxes(
      in: &figure, xLabel: "rate R, nats", yLabel: "distortion D, nats", xTicks: plot.x.ticks(6),
      yTicks: plot.y.ticks(6),
      labelRoom: 48)
    // The region that the frontier bounds has horizontal and vertical edges.
    var corners: [Figure.Point] = []
    for point in points where point.isOnFrontier {
      if let last = corners.last { corners.append(.init(plot.x(point.rate), last.y)) }
      corners.append(.init(plot.x(point.rate), plot.y(point.distortion)))
    }
    figure.line(corners, .init(.ink, width: 0.9))
    let size = points.count > 400 ? 1.5 : 2.4
    let kept = Set(StudyDrawing.thinned(points.count, to: Self.most))
    for (position, point) in points.enumerated() where point.isOnFrontier || kept.contains(position) {
      guard point.objective < shown.count else { continue }
      let (x, y) = (plot.x(point.rate), plot.y(point.distortion))
      Plot.marker(style(point.objective), .init(x, y), size: size, in: &figure)
      if point.isCollapsed { figure.circle(x, y, radius: size + 2, fill: nil, stroke: .init(.secondary, width: 0.75)) }
    }
    legend.draw(52, height + 2, in: &figure)
    return figure
  }

  private static let most = 2_000

  private var note: String {
    points.count > Self.most
      ? " The frontier and \(Self.most) runs are drawn, evenly spaced in the order of their rates." : ""
  }

  private func style(_ objective: Int) -> Plot.Style { .series(objective) }
}
