import Diagnostics
import Pages
import RateDecomposition

extension ReportContents {
  /// The report as a text with tables and figures; sections that the form leaves out are missing.
  func document() -> Document {
    var document = Document(title: title)
    document.blocks += summary + rateDecomposition + latentBlocks
    if isFull { document.blocks += factorBlocks }
    document.blocks += metricBlocks + auditBlocks + likelihoodBlocks + boundBlocks
    if isFull { document.blocks += trainingBlocks }
    document.blocks += imageBlocks
    document.blocks += [
      .heading("Configuration"), .source(run.configuration, summary: "The run's configuration, with every default"),
    ]
    return document
  }

  // MARK: Sections

  private var summary: [Document.Block] {
    var blocks: [Document.Block] = []
    switch run.training {
    case .complete: break
    case .interrupted:
      blocks.append(
        .paragraph([
          "Training stopped after step ", whole(run.step ?? 0, at: "run.step"), " of ",
          whole(run.steps ?? 0, at: "run.steps"), ". This report is of its last checkpoint, not of a trained model.",
        ]))
    case .unknown:
      blocks.append(
        .paragraph(["There is no checkpoint beside these weights: how far they were trained is not known."]))
    }
    blocks.append(
      .list(
        (findings.sentences + decomposition.warnings.filter { !findings.sentences.contains($0) }).map { [.init($0)] }))
    let model =
      "\(run.architecture), \(run.latents) \(run.latents == 1 ? "latent" : "latents"), \(run.likelihood) likelihood, "
      + "\(Format.grouped(run.parameters)) parameters"
    let made: [[TextTable.Cell]] = [
      ["data", "\(run.dataset), \(Format.grouped(run.dataPoints)) images"], ["model", .init(model)],
    ]
    let seed: [TextTable.Cell] = [
      "seed of this report", whole(Int(clamping: decomposition.seed), at: "decomposition.seed"),
    ]
    blocks.append(
      .table(TextTable(header: ["", ""], rows: origin + made + howTrained + [seed], numeric: []), prefix: ""))
    if isFull { blocks.append(.link("Explore the latents with the decoder in the page", to: "explorer.html")) }
    return blocks
  }

  /// The origin of the weights: training by an objective, or a file.
  private var origin: [[TextTable.Cell]] {
    var rows: [[TextTable.Cell]] = []
    if let imported = run.imported {
      rows.append([
        "weights",
        .init("imported from \(imported.file), layout \(imported.layout.rawValue), CRC-32 \(imported.crc32)"),
      ])
    }
    guard let objective = run.objective else { return rows + [["objective", "not known"]] }
    return rows + [["objective", .init("\(objective):  \(run.equation ?? "")")], ["", .init(run.paper ?? "")]]
  }

  /// The length of training, as far as it is known.
  private var howTrained: [[TextTable.Cell]] {
    var rows: [[TextTable.Cell]] = []
    if let step = run.step {
      rows.append(["steps", whole(step, at: "run.step")])
    } else if let steps = run.steps {
      rows.append(["steps planned", whole(steps, at: "run.steps")])
    }
    guard let batchSize = run.batchSize else { return rows }
    return rows + [
      ["batch size", whole(batchSize, at: "run.batch_size")], ["seed of training", whole(run.seed, at: "run.seed")],
    ]
  }

  private var rateDecomposition: [Document.Block] {
    let table = DecompositionTable(decomposition)
    var summary = table.summary
    summary.title = ""
    let point = rateDistortion
    var blocks: [Document.Block] = [
      .heading("Rate decomposition"), .figure("decomposition"), .table(summary, prefix: "decomposition."),
      .table(table.checks, prefix: "decomposition."),
    ]
    if let elbo = point.elbo {
      blocks.append(
        .paragraph([
          "In the rate–distortion plane this run is at R = ", .number(point.rate, at: "rate_distortion.rate"),
          " and D = ", .number(point.distortion?.value ?? .nan, at: "rate_distortion.distortion.value"),
          " nats: an ELBO of ", .number(elbo.value, at: "rate_distortion.elbo.value"), error(elbo.standardError),
          " nats.",
        ]))
    }
    return blocks
  }

  private var latentBlocks: [Document.Block] {
    let rows: [[TextTable.Cell]] = latents.byKL.map { latent in
      let path = "latents.latents.\(latent.latent)."
      return [
        "z\(latent.latent)", .number(latent.kl, at: path + "kl"),
        .number(latent.mutualInformation.value, at: path + "mutual_information.value"),
        .number(latent.marginalKL.value, at: path + "marginal_kl.value"),
        .number(latent.entropy.value, at: path + "entropy.value"),
        .number(latent.mean, at: path + "mean"),
        .number(latent.standardDeviation, at: path + "standard_deviation"),
        .number(latent.meanVariance, at: path + "mean_variance"), latent.isActive ? "active" : "inactive",
      ]
    }
    let errors = latents.latents.compactMap(\.entropy.standardError).max() ?? 0
    var blocks: [Document.Block] = [
      .heading("Latents"), .figure("latents"),
      .table(
        TextTable(
          header: ["latent", "KL", "I(x; z_d)", "marginal KL", "H(z_d)", "mean", "s.d.", "Var(μ)", ""],
          rows: rows, numeric: [1, 2, 3, 4, 5, 6, 7],
          note: "KL = I(x; z_d) + marginal KL, in nats. Mean and standard deviation are those of q(z_d)."
            + (latents.samples > 0
              ? " Entropies are means over \(Format.grouped(latents.samples)) samples, standard errors up to "
                + "\(Format.number(errors))."
              : decomposition.estimator == .counting
                ? " Entropies are counted." : " Marginals are integrated, without sampling.")), prefix: ""),
    ]
    if pairwise != nil {
      blocks += [.heading("Pairs of latents"), .figure("pairwise")]
      blocks += strongestPairs
    }
    return blocks
  }

  private var strongestPairs: [Document.Block] {
    guard let pairwise, pairwise.pairs.count > 1 else { return [] }
    let strongest = pairwise.pairs.indices.sorted {
      let (a, b) = (pairwise.pairs[$0].mutualInformation.value, pairwise.pairs[$1].mutualInformation.value)
      return (b, $0) < (a, $1)
    }.prefix(5)
    return [
      .table(
        TextTable(
          title: "The pairs with the most mutual information", header: ["pair", "I(z_i; z_j)", "± standard error"],
          rows: strongest.map { index in
            let pair = pairwise.pairs[index], path = "pairwise.pairs.\(index).mutual_information."
            return [
              "z\(pair.first), z\(pair.second)", .number(pair.mutualInformation.value, at: path + "value"),
              error(pair.mutualInformation.standardError, at: path + "standard_error"),
            ]
          }, numeric: [1], note: "\(Format.grouped(pairwise.samples)) samples of q(z)."), prefix: "")
    ]
  }

  private var factorBlocks: [Document.Block] {
    guard let factors else {
      return [.heading("Factors and latents"), .paragraph([.init(factorsReason ?? "There are no factors.")])]
    }
    let rows: [[TextTable.Cell]] = factors.factors.enumerated().map { index, factor in
      let path = "factors.factors.\(index)."
      func information(_ latent: Int?) -> [TextTable.Cell] {
        guard let latent else { return ["–", "–"] }
        return [
          "z\(latent)",
          .number(factor.mutualInformation[latent].value, at: path + "mutual_information.\(latent).value"),
        ]
      }
      return [
        .init(factor.name), whole(factor.values, at: path + "values"), .number(factor.entropy, at: path + "entropy"),
      ]
        + information(factor.bestLatent) + information(factor.secondLatent)
        + [factor.gap.map { .number($0.value, at: path + "gap.value") } ?? "–"]
    }
    var words: Document.Prose = []
    if let gap = factors.gap {
      words += ["The mutual information gap (MIG) is ", .number(gap, at: "factors.mutual_information_gap")]
      if let without = factors.gapWithoutCategorical {
        words += [
          " over all factors and ", .number(without, at: "factors.mutual_information_gap_without_shape"),
          " without categorical factors",
        ]
      }
      words.append(".")
    }
    if let factorsReason { words.append(.init(" " + factorsReason)) }
    return [
      .heading("Factors and latents"), .figure("factors"),
      .table(
        TextTable(
          header: ["factor", "values", "H(v)", "best", "I(v; z)", "second", "I(v; z)", "gap / H(v)"], rows: rows,
          numeric: [1, 2, 4, 6, 7]), prefix: ""),
    ] + (words.isEmpty ? [] : [.paragraph(words)])
  }

  private var metricBlocks: [Document.Block] {
    guard let metrics else { return [] }
    let rows = metrics.metrics.enumerated().flatMap { index, metric in
      metric.scores.enumerated().map { position, score -> [TextTable.Cell] in
        let path = "metrics.metrics.\(index).scores.\(position)."
        return [
          .init(position == 0 ? metric.name : ""), .init(score.name),
          score.value.map { .number($0, at: path + "value") } ?? "–",
          score.standardError.map {
            .init(score.uncertainty ?? "", value: $0, path: path + "standard_error")
          } ?? "", .init(score.unit ?? ""),
        ]
      }
    }
    var remarks = metrics.notes ?? []
    remarks += metrics.metrics.flatMap { metric in
      metric.notes.map { "\(metric.name): \($0)" }
        + metric.scores.compactMap { score in score.undefined.map { "\(metric.name), \(score.name): \($0)" } }
    }
    return [
      .heading("Disentanglement metrics"),
      .table(
        TextTable(
          header: ["metric", "score", "value", "± standard error", ""], rows: rows, numeric: [2],
          note: "Preset \(metrics.preset), seed \(metrics.seed), of the posteriors' means."), prefix: ""),
    ] + (remarks.isEmpty ? [] : [.list(remarks.map { [.init($0)] })])
  }

  private var auditBlocks: [Document.Block] {
    guard let audit else {
      let table = DecompositionTable(decomposition).minibatches
      return table.rows.isEmpty ? [] : [.heading("Minibatch estimates"), .table(table, prefix: "decomposition.")]
    }
    return [
      .heading("Audit of estimators"),
      .paragraph([
        .init(
          "Training logs show estimates from single batches, which extrapolate to all other data points. A logged total "
            + "correlation can therefore be negative, or more than a hundred nats. The exact values are measurements.")
      ]),
      .figure("audit"),
      .table(audit.table, prefix: "audit."),
    ] + dependenceBlocks(audit)
  }

  /// What the objective penalises in place of TC, beside the exact TC.
  private func dependenceBlocks(_ audit: EstimatorAudit) -> [Document.Block] {
    guard let measured = audit.dependence, !measured.isEmpty else { return [] }
    let rows: [[TextTable.Cell]] = measured.enumerated().map { index, row in
      let path = "audit.dependence.\(index)."
      return [
        .init(row.title), whole(row.batchSize, at: path + "batch_size"), .number(row.mean, at: path + "mean"),
        row.standardDeviation.map { .init(Format.short($0), value: $0, path: path + "standard_deviation") } ?? "",
        .number(decomposition.totalCorrelation.value, at: "decomposition.total_correlation.value"),
      ]
    }
    return [
      .table(
        TextTable(
          title: "What the objective penalises in place of TC",
          header: ["measure", "batch", "mean", "s.d.", "exact TC(z), nats"], rows: rows, numeric: [1, 2, 3, 4],
          note:
            "In units of its own: it is 0 where the supports are a product, however dependent the latents are inside it."
        ),
        prefix: "")
    ]
  }

  private var likelihoodBlocks: [Document.Block] {
    guard let likelihood else { return [] }
    return [
      .heading("Marginal likelihood"), .figure("likelihood"), .table(likelihood.table, prefix: "likelihood."),
    ] + (likelihood.warnings.isEmpty ? [] : [.list(likelihood.warnings.map { [.init($0)] })])
  }

  private var boundBlocks: [Document.Block] {
    var blocks: [Document.Block] = []
    if let bounds {
      blocks += [
        .heading("Bounds of log p(x)"), .list((bounds.findings + bounds.warnings).map { [.init($0)] }),
        .figure("annealing"), .table(bounds.table, prefix: "bounds."), .table(bounds.curveTable, prefix: "bounds."),
      ]
    }
    if let decoderCurve {
      blocks += [.heading("The decoder's rate–distortion curve"), .figure("decoder-curve")]
      if !decoderCurve.findings.isEmpty { blocks.append(.list(decoderCurve.findings.map { [.init($0)] })) }
      blocks.append(.table(decoderCurve.table, prefix: "decoder_curve."))
    }
    if let coverage {
      blocks += [
        .heading("Prior and aggregate posterior"), .figure("coverage"), .list(coverage.findings.map { [.init($0)] }),
      ]
    }
    return blocks
  }

  private var trainingBlocks: [Document.Block] {
    var blocks: [Document.Block] = [.heading("Training")]
    if let sampling {
      blocks.append(
        .paragraph([
          "Training drew from ", whole(sampling.images, at: "sampling.images"),
          .init(
            " of the images, by the section dataset.sampling; everything else in this report is over all images."),
        ]))
      blocks += sampling.pairs.indices.map { .figure(ReportFigures.samplingName($0)) }
    }
    if let trainingReason { blocks.append(.paragraph([.init(trainingReason)])) }
    return blocks + [.figure("training")]
  }

  private var imageBlocks: [Document.Block] {
    let fromPrior: [Document.Block] = [
      .figure("traversals-prior"),
      .animation(
        "traversals.gif",
        caption: decomposition.estimator == .counting
          ? "The same as an animation."
          : "The same as an animation: each latent from −3 to 3 and back, all others at 0."),
    ]
    return [.heading("Latent traversals")] + (isFull ? fromPrior : [])
      + [
        .figure("traversals-posterior"), .heading("Reconstructions and samples"), .figure("reconstructions"),
        .figure("samples"), .figure("interpolations"),
      ]
  }

  // MARK: Numbers

  private func whole(_ value: Int, at path: String) -> TextTable.Cell {
    .init(Format.grouped(value), value: Double(value), path: path)
  }

  private func error(_ value: Double?) -> TextTable.Cell { .init(value.map { " ± " + Format.number($0) } ?? "") }

  private func error(_ value: Double?, at path: String) -> TextTable.Cell {
    value.map { .init("± " + Format.number($0), value: $0, path: path) } ?? "unknown"
  }
}
