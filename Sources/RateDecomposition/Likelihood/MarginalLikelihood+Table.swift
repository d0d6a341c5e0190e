import Diagnostics

extension MarginalLikelihood {
  /// The means over the images; the paths of the cells begin at this object of JSON.
  public var table: TextTable {
    func row(_ name: String, _ mean: Mean, _ path: String) -> [TextTable.Cell] {
      func error(_ value: Double?, _ name: String) -> TextTable.Cell {
        value.map { .init(Format.short($0), value: $0, path: "\(path).\(name)") } ?? "–"
      }
      return [
        .init(name), .number(mean.value, at: path + ".value"), error(mean.standardError, "standard_error"),
        error(mean.samplingError, "sampling_error"),
      ]
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
