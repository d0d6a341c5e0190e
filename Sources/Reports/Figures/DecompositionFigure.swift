import Diagnostics
import Figures
import RateDecomposition

/// The rate of one or more runs as stacked bars whose parts add up to it.
struct DecompositionFigure {
  /// One bar.
  struct Bar {
    /// What stands on its left; empty for a single bar.
    var label: String
    /// E KL(q(z|x) ‖ p(z)).
    var rate: Double
    /// I(x; z), TC(z) and the dimension-wise KL, each with an uncertainty where there is one.
    var parts: [Estimate]

    /// The bar of one run.
    init(label: String = "", _ decomposition: RateDecomposition) {
      self.label = label
      rate = decomposition.rate
      let dimensionWise = decomposition.dimensionWiseKL
      parts = [
        decomposition.mutualInformation, decomposition.totalCorrelation,
        Estimate(value: dimensionWise.value, standardError: dimensionWise.standardError),
      ]
    }

    /// A bar from its numbers.
    init(label: String, rate: Double, parts: [Estimate]) { (self.label, self.rate, self.parts) = (label, rate, parts) }
  }

  static let names = ["mutual information I(x; z)", "total correlation TC(z)", "dimension-wise KL"]
  static let paints = [
    Figure.Paint.color(Palette.mutualInformation), .color(Palette.totalCorrelation), .color(Palette.dimensionWiseKL),
  ]

  let bars: [Bar]
  /// What the uncertainties are.
  var uncertainty = "standard error"
  var caption = ""

  /// Draws the figure.
  func draw() -> Figure {
    let isSingle = bars.count == 1
    let left = (isSingle ? 16 : 10) + (bars.map { TextRuler.width($0.label, size: 9) }.max() ?? 0) + (isSingle ? 0 : 6)
    let width = max(400, left + 300), barHeight = isSingle ? 34.0 : 20.0, top = isSingle ? 34.0 : 10.0
    let pitch = barHeight + 10
    let bottom = top + Double(bars.count) * pitch - 10 + 8
    let negative = bars.map { bar in bar.parts.reduce(0) { $0 + min(0, $1.value) } }.min() ?? 0
    let positive =
      bars.map { bar in
        max(bar.rate, bar.parts.reduce(0) { $0 + max(0, $1.value) })
          + (bar.parts.compactMap(\.standardError).max() ?? 0)
      }.max() ?? 1
    let legendEntries = Self.names.enumerated().map { (key: Legend.Key.swatch(Self.paints[$0]), name: $1) }
    let legend = Legend(legendEntries, width: width - 20)
    var figure = Figure(
      name: "decomposition", title: "Rate decomposition", caption: caption, width: width,
      height: bottom + 36 + (isSingle ? 3 * 15 + 2 : legend.height))
    // At least a tenth of a nat wide, so that next to nothing looks like it.
    // A part too small to see still counts in the sum; only one that shows makes room on the left of zero.
    let low = negative < -0.005 * positive ? negative : 0
    let scale = Scale(.linear, low...max(positive, 0.1) * 1.02, from: left, to: width - 12)
    let ticks = scale.ticks(6)
    for tick in ticks {
      figure.line(scale(tick.value), top - 4, scale(tick.value), bottom, .init(.rule, width: 0.5))
      figure.text(tick.label, scale(tick.value), bottom + 9, size: Plot.tickSize, paint: .secondary, anchor: .middle)
    }
    figure.line(left, bottom, width - 12, bottom, .init(.secondary, width: 0.75))
    figure.text(
      "nats", (left + width - 12) / 2, bottom + 22, size: Plot.labelSize, paint: .secondary, anchor: .middle)
    for (index, bar) in bars.enumerated() {
      draw(bar, top + Double(index) * pitch, barHeight, left, scale, isSingle, &figure)
    }
    if isSingle {
      drawTotal(bars[0], top, scale, &figure)
      drawValues(bars[0], bottom + 36, width, &figure)
    } else {
      legend.draw(10, bottom + 32, in: &figure)
    }
    return figure
  }

  private func draw(
    _ bar: Bar, _ y: Double, _ height: Double, _ left: Double, _ scale: Scale, _ isSingle: Bool, _ figure: inout Figure
  ) {
    figure.text(bar.label, left - 6, y + height / 2, size: 9, anchor: .end)
    var up = 0.0, down = 0.0
    for (part, paint) in zip(bar.parts, Self.paints) {
      let from = part.value < 0 ? down : up, to = from + part.value
      if part.value < 0 { down = to } else { up = to }
      let x = min(scale(from), scale(to)), length = abs(scale(to) - scale(from))
      figure.rectangle(x, y, length, height, fill: paint, stroke: .init(.paper, width: 0.5))
      let label = Format.decimals(part.value, 2), size = isSingle ? 10.0 : 8.5
      if case .color(let color) = paint, length > TextRuler.width(label, size: size, bold: isSingle) + 4 {
        figure.text(
          label, x + length / 2, y + height / 2 - (isSingle || part.standardError == nil ? 0 : 3), size: size,
          bold: isSingle, paint: .color(color.contrasting),
          anchor: .middle)
      }
      if let error = part.standardError, abs(scale(to + error) - scale(to)) > 0.75 {
        let middle = y + height - (isSingle ? 5 : 3.5)
        figure.line(scale(to - error), middle, scale(to + error), middle, .init(.color(.grey(0)), width: 1))
        for end in [to - error, to + error] {
          figure.line(scale(end), middle - 2.5, scale(end), middle + 2.5, .init(.color(.grey(0)), width: 1))
        }
      }
    }
    if !isSingle {
      let end = max(scale(up), scale(bar.rate))
      figure.line(end, y - 2, end, y + height + 2, .init(.ink, width: 1))
    }
  }

  private func drawTotal(_ bar: Bar, _ top: Double, _ scale: Scale, _ figure: inout Figure) {
    let y = top - 9, from = scale(0), to = scale(bar.rate)
    figure.line([.init(from, y + 5), .init(from, y), .init(to, y), .init(to, y + 5)], .init(.ink, width: 0.75))
    let label = "rate  E KL(q(z|x) ‖ p(z)) = \(Format.number(bar.rate)) nats"
    let half = TextRuler.width(label, size: 10, bold: true) / 2
    let middle = min(max((from + to) / 2, half + 8), figure.width - half - 8)
    figure.text(label, middle, y - 10, size: 10, bold: true, anchor: .middle)
  }

  private func drawValues(_ bar: Bar, _ top: Double, _ width: Double, _ figure: inout Figure) {
    for (index, part) in bar.parts.enumerated() {
      let y = top + (Double(index) + 0.5) * 15
      figure.rectangle(12, y - 5, 14, 10, fill: Self.paints[index])
      figure.text(Self.names[index], 32, y, size: Plot.labelSize)
      let error = part.standardError.map { $0 == 0 ? "" : " ± \(Format.number($0))" } ?? ""
      figure.text(Format.number(part.value) + error, 300, y, size: Plot.labelSize, anchor: .end)
      if bar.rate > 0 {
        figure.text(
          Format.decimals(100 * part.value / bar.rate, 1) + " %", 360, y, size: Plot.labelSize, paint: .secondary,
          anchor: .end)
      }
    }
  }
}
