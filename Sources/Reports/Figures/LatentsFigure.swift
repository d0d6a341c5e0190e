import Figures
import RateDecomposition

/// The KL of each latent as a bar of two parts: its information about the image, and the KL of its marginal.
///
///     E KL(q(z_d|x) ‖ p(z_d)) = I(x; z_d) + KL(q(z_d) ‖ p(z_d))
struct LatentsFigure {
  /// How many bars fit.
  static let most = 64

  /// By falling KL.
  let latents: [LatentInformation.Latent]
  var caption = ""

  /// Draws the figure.
  func draw() -> Figure {
    let shown = latents.prefix(Self.most), height = 210.0
    let legend = Legend(
      [
        (.swatch(.color(Palette.mutualInformation)), "I(x; z_d)"),
        (.swatch(.color(Palette.dimensionWiseKL)), "KL(q(z_d) ‖ p(z_d))"),
      ], width: 380)
    var figure = Figure(
      name: "latents", title: "KL per latent", caption: caption, width: 400, height: height + legend.height)
    // At least a tenth of a nat high, so that next to nothing looks like it.
    let tops = [0.1] + shown.flatMap { [$0.kl, max(0, $0.mutualInformation.value) + max(0, $0.marginalKL.value)] }
    let plot = Plot(
      x: Scale(.linear, -0.5...Double(shown.count) - 0.5, from: 48, to: 392),
      y: Scale(covering: tops, includingZero: true, from: height - 34, to: 12))
    let pitch = (plot.right - plot.left) / Double(max(1, shown.count))
    // As many names as fit beside each other.
    let widest = shown.map { TextRuler.width("z\($0.latent)", size: Plot.tickSize) }.max() ?? 0
    let every = max(1, Int(((widest + 3) / pitch).rounded(.up)))
    plot.drawAxes(
      in: &figure, xLabel: "latent, by KL", yLabel: "nats", xTicks: [], yTicks: plot.y.ticks(5))
    for (index, latent) in shown.enumerated() {
      let middle = plot.x(Double(index)), width = min(26, 0.76 * pitch)
      let information = max(0, latent.mutualInformation.value), marginal = max(0, latent.marginalKL.value)
      let split = plot.y(information)
      figure.rectangle(
        middle - width / 2, split, width, plot.bottom - split, fill: .color(Palette.mutualInformation))
      figure.rectangle(
        middle - width / 2, plot.y(information + marginal), width, split - plot.y(information + marginal),
        fill: .color(Palette.dimensionWiseKL))
      if index % every == 0 {
        figure.text(
          "z\(latent.latent)", middle, plot.bottom + 9, size: Plot.tickSize, bold: latent.isActive,
          paint: latent.isActive ? .ink : .secondary, anchor: .middle)
      }
    }
    legend.draw(48, height - 2, in: &figure)
    return figure
  }
}
