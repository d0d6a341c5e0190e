import Diagnostics
import Figures
import RateDecomposition

/// log p̂(x) by annealed importance sampling over the decoder's evaluations: on images of the data set, and on images drawn
/// from the model between both bounds.
struct AnnealingFigure {
  let bounds: LikelihoodBounds
  var caption = ""

  /// Draws the figure.
  func draw() -> Figure {
    let height = 170.0
    let estimate = Plot.Style.series(0), lower = Plot.Style.series(2), upper = Plot.Style.series(5)
    let elbo = Plot.Style(paint: .ink, dash: [5, 3], shape: .circle)
    let best = Plot.Style(paint: .secondary, dash: [2, 2], shape: .circle)
    let legend = Legend(
      [
        (.line(estimate, markers: true), "log p̂(x)"), (.line(best, markers: false), "ELBO, best Gaussian"),
        (.line(elbo, markers: false), "ELBO, encoder"),
      ]
        + (bounds.bracket == nil
          ? [] : [(.line(upper, markers: true), "upper bound"), (.line(lower, markers: true), "lower bound")]),
      width: 380)
    let panels = bounds.bracket == nil ? 1.0 : 2.0
    var figure = Figure(
      name: "annealing", title: "Bounds of log p(x)", caption: caption, width: 400,
      height: panels * height + legend.height + 4)
    // The first estimates are often hundreds of nats below and would flatten the others.
    let span = max(bounds.annealed.value - bounds.elbo.value, 1)
    let seen = bounds.curve.filter { $0.annealed.value > bounds.elbo.value - span }
    let points = (seen.count > 1 ? seen : Array(bounds.curve.suffix(2))).map { (Double($0.evaluations), $0.annealed) }
    let plot = panel(
      "images of the data set", 0, height, points.map(\.0),
      points.map(\.1.value) + [bounds.elbo.value, bounds.bestELBO.value], &figure)
    for (value, style) in [(bounds.elbo.value, elbo), (bounds.bestELBO.value, best)] {
      plot.line(
        [(plot.x.domain.lowerBound, value), (plot.x.domain.upperBound, value)], style, markers: false, in: &figure)
    }
    plot.line(points.map { ($0.0, $0.1.value) }, estimate, markers: true, in: &figure)
    if let bracket = bounds.bracket {
      let shown = bracket.curve.dropFirst(min(2, bracket.curve.count - 1))
      let values = shown.flatMap { [$0.lower.value, $0.upper.value] }
      let plot = panel(
        "images drawn from the model", height, height, shown.map { Double($0.evaluations) }, values, &figure)
      plot.band(
        shown.map { (Double($0.evaluations), $0.lower.value, $0.upper.value) }, lower.paint, in: &figure)
      plot.line(shown.map { (Double($0.evaluations), $0.upper.value) }, upper, markers: true, in: &figure)
      plot.line(shown.map { (Double($0.evaluations), $0.lower.value) }, lower, markers: true, in: &figure)
    }
    legend.draw(10, panels * height + 2, in: &figure)
    return figure
  }

  private func panel(
    _ title: String, _ top: Double, _ height: Double, _ evaluations: [Double], _ values: [Double],
    _ figure: inout Figure
  ) -> Plot {
    let first = evaluations.min() ?? 1, last = evaluations.max() ?? 1
    let plot = Plot(
      x: Scale(.logarithmic, 0.8 * first...max(1.25 * last, 2 * first), from: 64, to: 392),
      y: Scale(covering: values, from: top + height - 32, to: top + 22))
    plot.drawAxes(
      in: &figure, title: title, xLabel: "evaluations of the decoder for one chain", yLabel: "mean over images, nats",
      xTicks: plot.x.ticks(), yTicks: plot.y.ticks(5), labelRoom: 46)
    return plot
  }
}
