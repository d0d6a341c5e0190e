import Diagnostics
import Figures

/// Matrices of numbers with a centre, as correlations and probabilities, in blue below and orange above it.
struct MatrixFigure {
  /// One matrix.
  struct Panel {
    var title = ""
    /// `[rows][columns]`; nil where there is no number.
    var values: [[Double?]]
  }

  let name: String
  let title: String
  let panels: [Panel]
  let rows: [String]
  let columns: [String]
  /// The values of the darkest colours; beyond them colours do not change.
  let range: ClosedRange<Double>
  var xLabel = ""
  var yLabel = ""
  let caption: String

  private static let barRoom = 48.0
  private static let gap = 14.0

  private struct Layout {
    var rows: [String]
    var columns: [String]
    var left: Double
    var top: Double
    var side: Double
    var labelRoom: Double
    var perLine: Int
    var panel: (width: Double, height: Double)
  }

  /// Draws the figure; nil without panels.
  func draw() -> Figure? {
    guard !panels.isEmpty, !rows.isEmpty, !columns.isEmpty else { return nil }
    let layout = layout
    let mostLines = max(1, Int(StudyDrawing.mostHeight / layout.panel.height))
    let shown = Array(panels.prefix(min(StudyDrawing.most, mostLines * layout.perLine)))
    let lines = (shown.count + layout.perLine - 1) / layout.perLine
    let right = layout.left + Double(min(shown.count, layout.perLine)) * layout.panel.width
    let height = Double(lines) * layout.panel.height + (xLabel.isEmpty ? 0 : 12)
    var figure = Figure(
      name: name, title: title,
      caption: caption + StudyDrawing.note(panels.count, of: "scores", drawn: shown.count)
        + StudyDrawing.note(max(rows.count, columns.count), of: "rows or columns"),
      width: right + Self.barRoom, height: max(90, height))
    for (index, panel) in shown.enumerated() {
      draw(panel, index, layout, &figure)
    }
    figure.text(
      xLabel, (layout.left + right) / 2, height - 6, size: Plot.labelSize, paint: .secondary, anchor: .middle)
    figure.text(
      yLabel, 7, height / 2, size: Plot.labelSize, paint: .secondary, anchor: .middle, isUpright: true)
    drawBar(right, layout.top, &figure)
    return figure
  }

  private var layout: Layout {
    let isSingle = panels.count == 1
    let rows = StudyDrawing.fitted(Array(rows.prefix(StudyDrawing.most)), width: isSingle ? 140 : 110)
    let columns = StudyDrawing.fitted(Array(columns.prefix(StudyDrawing.most)), width: isSingle ? 110 : 76)
    let left = rows.widest + 8 + (yLabel.isEmpty ? 0 : 14), count = Double(columns.texts.count)
    let room = StudyDrawing.width - left - Self.barRoom
    // As many matrices to a line as leave cells large enough for numbers.
    let sides = [3.0, 2, 1].map { min(24, (room / $0 - Self.gap) / count) }
    let side = isSingle ? min(30, room / count) : sides.first { $0 >= 16 } ?? sides[2]
    let panelWidth = side * count + Self.gap
    let top = panels.contains { !$0.title.isEmpty } ? 20.0 : 4
    return Layout(
      rows: rows.texts, columns: columns.texts, left: left, top: top, side: side, labelRoom: columns.widest + 8,
      perLine: max(1, Int((room + 1) / panelWidth)),
      panel: (panelWidth, top + side * Double(rows.texts.count) + columns.widest + 8 + 6))
  }

  private func draw(_ panel: Panel, _ index: Int, _ layout: Layout, _ figure: inout Figure) {
    let left = layout.left + Double(index % layout.perLine) * layout.panel.width
    let top = Double(index / layout.perLine) * layout.panel.height + layout.top, side = layout.side
    let width = side * Double(layout.columns.count), height = side * Double(layout.rows.count)
    figure.text(
      StudyDrawing.fitted(panel.title, width: width, size: 9), left, top - 8, size: 9, bold: true)
    for (row, values) in panel.values.prefix(layout.rows.count).enumerated() {
      for (column, value) in values.prefix(layout.columns.count).enumerated() {
        let x = left + side * Double(column), y = top + side * Double(row)
        guard let value else {
          figure.rectangle(x, y, side, side, fill: .rule, opacity: 0.35)
          continue
        }
        let color = Palette.signed(position(value))
        figure.rectangle(x, y, side, side, fill: .color(color))
        let label = Self.label(value), size = min(8, 0.36 * side)
        if size > 4.5 {
          figure.text(label, x + side / 2, y + side / 2, size: size, paint: .color(color.contrasting), anchor: .middle)
        }
      }
    }
    figure.rectangle(left, top, width, height, fill: nil, stroke: .init(.secondary, width: 0.5))
    for (column, label) in layout.columns.enumerated() {
      figure.text(
        label, left + side * (Double(column) + 0.5), top + height + 5, size: Plot.tickSize - 0.5, paint: .secondary,
        anchor: .end, isUpright: true)
    }
    guard index % layout.perLine == 0 else { return }
    for (row, label) in layout.rows.enumerated() {
      figure.text(
        label, left - 5, top + side * (Double(row) + 0.5), size: Plot.tickSize - 0.5, paint: .secondary, anchor: .end)
    }
  }

  /// Where a value lies between the ends of the range: −1 to 1.
  private func position(_ value: Double) -> Double {
    let middle = (range.lowerBound + range.upperBound) / 2
    return min(1, max(-1, (value - middle) / (range.upperBound - middle)))
  }

  /// Two decimals without the zero before the point.
  private static func label(_ value: Double) -> String {
    guard abs(value) < 1 else { return Format.decimals(value, abs(value) < 10 ? 1 : 0) }
    let text = Format.decimals(value, 2)
    if text.hasSuffix("1.00") { return String(text.dropLast()) }
    return text.hasPrefix("0.") ? String(text.dropFirst()) : text.hasPrefix("−0.") ? "−" + text.dropFirst(2) : text
  }

  private func drawBar(_ left: Double, _ top: Double, _ figure: inout Figure) {
    let scale = Scale(.linear, range, from: top + 70, to: top), step = 70.0 / 32
    for index in 0..<32 {
      figure.rectangle(
        left, top + Double(index) * step, 9, step + 0.2,
        fill: .color(Palette.signed(1 - 2 * (Double(index) + 0.5) / 32)))
    }
    figure.rectangle(left, top, 9, 70, fill: nil, stroke: .init(.secondary, width: 0.5))
    for tick in scale.ticks(4) {
      figure.text(tick.label, left + 12, scale(tick.value), size: Plot.tickSize - 0.5, paint: .secondary)
    }
  }
}
