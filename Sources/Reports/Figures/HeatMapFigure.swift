import Diagnostics
import Figures

/// Numbers in rows and columns as colours, with a colour bar, and written out where there is room.
struct HeatMapFigure {
  let name: String
  let title: String
  let rowLabels: [String]
  let columnLabels: [String]
  let xLabel: String
  let yLabel: String
  /// `[rows][columns]`; nil where there is no number.
  let values: [[Double?]]
  var caption = ""
  /// The unit below the colour bar.
  var unit = "nats"

  /// Draws the figure.
  func draw() -> Figure {
    let rows = max(1, rowLabels.count), columns = max(1, columnLabels.count)
    let widest = rowLabels.map { TextRuler.width($0, size: Plot.tickSize) }.max() ?? 0
    let left = widest + 26, top = 6.0, barRoom = 56.0
    let side = min(34, (400 - left - barRoom) / Double(columns))
    let cellHeight = rows == columns ? side : min(26, max(side, 14))
    let right = left + side * Double(columns), bottom = top + cellHeight * Double(rows)
    var figure = Figure(
      name: name, title: title, caption: caption, width: max(right + barRoom, 220), height: max(bottom, 60) + 34)
    let known = values.joined().compactMap { $0 }.filter(\.isFinite)
    // What is all but nothing stays pale, whatever is largest.
    let highest = max(known.max() ?? 0, 0.1)
    let scale = Scale(covering: [0, highest], includingZero: true, from: max(bottom, 60), to: top, ticks: 4)
    for row in values.indices {
      for (column, value) in values[row].enumerated() {
        let x = left + side * Double(column), y = top + cellHeight * Double(row)
        guard let value else {
          figure.rectangle(x, y, side, cellHeight, fill: .rule, opacity: 0.35)
          continue
        }
        let color = Palette.amount(value / scale.domain.upperBound)
        figure.rectangle(x, y, side, cellHeight, fill: .color(color))
        let label = Format.decimals(value, 2)
        if TextRuler.width(label, size: 8) < side - 2, cellHeight > 10 {
          figure.text(
            label, x + side / 2, y + cellHeight / 2, size: 8, paint: .color(color.contrasting), anchor: .middle)
        }
      }
    }
    figure.rectangle(left, top, right - left, bottom - top, fill: nil, stroke: .init(.secondary, width: 0.5))
    drawLabels(left, top, side, cellHeight, bottom, &figure)
    // The colour bar in 32 steps.
    let barLeft = right + 12, step = (scale.start - scale.end) / 32
    for index in 0..<32 {
      figure.rectangle(
        barLeft, scale.end + Double(index) * step, 10, step + 0.2,
        fill: .color(Palette.amount(1 - (Double(index) + 0.5) / 32)))
    }
    figure.rectangle(
      barLeft, scale.end, 10, scale.start - scale.end, fill: nil, stroke: .init(.secondary, width: 0.5))
    for tick in scale.ticks(4) {
      figure.text(tick.label, barLeft + 14, scale(tick.value), size: Plot.tickSize, paint: .secondary)
    }
    figure.text(unit, barLeft + 5, scale.start + 11, size: Plot.tickSize, paint: .secondary, anchor: .middle)
    return figure
  }

  private func drawLabels(
    _ left: Double, _ top: Double, _ side: Double, _ cellHeight: Double, _ bottom: Double, _ figure: inout Figure
  ) {
    let widest = columnLabels.map { TextRuler.width($0, size: Plot.tickSize) }.max() ?? 0
    let everyColumn = max(1, Int(((widest + 3) / side).rounded(.up)))
    let everyRow = max(1, Int((11 / cellHeight).rounded(.up)))
    for (column, label) in columnLabels.enumerated() where column % everyColumn == 0 {
      figure.text(
        label, left + side * (Double(column) + 0.5), bottom + 9, size: Plot.tickSize, paint: .secondary,
        anchor: .middle)
    }
    for (row, label) in rowLabels.enumerated() where row % everyRow == 0 {
      figure.text(
        label, left - 4, top + cellHeight * (Double(row) + 0.5), size: Plot.tickSize, paint: .secondary, anchor: .end)
    }
    let right = left + side * Double(columnLabels.count)
    figure.text(xLabel, (left + right) / 2, bottom + 23, size: Plot.labelSize, paint: .secondary, anchor: .middle)
    figure.text(
      yLabel, 9, (top + bottom) / 2, size: Plot.labelSize, paint: .secondary, anchor: .middle, isUpright: true)
  }
}
