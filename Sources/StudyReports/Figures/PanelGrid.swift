import Figures

/// Small multiples whose panels have the same rows and an axis of their own below: three or fewer to a line, the names
/// of rows on the left.
struct PanelGrid {
  /// Where a panel is.
  struct Frame {
    var left: Double
    var right: Double
    var top: Double
    var bottom: Double
  }

  private static let titleRoom = 22.0
  private static let tickRoom = 20.0
  private static let gap = 28.0

  private let labels: [String]
  private let columns: Int
  private let labelRoom: Double
  private let rowHeight: Double
  private let panelWidth: Double
  private let count: Int

  /// - Parameters:
  ///   - panels: how many panels there are.
  ///   - rows: what the rows of each are called.
  init(panels: Int, rows: [String]) {
    count = panels
    columns = max(1, min(3, panels))
    let fitted = StudyDrawing.fitted(rows, width: 120)
    labels = fitted.texts
    labelRoom = fitted.widest + 10
    rowHeight = rows.count > 12 ? 14 : 22
    panelWidth = min(260, (StudyDrawing.width - labelRoom + 8) / Double(columns) - Self.gap)
  }

  private var lineHeight: Double { Self.titleRoom + rowHeight * Double(labels.count) + Self.tickRoom }

  /// The size of the figure without a legend.
  var size: (width: Double, height: Double) {
    let lines = (count + columns - 1) / columns
    return (labelRoom + Double(columns) * (panelWidth + Self.gap) - 8, Double(max(1, lines)) * lineHeight)
  }

  /// The frame of a panel.
  func frame(_ index: Int) -> Frame {
    let left = labelRoom + Double(index % columns) * (panelWidth + Self.gap) + 4
    let top = Double(index / columns) * lineHeight + Self.titleRoom
    return Frame(left: left, right: left + panelWidth, top: top, bottom: top + rowHeight * Double(labels.count))
  }

  /// The middle of a row, and half of the height that may be filled.
  func row(_ row: Int, of frame: Frame) -> (middle: Double, half: Double) {
    (frame.top + rowHeight * (Double(row) + 0.5), 0.42 * rowHeight)
  }

  /// Draws title, grid and ticks of a panel, and the names of rows where it is the first of its line.
  func drawFrame(_ index: Int, title: String, _ scale: Scale, in figure: inout Figure) {
    let frame = frame(index)
    for tick in StudyDrawing.ticks(scale, 3) {
      let x = scale(tick.value)
      figure.line(x, frame.top, x, frame.bottom, .init(.rule, width: 0.5))
      figure.text(tick.label, x, frame.bottom + 8, size: Plot.tickSize - 0.5, paint: .secondary, anchor: .middle)
    }
    figure.line(frame.left, frame.bottom, frame.right, frame.bottom, .init(.secondary, width: 0.75))
    figure.text(
      StudyDrawing.fitted(title, width: panelWidth, size: 9.5), frame.left, frame.top - 9, size: 9.5, bold: true)
    guard index % columns == 0 else { return }
    for (place, label) in labels.enumerated() {
      figure.text(
        label, frame.left - 6, row(place, of: frame).middle, size: Plot.tickSize, paint: .secondary, anchor: .end)
    }
  }
}
