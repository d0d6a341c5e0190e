import Diagnostics
import Foundation

/// A decomposition as tables for a terminal, for Markdown, or for a page.
public struct DecompositionTable: Sendable {
  private let result: RateDecomposition

  /// Takes a decomposition.
  public init(_ result: RateDecomposition) { self.result = result }

  /// The whole text, ending in a line break.
  public func text(_ style: TextTable.Style = .terminal) -> String {
    var blocks = tables.map { $0.text(style) }
    if !result.warnings.isEmpty {
      blocks.append(
        ([TextTable.heading("Notes", style)]
          + result.warnings.map {
            "- " + (style == .markdown ? $0.escapedForMarkdown() : $0)
          }).joined(separator: "\n"))
    }
    return blocks.joined(separator: "\n\n") + "\n"
  }

  /// All tables; the paths of their cells begin at the decomposition's JSON object.
  public var tables: [TextTable] {
    [summary, checks, latentTable] + (result.minibatchEstimates.isEmpty ? [] : [minibatches])
  }

  /// The terms of the rate.
  public var summary: TextTable {
    var rows: [[TextTable.Cell]] = [
      [
        .init(isCounted ? "rate  D·log V" : "rate  E KL(q(z|x) ‖ p(z))"), .number(result.rate, at: "rate"),
        .init(isCounted ? "prior uniform over the values" : "closed form"),
      ],
      term("  mutual information  I(x; z)", result.mutualInformation, "mutual_information"),
      term("  total correlation  TC(z)", result.totalCorrelation, "total_correlation"),
      [
        "  dimension-wise KL", .number(result.dimensionWiseKL.value, at: "dimension_wise_kl.value"),
        isCounted
          ? "by counting"
          : result.estimator == .exact
            ? "by quadrature" : error(result.dimensionWiseKL.standardError, "dimension_wise_kl.standard_error"),
      ],
      term("joint entropy  H(z)", result.jointEntropy, "joint_entropy"),
      [
        "conditional entropy  E H(z|x)", .number(result.conditionalEntropy, at: "conditional_entropy"), "closed form",
      ],
      [
        .init("active units  \(result.activityRule)"),
        .init("\(result.activeUnits) of \(result.latents)", value: Double(result.activeUnits), path: "active_units"),
        "",
      ],
    ]
    if let distortion = result.distortion {
      let error = result.distortionStandardError.map {
        TextTable.Cell("± " + Format.number($0), value: $0, path: "distortion_standard_error")
      }
      rows.append(["distortion  E[−log p(x|z)]", .number(distortion, at: "distortion"), error ?? ""])
    }
    if let entropy = result.dataEntropy {
      rows.append(["data entropy  H(x)", .number(entropy, at: "data_entropy"), "identical images counted"])
    }
    return TextTable(
      title: "Rate decomposition", header: ["quantity", "nats", "± standard error"], rows: rows, numeric: [1],
      note: isCounted
        ? "Over all \(result.dataPoints) data points, by counting."
        : "Over all \(result.dataPoints) data points; \(result.samples) "
          + (result.estimator == .fixedSamples ? "given samples." : "samples of q(z), seed \(result.seed)."))
  }

  /// Whether codes were counted.
  private var isCounted: Bool { result.estimator == .counting }

  /// The identities and bounds that must hold, and whether they do.
  public var checks: TextTable {
    let bounds = result.informationBounds, residual = result.monteCarloResidual
    let within =
      residual.withinFourStandardErrors.map { $0 ? "within four standard errors" : "MORE than four standard errors" }
      ?? "a single sample has no standard error"
    let lower = bounds.lower.map { "H − D = \(Format.number($0)) ≤ " } ?? ""
    var rows: [[TextTable.Cell]] = [
      [
        "bounds",
        "\(lower)I = \(Format.number(result.mutualInformation.value)) ≤ R = \(Format.number(bounds.upper))",
        bounds.hold ? "holds" : "VIOLATED",
      ],
      ["ceiling", "I ≤ \(Format.number(bounds.ceiling))", result.dataEntropy == nil ? "log N" : "entropy of the data"],
      ["sum of the terms", "\(Format.scientific(result.identityResidual))", "rounding"],
      [
        "samples against closed form",
        "\(Format.signed(residual.value)) ± \(residual.standardError.map(Format.number) ?? "unknown")",
        .init(within),
      ],
    ]
    if isCounted { rows.removeLast() }
    if let reason = bounds.lowerReason { rows.insert(["no lower bound", "", .init(reason)], at: 1) }
    return TextTable(title: "Checks", header: ["check", "value", ""], rows: rows, numeric: [])
  }

  /// The latents by KL, the largest first.
  public var latentTable: TextTable {
    let order = result.klPerDimension.indices.sorted {
      (-result.klPerDimension[$0], $0) < (-result.klPerDimension[$1], $1)
    }
    let rows: [[TextTable.Cell]] = order.map { d in
      [
        "\(d)", .number(result.klPerDimension[d], at: "kl_per_dimension.\(d)"),
        .number(result.dimensionWiseKL.perDimension[d], at: "dimension_wise_kl.per_dimension.\(d)"),
        .number(result.marginalEntropies[d], at: "marginal_entropies.\(d)"),
        .number(result.meanVariances[d], at: "mean_variances.\(d)"),
        result.isActive(d) ? "active" : "inactive",
      ]
    }
    return TextTable(
      title: "Latents, by rate",
      header: ["latent", "E KL(q(z_d|x) ‖ p)", "KL(q(z_d) ‖ p)", "H(z_d)", "Var(μ)", ""], rows: rows,
      numeric: [0, 1, 2, 3, 4])
  }

  /// The minibatch estimates and their bias.
  public var minibatches: TextTable {
    let rows: [[TextTable.Cell]] = result.minibatchEstimates.map { estimate in
      [
        "\(estimate.estimator.rawValue.uppercased()), B = \(estimate.batchSize)",
        "\(Format.number(estimate.mutualInformation)) (\(Format.signed(estimate.bias.mutualInformation)))",
        "\(Format.number(estimate.totalCorrelation)) (\(Format.signed(estimate.bias.totalCorrelation)))",
        "\(Format.number(estimate.dimensionWiseKL)) (\(Format.signed(estimate.bias.dimensionWiseKL)))",
      ]
    }
    return TextTable(
      title: "Minibatch estimates (bias in parentheses)",
      header: ["estimator", "I(x; z)", "TC", "dimension-wise KL"], rows: rows, numeric: [1, 2, 3],
      note: "They are training signals, biased by construction; the measurement is the exact decomposition.")
  }

  private func term(_ name: TextTable.Cell, _ estimate: Estimate, _ path: String) -> [TextTable.Cell] {
    [name, .number(estimate.value, at: path + ".value"), error(estimate.standardError, path + ".standard_error")]
  }

  private func error(_ value: Double?, _ path: String) -> TextTable.Cell {
    if isCounted { return "by counting" }
    return value.map { .init("± " + Format.number($0), value: $0, path: path) } ?? "± unknown"
  }
}
