/// Names of series in rows, as many to a row as fit.
package struct Legend {
  /// What stands before a name.
  package enum Key {
    case line(Plot.Style, markers: Bool)
    case marker(Plot.Style)
    case swatch(Figure.Paint)
    case outline
  }

  private static let rowHeight = 14.0
  private static let keyWidth = 20.0
  private static let gap = 14.0

  private let rows: [[(key: Key, name: String, x: Double)]]

  /// Lays names out within a width.
  package init(_ entries: [(key: Key, name: String)], width: Double) {
    var rows: [[(key: Key, name: String, x: Double)]] = [], x = 0.0
    for entry in entries {
      let needed = Self.keyWidth + 4 + TextRuler.width(entry.name, size: Plot.labelSize)
      if rows.isEmpty || x + needed > width {
        rows.append([])
        x = 0
      }
      rows[rows.count - 1].append((entry.key, entry.name, x))
      x += needed + Self.gap
    }
    self.rows = rows
  }

  package var height: Double { Double(rows.count) * Self.rowHeight }

  /// Draws with the top left corner at a place.
  package func draw(_ left: Double, _ top: Double, in figure: inout Figure) {
    for (index, row) in rows.enumerated() {
      let y = top + (Double(index) + 0.5) * Self.rowHeight
      for entry in row {
        let x = left + entry.x
        switch entry.key {
        case .line(let style, let markers):
          figure.line(x, y, x + Self.keyWidth, y, .init(style.paint, width: 1.5, dash: style.dash))
          if markers { Plot.marker(style, .init(x + Self.keyWidth / 2, y), in: &figure) }
        case .marker(let style): Plot.marker(style, .init(x + Self.keyWidth / 2, y), in: &figure)
        case .swatch(let paint): figure.rectangle(x + 6, y - 5, 14, 10, fill: paint)
        case .outline:
          figure.rectangle(x + 6.5, y - 4.5, 13, 9, fill: nil, stroke: .init(.secondary, width: 1, dash: [2, 1.5]))
        }
        figure.text(entry.name, x + Self.keyWidth + 4, y, size: Plot.labelSize)
      }
    }
  }
}
