import Diagnostics
import Foundation

extension EstimatorAudit {
  /// The estimators in the order of ``rows``; the paths of the cells begin at the audit's JSON object.
  public var table: TextTable {
    let rows: [[TextTable.Cell]] = rows.enumerated().map { index, row in
      func cell(_ cell: Cell?, _ name: String) -> [TextTable.Cell] {
        guard let cell else { return ["–", "", ""] }
        let path = "rows.\(index).\(name)."
        return [
          .number(cell.mean, at: path + "mean"),
          cell.standardDeviation.map { .init(Format.short($0), value: $0, path: path + "standard_deviation") } ?? "",
          row.estimator == .exact ? "" : .init(Format.signed(cell.bias), value: cell.bias, path: path + "bias"),
        ]
      }
      let size = TextTable.Cell(
        Format.grouped(row.batchSize), value: Double(row.batchSize), path: "rows.\(index).batch_size")
      return [.init(row.estimator.title), row.estimator == .exact ? "all" : size]
        + cell(row.mutualInformation, "mutual_information") + cell(row.totalCorrelation, "total_correlation")
        + cell(row.dimensionWiseKL, "dimension_wise_kl")
    }
    return TextTable(
      header: ["estimator", "batch", "I(x; z)", "s.d.", "bias", "TC(z)", "s.d.", "bias", "dwKL", "s.d.", "bias"],
      rows: rows, numeric: Set(1...10),
      note: "Mean over batches, standard deviation from batch to batch, and bias against the exact value, in nats; "
        + "seed \(seed).")
  }

  /// The audit as JSON: indented, keys in alphabetical order, so that equal results are equal files.
  public func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }
}
