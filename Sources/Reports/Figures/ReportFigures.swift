import Diagnostics
import Figures
import Foundation
import RateDecomposition

/// The figures of a report that show numbers, in the order of the page.
struct ReportFigures {
  let contents: ReportContents

  init(_ contents: ReportContents) { self.contents = contents }

  var all: [Figure] {
    [
      decomposition, latents, contents.pairwise.flatMap(pairwise), contents.factors.map(factors),
      contents.audit.map(audit),
      contents.likelihood.map(likelihood), contents.bounds.map(annealing), contents.decoderCurve.map(decoderCurve),
      contents.coverage.map(coverage),
      contents.training.flatMap(training),
    ].compactMap { $0 } + (contents.sampling?.pairs ?? []).enumerated().map(sampled)
  }

  private var decomposition: Figure {
    let result = contents.decomposition
    let figure = DecompositionFigure(
      bars: [.init(result)],
      caption: "The rate and the three parts that add up to it, over all \(Format.grouped(result.dataPoints)) data "
        + (isCounted
          ? "points, by counting; the prior is uniform over the values of each latent."
          : "points. Uncertainties are standard errors of \(Format.grouped(result.samples)) samples of q(z)."))
    return figure.draw()
  }

  /// Whether codes are deterministic, so that their entropies were counted.
  private var isCounted: Bool { contents.decomposition.estimator == .counting }

  private var latents: Figure {
    let all = contents.latents.byKL
    let inactive = all.count { !$0.isActive }
    var caption =
      "E KL(q(z_d|x) ‖ p(z_d)) of each latent, \(isCounted ? "log V," : "in closed form") over all "
      + "\(Format.grouped(contents.latents.dataPoints)) data points, and its two parts, "
      + (isCounted
        ? "by counting."
        : contents.latents.samples == 0
          ? "integrated without sampling." : "from \(Format.grouped(contents.latents.samples)) samples of q(z).")
    if inactive > 0 {
      caption += " Faint names: the \(inactive) inactive, with \(isCounted ? "H(z_d)" : "Var(μ)") < 0.01."
    }
    if all.count > LatentsFigure.most {
      caption += " Shown are the first \(LatentsFigure.most) of \(all.count)."
    }
    return LatentsFigure(latents: all, caption: caption).draw()
  }

  private func pairwise(_ pairwise: PairwiseInformation) -> Figure? {
    guard pairwise.paired.count > 1 else { return nil }
    let order = contents.latents.byKL.map(\.latent).filter(pairwise.paired.contains)
    let errors = pairwise.pairs.compactMap(\.mutualInformation.standardError)
    let left =
      pairwise.paired.count < pairwise.latents
      ? " The \(pairwise.paired.count) latents of the highest KL of \(pairwise.latents)." : ""
    return HeatMapFigure(
      name: "pairwise", title: "Mutual information of pairs of latents", rowLabels: order.map { "z\($0)" },
      columnLabels: order.map { "z\($0)" }, xLabel: "latent, by KL", yLabel: "latent, by KL",
      values: order.map { i in order.map { j in i == j ? nil : pairwise[i, j]?.value } },
      caption: "I(z_i; z_j) under q(z) of all \(Format.grouped(pairwise.dataPoints)) data points, from "
        + "\(Format.grouped(pairwise.samples)) samples; standard errors are at most "
        + "\(Format.number(errors.max() ?? 0)) nats." + left
    ).draw()
  }

  private func annealing(_ bounds: LikelihoodBounds) -> Figure {
    AnnealingFigure(
      bounds: bounds,
      caption:
        "Above, \(bounds.images.count) images of the data set: log p̂(x) is too low on average, by less the longer "
        + "the chains."
        + (bounds.bracket.map {
          " Below, \($0.images) images drawn from the model, whose codes are known: log p(x) lies between both bounds on "
            + "average."
        } ?? "")
    ).draw()
  }

  private func decoderCurve(_ curve: DecoderCurve) -> Figure {
    DecoderCurveFigure(
      curve: curve,
      caption:
        "What the best of all encoders would pay at each distortion of this decoder, at most, on \(curve.images) "
        + "images (Huang et al. 2020), and where its encoder and the best diagonal Gaussians lie on the same images."
    ).draw()
  }

  private func coverage(_ coverage: PriorCoverage) -> Figure {
    CoverageFigure(
      coverage: coverage,
      caption:
        "How much denser the aggregate posterior of all images is than the prior, over \(Format.grouped(coverage.samples)) "
        + "codes of each. Far to the left are codes of the prior that hardly any image has."
    ).draw()
  }

  /// The name of the figure of a pair of factors that were correlated in training.
  static func samplingName(_ index: Int) -> String { "sampling-\(index + 1)" }

  private func sampled(_ index: Int, _ pair: ReportContents.Sampling.Pair) -> Figure {
    let cells = Double(pair.joint.count * (pair.joint.first?.count ?? 1))
    return HeatMapFigure(
      name: Self.samplingName(index), title: "\(pair.first) and \(pair.second) in training",
      rowLabels: pair.joint.indices.map(String.init), columnLabels: (pair.joint.first ?? []).indices.map(String.init),
      xLabel: pair.second, yLabel: pair.first, values: pair.joint.map { $0.map { $0 * cells } },
      caption: "How often training drew each combination of values, as a multiple of how often it would draw it if all "
        + "were equally frequent.", unit: "×"
    ).draw()
  }

  private func factors(_ information: FactorInformation) -> Figure {
    let order = contents.latents.byKL.prefix(LatentsFigure.most).map(\.latent)
    let errors = information.factors.flatMap { factor in order.compactMap { factor.mutualInformation[$0].standardError }
    }
    return HeatMapFigure(
      name: "factors", title: "Mutual information of factors and latents",
      rowLabels: information.factors.map(\.name), columnLabels: order.map { "z\($0)" }, xLabel: "latent, by KL",
      yLabel: "factor",
      values: information.factors.map { factor in order.map { factor.mutualInformation[$0].value } },
      caption: "I(v; z_d) of each factor v, over all \(Format.grouped(information.dataPoints)) data points, "
        + (information.samples == 0
          ? "integrated without sampling."
          : "from up to \(Format.grouped(information.samples)) samples; standard errors are at most "
            + "\(Format.number(errors.max() ?? 0)) nats.")
    ).draw()
  }

  private func audit(_ audit: EstimatorAudit) -> Figure {
    let batches = audit.rows.map(\.batches).max() ?? 0
    return AuditFigure(
      audit: audit,
      caption: "Estimates from single batches minus the exact value: mean and standard deviation over "
        + "\(batches) batches of each size. The scale is linear between −1 and 1 nats and logarithmic outside."
    ).draw()
  }

  private func likelihood(_ likelihood: MarginalLikelihood) -> Figure {
    LikelihoodFigure(
      likelihood: likelihood,
      caption: "Mean of log p̂(x) over \(likelihood.images.count) images with K codes each, up to "
        + "\(Format.grouped(likelihood.samples)). Bands are ± one standard error of drawing other codes for the same "
        + "images."
    ).draw()
  }

  private func training(_ history: TrainingHistory) -> Figure? {
    let curves = TrainingCurves(history)
    guard !curves.panels.isEmpty else { return nil }
    return CurvesFigure(
      panels: curves.panels.map { panel in
        .init(title: panel.title, series: [(.init(panel), 0)], unit: panel.unit)
      },
      caption: curves.caption
    ).draw()
  }
}

extension CurvesFigure.Series {
  init(_ panel: TrainingCurves.Panel) {
    self.init(
      name: panel.title,
      points: panel.points.map { (Double($0.step), $0.value, $0.standardError) }, hasMarkers: panel.isExact)
  }
}

/// The curves of a training log, each quantity once: exact ones first, then what the loss was made of.
struct TrainingCurves {
  /// One quantity.
  struct Panel {
    var title: String
    var unit: String
    var isExact: Bool
    var points: [(step: Int, value: Double, standardError: Double?)]
  }

  private static let exact = [
    ("rate_exact", "rate, exact"), ("mutual_information_exact", "I(x; z), exact"),
    ("total_correlation_exact", "TC(z), exact"), ("dimension_wise_kl_exact", "dimension-wise KL, exact"),
    ("active_units_exact", "active units, exact"),
  ]
  /// What is not measured in nats.
  private static let units = ["active_units_exact": "latents", "discriminator_accuracy": "share of codes"]
  /// Titles of what is measured in nats; what else an objective logs has its name for a title, and no unit.
  private static let words = [
    "reconstruction": "reconstruction", "kl": "rate (batch)", "loss": "loss",
    "discriminator_loss": "discriminator loss",
    "mutual_information_mws": "I, MWS estimate", "total_correlation_mws": "TC, MWS estimate",
    "dimension_wise_kl_mws": "dwKL, MWS estimate", "mutual_information_mss": "I, MSS estimate",
    "total_correlation_mss": "TC, MSS estimate", "dimension_wise_kl_mss": "dwKL, MSS estimate",
    "total_correlation_discriminator": "TC, discriminator",
  ]

  let panels: [Panel]
  let caption: String

  init(_ history: TrainingHistory) {
    var panels: [Panel] = []
    func add(_ series: TrainingHistory.Series, _ title: String, isExact: Bool) {
      let errors = history[series.name + "_standard_error"]
      let known = errors.map { Dictionary(zip($0.steps, $0.values)) { $1 } } ?? [:]
      panels.append(
        Panel(
          title: title, unit: Self.units[series.name] ?? (isExact || Self.words[series.name] != nil ? "nats" : ""),
          isExact: isExact,
          points: zip(series.steps, series.values).map { ($0, $1, known[$0]) }))
    }
    if let series = history["reconstruction"] { add(series, "reconstruction (batch)", isExact: false) }
    for (name, title) in Self.exact { if let series = history[name] { add(series, title, isExact: true) } }
    let images = history["decomposition_images"]?.values.last
    let seen = Set(["reconstruction", "decomposition_images", "decomposition_samples"] + Self.exact.map(\.0))
    for series in history.series where !seen.contains(series.name) && !series.name.hasSuffix("_standard_error") {
      add(series, Self.words[series.name] ?? series.name.replacingOccurrences(of: "_", with: " "), isExact: false)
    }
    self.panels = panels
    let batches =
      "of single batches as training saw them; MWS and MSS are biased estimates, not the quantities themselves."
    caption =
      images.map {
        "Curves called exact are decompositions over a fixed part of the data, \(Format.grouped(Int($0))) images, with "
          + "bands of one standard error; of so few, I(x; z) is at most \(Format.decimals(log($0), 2)) nats. All others are "
          + batches
      } ?? "Curves are " + batches
  }
}
