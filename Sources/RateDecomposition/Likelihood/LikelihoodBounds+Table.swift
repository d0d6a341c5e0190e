import Diagnostics
import Foundation

extension LikelihoodBounds {
  /// The means over the images; the paths of the cells begin at this object of JSON.
  public var table: TextTable {
    func row(_ name: String, _ mean: MarginalLikelihood.Mean, _ path: String) -> [TextTable.Cell] {
      [.init(name), mean.cell(at: path), mean.errorCell(at: path), mean.samplingErrorCell(at: path)]
    }
    let bits = bitsPerPixel.map { " \(Format.decimals($0, 5)) bits for each value of an image." } ?? ""
    return TextTable(
      header: ["mean over images", "nats", "± over images", "± over chains"],
      rows: [
        row("log p̂(x), annealed importance sampling", annealed, "annealed"),
        row("ELBO of the best diagonal Gaussian", bestELBO, "best_elbo"),
        row("ELBO of the encoder", elbo, "elbo"),
        row("approximation gap", approximationGap, "approximation_gap"),
        row("amortisation gap", amortisationGap, "amortisation_gap"),
      ], numeric: [1, 2, 3],
      note: "\(images.count) images, \(chains) chains each from \(start.title), "
        + "\(Format.grouped(distributions)) distributions, \(leapfrogSteps) leapfrog steps, seed \(seed).\(bits)")
  }

  /// What some numbers of distributions give; the bounds on both sides where images were drawn from the model.
  public var curveTable: TextTable {
    // Errors over images throughout: those over chains are often not known.
    let rows = curve.enumerated().map { i, point -> [TextTable.Cell] in
      let path = "curve.\(i)"
      var cells: [TextTable.Cell] = [
        .init(
          Format.grouped(point.distributions), value: Double(point.distributions), path: path + ".distributions"),
        .init(Format.grouped(point.evaluations), value: Double(point.evaluations), path: path + ".evaluations"),
        point.annealed.cell(at: path + ".annealed"), point.annealed.errorCell(at: path + ".annealed"),
      ]
      if let bracket {
        let both = bracket.curve[i], path = "bracket.curve.\(i)"
        cells += [
          both.lower.cell(at: path + ".lower"), both.upper.cell(at: path + ".upper"), both.gap.cell(at: path + ".gap"),
          both.gap.errorCell(at: path + ".gap"),
        ]
      }
      return cells
    }
    return TextTable(
      header: ["distributions", "evaluations", "log p̂(x)", "±"]
        + (bracket == nil ? [] : ["lower bound", "upper bound", "gap", "±"]),
      rows: rows, numeric: Set(0..<8),
      note: "Evaluations of the decoder for one chain; ± are standard errors over images."
        + (bracket.map { " Bounds: \($0.images) images drawn from the model." } ?? ""))
  }
}
