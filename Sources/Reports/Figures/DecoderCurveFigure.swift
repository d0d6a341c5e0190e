import Diagnostics
import Figures
import RateDecomposition

/// The rate–distortion curve of a decoder with the places of its encoder and of the best Gaussians.
struct DecoderCurveFigure {
  let curve: DecoderCurve
  var caption = ""

  /// Draws the figure.
  func draw() -> Figure {
    let line = Plot.Style(paint: .color(Palette.category(0)), dash: [], shape: .circle)
    let encoder = Plot.Style(paint: .color(Palette.category(5)), dash: [], shape: .square)
    let best = Plot.Style(paint: .color(Palette.category(2)), dash: [], shape: .diamond)
    let one = Plot.Style(paint: .ink, dash: [2, 2], shape: .circle)
    let legend = Legend(
      [
        (.line(line, markers: true), "least rate of any encoder, at most"), (.marker(encoder), "the encoder"),
        (.marker(best), "best Gaussians"), (.line(one, markers: false), "R + D = −log p̂(x)"),
      ], width: 380)
    let height = 260.0
    var figure = Figure(
      name: "decoder-curve", title: "The rate–distortion curve of the decoder", caption: caption, width: 400,
      height: height + legend.height + 4)
    let distortions = curve.points.map(\.distortion.value)
    // At small β distortions are far beyond those of any model and would flatten the rest.
    let least = distortions.min() ?? 0
    let most = curve.encoder.distortion.value + 2 * (curve.encoder.distortion.value - least)
    let shown = curve.points.filter { $0.distortion.value <= most }
    let values =
      (shown.isEmpty ? distortions : shown.map(\.distortion.value)) + [curve.encoder.distortion.value]
    let rates = curve.points.map(\.rate.value) + [curve.encoder.rate.value, curve.bestGaussian.rate.value]
    let plot = Plot(
      x: Scale(covering: [0] + rates.map { 1.05 * $0 }, from: 56, to: 392),
      y: Scale(covering: values, from: height - 34, to: 12))
    plot.drawAxes(
      in: &figure, xLabel: "rate R, nats", yLabel: "distortion D, nats", xTicks: plot.x.ticks(6),
      yTicks: plot.y.ticks(6))
    if let point = curve.points.first(where: { $0.beta == 1 }) {
      let sum = point.rate.value + point.distortion.value
      let from = max(plot.x.domain.lowerBound, sum - plot.y.domain.upperBound)
      let to = min(plot.x.domain.upperBound, sum - plot.y.domain.lowerBound)
      if from < to { plot.line([(from, sum - from), (to, sum - to)], one, markers: false, in: &figure) }
    }
    let inside = (shown.isEmpty ? curve.points : shown).map { ($0.rate.value, $0.distortion.value) }
    plot.line(inside, line, markers: true, in: &figure)
    for (place, style) in [(curve.bestGaussian, best), (curve.encoder, encoder)] {
      Plot.marker(style, .init(plot.x(place.rate.value), plot.y(place.distortion.value)), in: &figure)
    }
    legend.draw(10, height + 2, in: &figure)
    return figure
  }
}
