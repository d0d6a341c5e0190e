import Diagnostics

extension MarginalLikelihood {
  /// The means over the images; the paths of the cells begin at this object of JSON.
  public var table: TextTable {
    func row(_ name: String, _ mean: Mean, _ path: String) -> [TextTable.Cell] {
      [.init(name), mean.cell(at: path), mean.errorCell(at: path), mean.samplingErrorCell(at: path)]
    }
    return TextTable(
      header: ["mean over images", "nats", "± over images", "± over codes"],
      rows: [
        row("ELBO", elbo, "elbo"), row("log p̂(x), importance sampling", importance, "importance"),
        row("log p̂(x), naive Monte Carlo", prior, "prior"), row("inference gap, log p̂(x) − ELBO", gap, "gap"),
      ], numeric: [1],
      note: "\(images.count) images, \(Format.grouped(samples)) codes each, seed \(seed). Standard errors: for other "
        + "images, and for other codes of the same images.")
  }
}

extension MarginalLikelihood.Mean {
  /// The value, which stands at `path` in JSON.
  func cell(at path: String) -> TextTable.Cell { .number(value, at: path + ".value") }
  /// The standard error over images.
  func errorCell(at path: String) -> TextTable.Cell { Self.cell(standardError, at: path + ".standard_error") }
  /// The standard error for other codes or chains.
  func samplingErrorCell(at path: String) -> TextTable.Cell { Self.cell(samplingError, at: path + ".sampling_error") }

  private static func cell(_ error: Double?, at path: String) -> TextTable.Cell {
    error.map { .init(Format.short($0), value: $0, path: path) } ?? "–"
  }
}
