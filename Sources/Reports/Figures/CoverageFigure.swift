import Figures
import RateDecomposition

/// The distribution of log q(z) − log p(z) over codes of the prior and of the aggregate posterior.
struct CoverageFigure {
  let coverage: PriorCoverage
  var caption = ""

  /// Draws the figure.
  func draw() -> Figure {
    let height = 190.0
    let prior = Plot.Style.series(5), posterior = Plot.Style.series(0)
    let equal = Plot.Style(paint: .ink, dash: [2, 2], shape: .circle)
    let legend = Legend(
      [
        (.line(prior, markers: false), "codes from p(z)"), (.line(posterior, markers: false), "codes from q(z)"),
        (.line(equal, markers: false), "q(z) = p(z)"),
      ], width: 380)
    var figure = Figure(
      name: "coverage", title: "Prior and aggregate posterior", caption: caption, width: 400,
      height: height + legend.height + 4)
    // The lowest hundredth of the prior's codes may be far out.
    let low = coverage.priorRatios[coverage.priorRatios.count / 100]
    let ends = [low, coverage.posteriorRatios.first ?? 0, coverage.posteriorRatios.last ?? 0, 0]
    let plot = Plot(
      x: Scale(covering: ends, from: 56, to: 392), y: Scale(.linear, 0...1, from: height - 34, to: 12))
    plot.drawAxes(
      in: &figure, xLabel: "log q(z) − log p(z), nats", yLabel: "share of codes below", xTicks: plot.x.ticks(6),
      yTicks: plot.y.ticks(5))
    plot.line([(0, 0), (0, 1)], equal, markers: false, in: &figure)
    for (ratios, style) in [(coverage.priorRatios, prior), (coverage.posteriorRatios, posterior)] {
      let shares = ratios.enumerated().map { ($0.element, (Double($0.offset) + 0.5) / Double(ratios.count)) }
      plot.line(shares.filter { plot.x.domain.contains($0.0) }, style, markers: false, in: &figure)
    }
    legend.draw(10, height + 2, in: &figure)
    return figure
  }
}
