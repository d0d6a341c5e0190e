import Diagnostics
import Figures
import RateDecomposition

/// Runs in the plane of rate and distortion (Alemi et al. 2018, arXiv:1711.00464, Fig. 1): lines of equal ELBO, the band
/// H − D ≤ I ≤ R, and in it the exact mutual information of each run.
struct RateDistortionFigure {
  /// One run.
  struct Point {
    var label: String
    var rate: Double
    var distortion: Double
    var mutualInformation: Estimate
    /// H − D; nil where that is no bound.
    var lowerBound: Double?
    var isCollapsed: Bool
    /// The rate–distortion curve of its decoder, if it was measured.
    var curve: DecoderCurve?
  }

  let points: [Point]
  /// H, where it is known.
  let dataEntropy: Double?
  var caption = ""

  /// Draws the figure.
  func draw() -> Figure {
    let rate = Plot.Style(paint: .color(Palette.category(5)), dash: [], shape: .circle)
    let information = Plot.Style(paint: .color(Palette.mutualInformation), dash: [], shape: .diamond)
    let legend = Legend(
      [
        (.marker(rate), "(R, D) of a run"), (.marker(information), "its exact I(x; z)"),
        (.swatch(.color(Self.bandColor)), "H − D ≤ I ≤ R"),
        (.line(.init(paint: .secondary, dash: [2, 2], shape: .circle), markers: false), "equal ELBO = −(R + D)"),
      ]
        + curveEntries
        + (points.contains(where: \.isCollapsed) ? [(.outline, "collapsed")] : []), width: 380)
    let height = 300.0
    var figure = Figure(
      name: "rate-distortion", title: "The rate–distortion plane", caption: caption, width: 400,
      height: height + legend.height + 4)
    let xs = points.flatMap { [$0.rate, $0.mutualInformation.value] }
    // A little room on the left, where collapsed runs are.
    let top = Scale(covering: xs.map { $0 * 1.08 } + [0.1], includingZero: true, from: 0, to: 1).domain.upperBound
    let plot = Plot(
      x: Scale(.linear, -0.05 * top...top, from: 56, to: 392),
      y: Scale(
        covering: Self.padded(points.map(\.distortion) + curvesBesideRuns(upTo: top)), from: height - 34, to: 12))
    plot.drawAxes(
      in: &figure, xLabel: "rate R and mutual information I(x; z), nats", yLabel: "distortion D, nats",
      xTicks: plot.x.ticks(6), yTicks: plot.y.ticks(6))
    let labels = drawEqualBounds(plot, &figure)
    drawDataEntropy(plot, &figure)
    drawCurves(plot, &figure)
    for point in points {
      let low = plot.x(max(0, point.lowerBound ?? 0)), high = plot.x(point.rate), y = plot.y(point.distortion)
      figure.rectangle(low, y - 4, max(0, high - low), 8, fill: .color(Self.bandColor), opacity: 0.6)
      let error = point.mutualInformation.standardError ?? 0, value = point.mutualInformation.value
      figure.line(plot.x(value - error), y, plot.x(value + error), y, .init(information.paint, width: 1.5))
      Plot.marker(information, .init(plot.x(value), y), in: &figure)
      Plot.marker(rate, .init(plot.x(point.rate), y), in: &figure)
      if point.isCollapsed {
        let left = min(plot.x(value), plot.x(point.rate)) - 7, right = max(plot.x(value), plot.x(point.rate)) + 7
        figure.rectangle(left, y - 7, right - left, 14, fill: nil, stroke: .init(.secondary, width: 1, dash: [2, 1.5]))
      }
    }
    drawLabels(plot, clearOf: labels, &figure)
    legend.draw(10, height + 2, in: &figure)
    return figure
  }

  /// So many curves can be told apart by their lines.
  private static let mostStyles = 6

  /// The line of each run's curve; all alike if there are too many.
  private var curveStyles: [Plot.Style] {
    let drawn = points.indices.filter { points[$0].curve != nil }
    return points.indices.map { index in
      let position = drawn.count <= Self.mostStyles ? drawn.firstIndex(of: index) ?? 0 : 0
      return Plot.Style.series(position)
    }
  }

  private var curveEntries: [(key: Legend.Key, name: String)] {
    let drawn = zip(points, curveStyles).filter { $0.0.curve != nil }
    if drawn.count > Self.mostStyles {
      return [(.line(drawn[0].1, markers: false), "least rate with the decoder of a run, at most")]
    }
    return drawn.map { (.line($0.1, markers: false), "decoder of \($0.0.label)") }
  }

  /// The distortions of curves as far to the right as the runs, and as far above them as below.
  private func curvesBesideRuns(upTo rate: Double) -> [Double] {
    let near = points.flatMap { $0.curve?.points ?? [] }.filter { $0.rate.value <= rate }.map(\.distortion.value)
    guard let least = near.min(), let highest = points.map(\.distortion).max() else { return [] }
    return near.filter { $0 <= highest + max(0, highest - least) }
  }

  /// Curves as far as they lie within the frame of the runs.
  private func drawCurves(_ plot: Plot, _ figure: inout Figure) {
    for (point, style) in zip(points, curveStyles) {
      guard let curve = point.curve else { continue }
      let inside = curve.points.map { ($0.rate.value, $0.distortion.value) }.filter {
        plot.x.domain.contains($0.0) && plot.y.domain.contains($0.1)
      }
      plot.line(inside, style, markers: false, in: &figure)
      // A thin line leads from a run to the curve at its own distortion.
      if let rate = curve.rate(at: point.distortion) {
        let y = plot.y(point.distortion)
        figure.line(plot.x(rate), y, plot.x(point.rate), y, .init(style.paint, width: 0.5, dash: [1, 2]))
      }
    }
  }

  private typealias Box = (left: Double, top: Double, right: Double, bottom: Double)

  private static let bandColor = Palette.category(4)

  private static func padded(_ values: [Double]) -> [Double] {
    let low = values.min() ?? 0, high = values.max() ?? 1, room = max(1e-3 * abs(high), 0.08 * (high - low))
    return [low - room, high + room]
  }

  /// D = H − I, below which no code can be: far below where models usually are.
  private func drawDataEntropy(_ plot: Plot, _ figure: inout Figure) {
    guard let dataEntropy, points.allSatisfy({ $0.lowerBound != nil }) else { return }
    let from = max(plot.x.domain.lowerBound, dataEntropy - plot.y.domain.upperBound)
    let to = min(plot.x.domain.upperBound, dataEntropy - plot.y.domain.lowerBound)
    guard from < to else { return }
    figure.line(
      plot.x(from), plot.y(dataEntropy - from), plot.x(to), plot.y(dataEntropy - to), .init(.ink, width: 1.25))
    let start = plot.y(dataEntropy - from), hasRoomAbove = start - 12 > plot.y(plot.y.domain.upperBound)
    figure.text("D = H − I", plot.x(from) + 4, hasRoomAbove ? start - 4 : start + 8, size: 7)
  }

  /// R + D = constant at round values.
  /// Returns where their labels lie.
  private func drawEqualBounds(_ plot: Plot, _ figure: inout Figure) -> [Box] {
    var labels: [Box] = []
    let x = plot.x.domain, y = plot.y.domain
    let low = x.lowerBound + y.lowerBound, high = x.upperBound + y.upperBound
    let step = Scale.step(high - low, 8)
    for index in Int((low / step).rounded(.up))...Int((high / step).rounded(.down)) {
      let sum = Double(index) * step
      let from = max(x.lowerBound, sum - y.upperBound), to = min(x.upperBound, sum - y.lowerBound)
      guard to - from > 0.02 * (x.upperBound - x.lowerBound) else { continue }
      figure.line(
        plot.x(from), plot.y(sum - from), plot.x(to), plot.y(sum - to), .init(.secondary, width: 0.5, dash: [2, 2]))
      guard to - from > 0.15 * (x.upperBound - x.lowerBound) else { continue }
      // Where the line leaves the plot, at its right or lower edge.
      let label = Format.round(-sum, step: step), isAtRight = to >= x.upperBound
      let right = plot.x(to) - (isAtRight ? 2 : 8), y = plot.y(sum - to) - (isAtRight ? 5 : 7)
      let width = TextRuler.width(label, size: 7)
      figure.rectangle(right - width - 1, y - 4, width + 2, 8, fill: .paper)
      figure.text(label, right, y, size: 7, paint: .secondary, anchor: .end)
      labels.append((right - width - 1, y - 4, right + 1, y + 4))
    }
    return labels
  }

  /// The names of runs beside their points, on the first side where nothing is in the way.
  private func drawLabels(_ plot: Plot, clearOf labels: [Box], _ figure: inout Figure) {
    func overlap(_ a: Box, _ b: Box) -> Bool {
      a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom
    }
    var taken =
      labels
      + points.flatMap { point -> [Box] in
        let y = plot.y(point.distortion)
        return [plot.x(point.rate), plot.x(point.mutualInformation.value)].map { ($0 - 4, y - 4, $0 + 4, y + 4) }
      }
    for point in points {
      let x = plot.x(point.rate), y = plot.y(point.distortion), width = TextRuler.width(point.label, size: 8.5)
      let places: [(Double, Double)] = [
        (x + 9, y), (x + 4, y - 12), (x + 4, y + 12), (x - width - 4, y - 12), (x - width - 4, y + 12),
        (x + 9, y - 24), (x + 9, y + 24),
      ]
      let boxes = places.map { (left: $0.0 - 1, top: $0.1 - 5.5, right: $0.0 + width + 1, bottom: $0.1 + 5.5) }
      let free = boxes.firstIndex { box in
        box.right < plot.right + 6 && box.left > plot.left && box.bottom < plot.bottom && box.top > plot.top - 6
          && !taken.contains { overlap($0, box) }
      }
      guard let free else { continue }
      taken.append(boxes[free])
      let box = boxes[free]
      figure.rectangle(
        box.left, box.top, box.right - box.left, box.bottom - box.top, fill: .paper, opacity: 0.85)
      figure.text(point.label, places[free].0, places[free].1, size: 8.5)
    }
  }
}
