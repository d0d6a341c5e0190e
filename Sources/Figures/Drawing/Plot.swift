import Foundation

/// A frame with two axes, and what is drawn in it.
package struct Plot {
  /// How a series looks: a colour, a dash and a shape, so that it can be told from others without colour as well.
  package struct Style {
    package var paint: Figure.Paint
    package var dash: [Double]
    package var shape: Shape

    package init(paint: Figure.Paint, dash: [Double], shape: Shape) {
      (self.paint, self.dash, self.shape) = (paint, dash, shape)
    }

    package enum Shape: CaseIterable { case circle, square, triangle, diamond, cross }

    /// The style of the i-th series.
    package static func series(_ index: Int) -> Style {
      let dashes: [[Double]] = [[], [5, 2], [2, 2], [7, 2, 2, 2], [1, 2]]
      return Style(
        paint: .color(Palette.category(index)), dash: dashes[index % dashes.count],
        shape: Shape.allCases[index % Shape.allCases.count])
    }
  }

  package static let labelSize = 9.0
  package static let tickSize = 8.5

  package let x: Scale
  package let y: Scale

  package init(x: Scale, y: Scale) { (self.x, self.y) = (x, y) }

  package var left: Double { x.start }
  package var right: Double { x.end }
  package var bottom: Double { y.start }
  package var top: Double { y.end }

  /// Draws grid lines, ticks and the names of the axes.
  ///
  /// - Parameters:
  ///   - title: stands above the frame, on the left.
  ///   - labelRoom: how far the name of the y axis stands from the frame; by default beside the ticks.
  package func drawAxes(
    in figure: inout Figure, title: String = "", xLabel: String, yLabel: String, xTicks: [Scale.Tick],
    yTicks: [Scale.Tick], labelRoom: Double? = nil
  ) {
    for tick in yTicks {
      figure.line(left, y(tick.value), right, y(tick.value), .init(.rule, width: 0.5))
      figure.text(
        tick.label, left - 4, y(tick.value), size: Self.tickSize, paint: .secondary, anchor: .end)
    }
    for tick in xTicks {
      figure.line(x(tick.value), bottom, x(tick.value), bottom + 3, .init(.secondary, width: 0.75))
      figure.text(
        tick.label, x(tick.value), bottom + 10, size: Self.tickSize, paint: .secondary, anchor: .middle)
    }
    figure.line(left, bottom, right, bottom, .init(.secondary, width: 0.75))
    figure.text(xLabel, (left + right) / 2, bottom + 23, size: Self.labelSize, paint: .secondary, anchor: .middle)
    let widest = yTicks.map { TextRuler.width($0.label, size: Self.tickSize) }.max() ?? 0
    figure.text(
      yLabel, left - (labelRoom ?? widest + 14), (top + bottom) / 2, size: Self.labelSize, paint: .secondary,
      anchor: .middle,
      isUpright: true)
    figure.text(title, left, top - 11, size: 10, bold: true)
  }

  /// Draws a line through values, broken where one is not finite, with markers if asked.
  package func line(
    _ values: [(Double, Double)], _ style: Style, width: Double = 1.5, markers: Bool, in figure: inout Figure
  ) {
    var run: [Figure.Point] = []
    for (a, b) in values + [(.nan, .nan)] {
      if a.isFinite, b.isFinite {
        run.append(.init(x(a), y(b)))
      } else {
        figure.line(run, .init(style.paint, width: width, dash: style.dash))
        if markers || run.count == 1 { for point in run { Self.marker(style, point, in: &figure) } }
        run = []
      }
    }
  }

  /// Fills between two curves.
  package func band(_ values: [(x: Double, low: Double, high: Double)], _ paint: Figure.Paint, in figure: inout Figure)
  {
    let known = values.filter { $0.low.isFinite && $0.high.isFinite }
    figure.area(
      known.map { .init(x($0.x), y($0.high)) } + known.reversed().map { .init(x($0.x), y($0.low)) }, fill: paint,
      opacity: 0.2)
  }

  /// A vertical bar with caps from low to high.
  package func errorBar(_ a: Double, _ low: Double, _ high: Double, _ paint: Figure.Paint, in figure: inout Figure) {
    guard low.isFinite, high.isFinite, high > low else { return }
    let stroke = Figure.Stroke(paint, width: 1)
    figure.line(x(a), y(low), x(a), y(high), stroke)
    for end in [low, high] { figure.line(x(a) - 2.5, y(end), x(a) + 2.5, y(end), stroke) }
  }

  /// A mark of a style's shape and colour.
  package static func marker(_ style: Style, _ at: Figure.Point, size: Double = 3, in figure: inout Figure) {
    let (x, y, s) = (at.x, at.y, size)
    switch style.shape {
    case .circle: figure.circle(x, y, radius: s, fill: style.paint)
    case .square: figure.rectangle(x - 0.9 * s, y - 0.9 * s, 1.8 * s, 1.8 * s, fill: style.paint)
    case .triangle:
      figure.area(
        [.init(x, y - 1.2 * s), .init(x + 1.1 * s, y + 0.8 * s), .init(x - 1.1 * s, y + 0.8 * s)], fill: style.paint)
    case .diamond:
      figure.area(
        [.init(x, y - 1.3 * s), .init(x + 1.3 * s, y), .init(x, y + 1.3 * s), .init(x - 1.3 * s, y)], fill: style.paint)
    case .cross:
      figure.line(x - s, y - s, x + s, y + s, .init(style.paint, width: 1.5))
      figure.line(x - s, y + s, x + s, y - s, .init(style.paint, width: 1.5))
    }
  }
}
