import Diagnostics
import Figures
import RateDecomposition

/// How far the field's estimators are off, term by term, over the batch size: mean and spread from batch to batch.
struct AuditFigure {
  let audit: EstimatorAudit
  var caption = ""

  private typealias Term = (title: String, cell: (EstimatorAudit.Row) -> EstimatorAudit.Cell?)
  private static let height = 150.0

  /// Draws the figure.
  func draw() -> Figure {
    let terms: [Term] = [
      ("mutual information", { $0.mutualInformation }), ("total correlation", { $0.totalCorrelation }),
      ("dimension-wise KL", { $0.dimensionWiseKL }),
    ]
    let rows = audit.rows.filter { $0.estimator != .exact }
    let estimators = EstimatorAudit.Estimator.allCases.filter { kind in rows.contains { $0.estimator == kind } }
    let sizes = Set(rows.map(\.batchSize)).sorted()
    let legend = Legend(
      estimators.enumerated().map { (.line(.series($0.offset), markers: true), $0.element.title) }, width: 340)
    var figure = Figure(
      name: "audit", title: "Audit of estimators", caption: caption, width: 400,
      height: Double(terms.count) * Self.height + legend.height + 8)
    for (index, term) in terms.enumerated() {
      draw(term, rows, estimators, sizes, Double(index) * Self.height, &figure)
    }
    legend.draw(52, Double(terms.count) * Self.height + 4, in: &figure)
    return figure
  }

  private func draw(
    _ term: Term, _ rows: [EstimatorAudit.Row], _ estimators: [EstimatorAudit.Estimator], _ sizes: [Int],
    _ top: Double, _ figure: inout Figure
  ) {
    let cells = rows.compactMap(term.cell)
    let ends = cells.flatMap { [$0.bias - ($0.standardDeviation ?? 0), $0.bias + ($0.standardDeviation ?? 0)] }
    let low = Self.padded(min(0, ends.filter(\.isFinite).min() ?? 0))
    let high = Self.padded(max(0, ends.filter(\.isFinite).max() ?? 0))
    let plot = Plot(
      x: Scale(.linear, -0.5...Double(max(1, sizes.count)) - 0.5, from: 60, to: 392),
      y: Scale(
        .symmetricLogarithmic(threshold: 1), min(low, -1)...max(high, 1), from: top + Self.height - 30, to: top + 22))
    let exact = audit.rows.first { $0.estimator == .exact }.flatMap(term.cell)
    plot.drawAxes(
      in: &figure, title: term.title + (exact.map { " (exact \(Format.decimals($0.mean, 2)) nats)" } ?? ""),
      xLabel: "batch size", yLabel: "estimate − exact, nats",
      xTicks: sizes.enumerated().map { .init(value: Double($0.offset), label: Format.grouped($0.element)) },
      yTicks: plot.y.ticks(), labelRoom: 46)
    figure.line(plot.left, plot.y(0), plot.right, plot.y(0), .init(.ink, width: 1))
    for (index, estimator) in estimators.enumerated() {
      // Side by side, so that none hides another.
      let shift = 0.11 * (Double(index) - Double(estimators.count - 1) / 2), style = Plot.Style.series(index)
      let found = rows.filter { $0.estimator == estimator }.compactMap { row in
        term.cell(row).flatMap { cell in
          sizes.firstIndex(of: row.batchSize).map { (x: Double($0) + shift, cell: cell) }
        }
      }
      for (x, cell) in found {
        let spread = cell.standardDeviation ?? 0
        plot.errorBar(x, cell.bias - spread, cell.bias + spread, style.paint, in: &figure)
      }
      plot.line(found.map { ($0.x, $0.cell.bias) }, style, width: 1, markers: true, in: &figure)
    }
  }

  /// A little beyond a value of either sign, on a scale that is logarithmic beyond ±1.
  private static func padded(_ value: Double) -> Double { abs(value) <= 1 ? value : value * 1.5 }
}
