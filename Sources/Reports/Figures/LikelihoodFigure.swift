import Figures
import RateDecomposition

/// log p̂(x) over the number of codes K: by importance sampling above, by naive Monte Carlo below.
struct LikelihoodFigure {
  let likelihood: MarginalLikelihood
  var caption = ""

  /// Draws the figure.
  func draw() -> Figure {
    let height = 170.0
    let importance = Plot.Style.series(0), prior = Plot.Style.series(5)
    let elbo = Plot.Style(paint: .ink, dash: [5, 3], shape: .circle)
    let legend = Legend(
      [
        (.line(importance, markers: true), "importance sampling from q(z|x)"),
        (.line(prior, markers: true), "naive Monte Carlo from p(z)"), (.line(elbo, markers: false), "ELBO"),
      ], width: 380)
    var figure = Figure(
      name: "likelihood", title: "Marginal likelihood over K", caption: caption, width: 400,
      height: 2 * height + legend.height + 4)
    let last = Double(max(2, likelihood.samples))
    func panel(_ title: String, _ top: Double, _ series: [(Double, MarginalLikelihood.Mean)], _ reference: Double)
      -> Plot
    {
      let values = series.flatMap { [$0.1.value - ($0.1.samplingError ?? 0), $0.1.value + ($0.1.samplingError ?? 0)] }
      let plot = Plot(
        x: Scale(.logarithmic, 0.9...last * 1.1, from: 64, to: 392),
        y: Scale(covering: values + [reference], from: top + height - 32, to: top + 22))
      plot.drawAxes(
        in: &figure, title: title, xLabel: "K, codes for each image", yLabel: "mean log p̂(x), nats",
        xTicks: plot.x.ticks(), yTicks: plot.y.ticks(5), labelRoom: 46)
      return plot
    }
    func draw(_ series: [(Double, MarginalLikelihood.Mean)], _ style: Plot.Style, _ plot: Plot) {
      plot.band(
        series.map { ($0.0, $0.1.value - ($0.1.samplingError ?? 0), $0.1.value + ($0.1.samplingError ?? 0)) },
        style.paint, in: &figure)
      plot.line(series.map { ($0.0, $0.1.value) }, style, markers: true, in: &figure)
    }
    let first = likelihood.curve.map { (Double($0.samples), $0.importance) }
    let upper = panel("importance sampling", 0, first, likelihood.elbo.value)
    upper.line([(0.9, likelihood.elbo.value), (last * 1.1, likelihood.elbo.value)], elbo, markers: false, in: &figure)
    draw(first, importance, upper)
    drawPrior(height, height, last, prior, &figure)
    legend.draw(10, 2 * height + 2, in: &figure)
    return figure
  }

  /// How far naive Monte Carlo stays behind: from hundreds of nats to few, hence a scale that is logarithmic above 1.
  private func drawPrior(
    _ top: Double, _ height: Double, _ last: Double, _ style: Plot.Style, _ figure: inout Figure
  ) {
    let best = likelihood.importance.value
    let gaps = likelihood.curve.map { point in
      (k: Double(point.samples), gap: best - point.prior.value, error: point.prior.samplingError ?? 0)
    }
    let ends = gaps.flatMap { [$0.gap - $0.error, $0.gap + $0.error] }
    let plot = Plot(
      x: Scale(.logarithmic, 0.9...last * 1.1, from: 64, to: 392),
      y: Scale(
        .symmetricLogarithmic(threshold: 1), min(0, ends.min() ?? 0)...max(1, 1.3 * (ends.max() ?? 1)),
        from: top + height - 32, to: top + 22))
    plot.drawAxes(
      in: &figure, title: "naive Monte Carlo, behind the best of the above", xLabel: "K, codes for each image",
      yLabel: "log p̂(x) behind, nats", xTicks: plot.x.ticks(), yTicks: plot.y.ticks(), labelRoom: 46)
    plot.band(gaps.map { ($0.k, $0.gap - $0.error, $0.gap + $0.error) }, style.paint, in: &figure)
    plot.line(gaps.map { ($0.k, $0.gap) }, style, markers: true, in: &figure)
  }
}
