import Foundation

/// A decomposition for people: aligned columns for a terminal, or Markdown.
public struct DecompositionTable: Sendable {
  /// The form of the text.
  public enum Style: Sendable {
    /// Columns aligned with spaces.
    case terminal
    /// Headings and tables of GitHub-flavoured Markdown.
    case markdown
  }

  private let result: RateDecomposition

  /// Takes a decomposition.
  public init(_ result: RateDecomposition) { self.result = result }

  /// The whole text, ending in a line break.
  public func text(_ style: Style = .terminal) -> String {
    var blocks = [summary(style), checks(style), latentTable(style)]
    if !result.minibatchEstimates.isEmpty { blocks.append(minibatches(style)) }
    if !result.warnings.isEmpty {
      blocks.append(([heading("Please note", style)] + result.warnings.map { "- " + $0 }).joined(separator: "\n"))
    }
    return blocks.joined(separator: "\n\n") + "\n"
  }

  private func summary(_ style: Style) -> String {
    var rows = [
      ["rate  E KL(q(z|x) ‖ p(z))", number(result.rate), "closed form"],
      ["  mutual information  I(x; z)", number(result.mutualInformation.value), error(result.mutualInformation)],
      ["  total correlation  TC(z)", number(result.totalCorrelation.value), error(result.totalCorrelation)],
      [
        "  dimension-wise KL", number(result.dimensionWiseKL.value),
        result.estimator == .exact
          ? "by quadrature"
          : error(Estimate(value: result.dimensionWiseKL.value, standardError: result.dimensionWiseKL.standardError)),
      ],
      ["joint entropy  H(z)", number(result.jointEntropy.value), error(result.jointEntropy)],
      ["conditional entropy  E H(z|x)", number(result.conditionalEntropy), "closed form"],
      ["active units  Var(μ) ≥ 0.01", "\(result.activeUnits) of \(result.latents)", ""],
    ]
    if let distortion = result.distortion {
      let error = result.distortionStandardError.map { "± " + number($0) } ?? ""
      rows.append(["distortion  E[−log p(x|z)]", number(distortion), error])
    }
    if let entropy = result.dataEntropy {
      rows.append(["data entropy  H(x)", number(entropy), "identical images counted"])
    }
    return heading("Where the rate goes", style) + "\n"
      + table(["quantity", "nats", "± standard error"], rows, numeric: [1], style)
      + "\n"
      + paragraph(
        "Over all \(result.dataPoints) data points; \(result.samples) "
          + (result.estimator == .fixedSamples ? "given samples." : "samples of q(z), seed \(result.seed)."), style)
  }

  private func checks(_ style: Style) -> String {
    let bounds = result.informationBounds, residual = result.monteCarloResidual
    let within =
      residual.withinFourStandardErrors.map { $0 ? "within four standard errors" : "MORE than four standard errors" }
      ?? "a single sample has no standard error"
    let lower = bounds.lower.map { "H − D = \(number($0)) ≤ " } ?? ""
    var rows = [
      [
        "bounds", "\(lower)I = \(number(result.mutualInformation.value)) ≤ R = \(number(bounds.upper))",
        bounds.hold ? "holds" : "VIOLATED",
      ],
      ["ceiling", "I ≤ \(number(bounds.ceiling))", result.dataEntropy == nil ? "log N" : "entropy of the data"],
      ["sum of the terms", scientific(result.identityResidual), "rounding"],
      [
        "samples against closed form",
        "\(signed(residual.value)) ± \(residual.standardError.map { number($0) } ?? "unknown")", within,
      ],
    ]
    if let reason = bounds.lowerReason { rows.insert(["no lower bound", "", reason], at: 1) }
    return heading("Checks", style) + "\n" + table(["check", "value", ""], rows, numeric: [], style)
  }

  private func latentTable(_ style: Style) -> String {
    let order = result.klPerDimension.indices.sorted {
      (-result.klPerDimension[$0], $0) < (-result.klPerDimension[$1], $1)
    }
    let rows = order.map { d in
      [
        "\(d)", number(result.klPerDimension[d]), number(result.dimensionWiseKL.perDimension[d]),
        number(result.marginalEntropies[d]), number(result.meanVariances[d]),
        result.meanVariances[d] >= PosteriorStatistics.activeVariance ? "active" : "inactive",
      ]
    }
    return heading("Latents, by rate", style) + "\n"
      + table(
        ["latent", "E KL(q(z_d|x) ‖ p)", "KL(q(z_d) ‖ p)", "H(z_d)", "Var(μ)", ""], rows, numeric: [0, 1, 2, 3, 4],
        style)
  }

  private func minibatches(_ style: Style) -> String {
    let rows = result.minibatchEstimates.map { estimate in
      [
        "\(estimate.estimator.rawValue.uppercased()), B = \(estimate.batchSize)",
        "\(number(estimate.mutualInformation)) (\(signed(estimate.bias.mutualInformation)))",
        "\(number(estimate.totalCorrelation)) (\(signed(estimate.bias.totalCorrelation)))",
        "\(number(estimate.dimensionWiseKL)) (\(signed(estimate.bias.dimensionWiseKL)))",
      ]
    }
    return heading("What minibatch estimates would have said (and how far they are off)", style) + "\n"
      + table(["estimator", "I(x; z)", "TC", "dimension-wise KL"], rows, numeric: [1, 2, 3], style)
      + "\n"
      + paragraph("They are training signals, biased by construction; the values above are the measurement.", style)
  }

  // MARK: Pieces

  private func heading(_ text: String, _ style: Style) -> String { style == .markdown ? "## \(text)\n" : text }

  private func paragraph(_ text: String, _ style: Style) -> String { style == .markdown ? "\n\(text)" : "  \(text)" }

  private func error(_ estimate: Estimate) -> String { estimate.standardError.map { "± \(number($0))" } ?? "± unknown" }

  /// Four decimals, or three significant digits where those would show nothing or run away.
  private func number(_ value: Double) -> String {
    let size = abs(value)
    if size != 0, size < 0.001 || size >= 1e7 { return scientific(value) }
    return Self.plain(String(format: "%.4f", value))
  }

  private func scientific(_ value: Double) -> String { Self.plain(value == 0 ? "0" : String(format: "%.2e", value)) }

  private func signed(_ value: Double) -> String { (value < 0 ? "" : "+") + number(value) }

  /// A true minus sign, and no minus before zero.
  private static func plain(_ text: String) -> String {
    text == "-0.0000" ? "0.0000" : text.hasPrefix("-") ? "−" + text.dropFirst() : text
  }

  private func table(_ header: [String], _ rows: [[String]], numeric: Set<Int>, _ style: Style) -> String {
    if style == .markdown {
      let rule = header.indices.map { numeric.contains($0) ? "---:" : ":---" }
      return ([header, rule] + rows).map { cells in
        "| "
          + cells.map { $0.trimmingCharacters(in: .whitespaces).replacingOccurrences(of: "|", with: "\\|") }
          .joined(separator: " | ") + " |"
      }.joined(separator: "\n")
    }
    let widths = header.indices.map { column in ([header] + rows).map { $0[column].count }.max() ?? 0 }
    return ([header] + rows).map { cells in
      var line = " "
      for (column, cell) in cells.enumerated() {
        let space = String(repeating: " ", count: widths[column] - cell.count)
        line += " " + (numeric.contains(column) ? space + cell : cell + space) + " "
      }
      return String(line.reversed().drop { $0 == " " }.reversed())
    }.joined(separator: "\n")
  }
}
