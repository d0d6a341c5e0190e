import DisentanglementMetrics
import Experiment
import FactorData
import Figures
import FileFormats
import Foundation
import Logging
import Pages
import RateDecomposition
import TensorCore

/// What a full report does, in order; ``reading`` takes the place of ``encoding`` where the posteriors are stored.
public enum ReportStage: String, Sendable, CaseIterable {
  /// The stored posteriors of all images.
  case reading = "reading the posteriors"
  /// All images.
  case encoding = "encoding all images"
  /// The exact decomposition, with distortion and entropy of the data.
  case decomposition = "decomposing the rate"
  /// Pairs of latents.
  case pairs = "pairs of latents"
  /// Factors.
  case factors = "factors and latents"
  /// Disentanglement metrics.
  case metrics = "disentanglement metrics"
  /// Estimators.
  case audit = "auditing estimators"
  /// Likelihood.
  case likelihood = "estimating likelihoods"
  /// Figures.
  case pictures = "drawing"
}

/// Called with the stage at work and the share of it that is done, from 0 to 1.
public typealias ReportProgress = (_ stage: ReportStage, _ fraction: Double) -> Void

/// The report of a run: its numbers, its figures, and the model and data that they were computed from.
public struct Report {
  /// The numbers.
  public let contents: ReportContents
  /// The figures in the order of the page.
  public let figures: [Figure]
  /// The model with the posteriors of all its data.
  public let encoded: EncodedRun
  /// Traversals as an animation; nil in the short form.
  let animation: TraversalAnimation?

  init(contents: ReportContents, figures: [Figure], encoded: EncodedRun, animation: TraversalAnimation?) {
    (self.contents, self.figures, self.encoded, self.animation) = (contents, figures, encoded, animation)
  }

  /// Measures a run and draws its figures.
  ///
  /// - Parameters:
  ///   - run: the run.
  ///   - options: how thoroughly.
  ///   - device: whose threads work.
  ///   - logger: told whether images are encoded.
  ///   - progress: told how far it has come.
  /// - Throws: `StructuredError` if files of the run or its data are missing or do not fit, or a number is not finite.
  public init(
    _ run: TrainedRun, options: ReportOptions = ReportOptions(), on device: Device,
    logger: Logger = .silent, progress: @escaping ReportProgress = { _, _ in }
  ) throws {
    var settings = run.settings
    settings.report.samples = options.samples ?? settings.report.samples
    settings.report.distortionImages = options.distortionImages ?? settings.report.distortionImages
    settings.seed = options.seed ?? settings.seed
    let seed = UInt64(settings.seed)
    let dataset = try settings.dataset.open(on: device)
    if options.metrics != nil { try MetricInput.requireFactors(of: dataset, at: run.folder.path) }
    let state = try run.state(for: dataset, on: device)
    if options.likelihood == .ais { try state.model.requireDensity(for: "annealed importance sampling") }
    var isEncoded = false
    let encoded = try EncodedRun(run, model: state.model, on: dataset, settings: settings, logger: logger) {
      isEncoded = true
      progress(.encoding, Double($0) / Double(dataset.count))
    }
    if !isEncoded { progress(.reading, 1) }
    progress(.decomposition, 0)
    let terms = try encoded.imageTerms()
    progress(.decomposition, 0.3)
    let decomposition = try encoded.decomposition(terms)
    let latents = LatentInformation(of: encoded.integrated, samples: settings.report.samples, seed: seed)

    progress(.pairs, 0)
    var pairwise: PairwiseInformation?
    if state.model.latents > 1 {
      var choice = PairwiseInformation.Options()
      choice.samples = options.pairwiseSamples
      choice.seed = seed
      pairwise = try PairwiseInformation(of: encoded.integrated, options: choice)
    }
    progress(.factors, 0)
    let (factors, factorsReason) = try Self.factors(encoded, samples: options.pairwiseSamples, seed, progress)

    var metrics: RunMetrics?
    if let preset = options.metrics {
      progress(.metrics, 0)
      var input = try MetricInput(encoded.posterior, on: dataset, device: device, location: run.folder.path)
      input.factorInformation = factors
      metrics = try RunMetrics(of: input, preset: preset, seed: settings.seed, components: run.components) {
        progress(.metrics, $0)
      }
    }

    progress(.audit, 0)
    // Deterministic codes have no densities, which estimators of TC and of the marginal likelihood need.
    let hasDensities = state.model.codebook == nil
    var audit: EstimatorAudit?
    if hasDensities {
      var choice = EstimatorAudit.Options()
      choice.batchSizes = options.auditBatchSizes
      choice.batches = options.auditBatches
      choice.seed = seed
      let adversary = try run.adversary(of: state.model)
      audit = try EstimatorAudit(
        of: encoded.posterior, exact: decomposition, options: choice,
        logDensityRatio: adversary?.logDensityRatios(latents: state.model.latents, on: device),
        dependence: run.dependence(latents: state.model.latents, on: device), on: device
      ) { progress(.audit, Double($0) / Double(max(1, choice.batchSizes.count))) }
    }

    progress(.likelihood, 0)
    var likelihood: MarginalLikelihood?
    if options.likelihoodImages > 0, hasDensities {
      var choice = MarginalLikelihood.Options()
      choice.samples = options.likelihoodSamples
      choice.seed = seed
      let chosen = encoded.images(options.likelihoodImages, "likelihood images")
      likelihood = try MarginalLikelihood(of: state.model, on: dataset, images: chosen, options: choice) {
        progress(.likelihood, Double($0) / Double(chosen.count))
      }
    }
    let stored = try Self.bounds(of: run, encoded, options, seed, logger) { progress(.likelihood, $0) }

    progress(.pictures, 0)
    let images = try ReportImages(encoded, latents, form: .full)
    let history = try TrainingHistory(reading: run.folder)
    let facts = try Self.facts(run, state, dataset)
    var contents = ReportContents(
      form: .full, title: run.settings.title(on: dataset), run: facts, decomposition: decomposition,
      findings: CollapseFindings(decomposition, factors: factors), latents: latents, pairwise: pairwise,
      factors: factors, factorsReason: factorsReason, metrics: metrics, audit: audit, likelihood: likelihood,
      bounds: stored.bounds, decoderCurve: stored.curve, coverage: stored.coverage,
      sampling: try ReportContents.Sampling(run.settings, dataset),
      rateDistortion: try run.rateDistortionPoint(decomposition), training: history,
      trainingReason: history == nil
        ? "The run has no \(RunFolder.File.metrics.rawValue), so its training curves are not known." : nil,
      pictures: images.facts, figures: [])
    let figures = ReportFigures(contents).all + images.figures
    contents.figures = figures.map(FigureNote.init)
    (self.contents, self.figures, self.encoded) = (contents, figures, encoded)
    animation = images.animation
    progress(.pictures, 0.5)
  }

  /// What `disentangle likelihood` left, with bounds of log p(x) if they are asked for.
  private static func bounds(
    of run: TrainedRun, _ encoded: EncodedRun, _ options: ReportOptions, _ seed: UInt64, _ logger: Logger,
    _ progress: @escaping (Double) -> Void
  ) throws -> LikelihoodFile {
    var file = try LikelihoodFile(of: run, for: encoded.dataset)
    guard options.likelihood == .ais, file.bounds == nil else { return file }
    var choice = LikelihoodBounds.Options()
    choice.seed = seed
    file.bounds = try LikelihoodBounds(
      of: encoded.model, on: encoded.dataset,
      images: LikelihoodFile.images(options.likelihoodImages, of: encoded.dataset, seed: seed), options: choice,
      progress: progress)
    file.coverage = file.coverage ?? PriorCoverage(of: encoded.posterior, seed: seed, on: encoded.model.device)
    do { try file.store(in: run) } catch { logger.warning("The likelihoods cannot be stored: \(error)") }
    return file
  }

  /// Factors of more values are not categories but measurements.
  private static let mostValues = 1_024

  private static func factors(
    _ run: EncodedRun, samples: Int, _ seed: UInt64, _ progress: ReportProgress
  ) throws -> (FactorInformation?, reason: String?) {
    if run.dataset.factors.isEmpty { return (nil, "The data set names no factors.") }
    let all = run.dataset.factorLabels()
    let some = all.filter { ($0.values.max() ?? 0) < mostValues }
    let left = all.filter { ($0.values.max() ?? 0) >= mostValues }.map(\.name).joined(separator: ", ")
    let unknown = zip(run.dataset.factors.names, run.dataset.factors.unknownCounts).filter { $1 > 0 }
      .map { "\($0) (\($1))" }.joined(separator: ", ")
    let reasons = [
      left.isEmpty ? nil : "Left out, because they take more than \(mostValues) values: \(left).",
      unknown.isEmpty ? nil : "Left out, because their values are unknown for some images (how many): \(unknown).",
    ].compactMap { $0 }
    let reason = reasons.isEmpty ? nil : reasons.joined(separator: " ")
    guard !some.isEmpty else { return (nil, reason) }
    let information = try FactorInformation(of: run.integrated, factors: some, samples: samples, seed: seed) {
      progress(.factors, Double($0) / Double(some.count))
    }
    return (information, reason)
  }

  static func facts(
    _ run: TrainedRun, _ state: TrainedRun.State, _ dataset: any FactorDataset
  ) throws -> ReportContents.Run {
    let settings = run.settings
    return ReportContents.Run(
      name: settings.name, seed: settings.seed, imported: settings.imported, objective: settings.objective?.name,
      equation: settings.objective?.equation, paper: settings.objective?.paper, dataset: dataset.name,
      dataPoints: dataset.count, architecture: state.model.architecture.name,
      parameters: state.model.parameters.count, latents: state.model.latents, likelihood: state.model.likelihood.name,
      batchSize: settings.training.length == nil ? nil : settings.training.batchSize,
      training: state.isInterrupted ? .interrupted : state.step == nil ? .unknown : .complete, step: state.step,
      steps: state.steps, checksum: try checksum(of: run), configuration: run.configuration)
  }

  /// The CRC-32 of the file that a run's parameters are in: whether a report is still of this run.
  static func checksum(of run: TrainedRun) throws -> String {
    Checksum.crc32Text(try run.folder.read(run.parametersFile))
  }
}
