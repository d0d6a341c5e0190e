import ArgumentParser
import Diagnostics
import Experiment
import FactorData
import Foundation
import RateDecomposition
import TensorCore

struct LikelihoodCommand: ComponentCommand {
  static let configuration = CommandConfiguration(
    commandName: "likelihood",
    abstract:
      "Estimate log p(x) with bounds, where the ELBO loses against it, and the decoder's rate–distortion curve.",
    discussion: """
      disentangle likelihood runs/quickstart
      disentangle likelihood runs/quickstart --method bdmc --curve

      ais: annealed importance sampling with Hamiltonian Monte Carlo, a lower bound on average. The gap to the ELBO is \
      split in two: what the best diagonal Gaussian loses (approximation), and what the encoder loses against that \
      (amortisation). bdmc: besides, images drawn from the model are bounded from both sides, which tells how far the \
      estimate can be off. importance: importance sampling from q(z|x) alone. --curve measures the least rate with which \
      any encoder could reach each distortion of this decoder. Every call also says how many codes of the prior lie where \
      hardly any image has its own.

      The results are kept in likelihood.json in the folder of the run, where `disentangle report` finds them.
      """)

  enum Method: String, ExpressibleByArgument, CaseIterable { case ais, bdmc, importance }

  @Argument(help: "The folder of a run.", completion: .directory)
  var folder: String

  @Option(help: "The number of images, drawn from the data set without repetition.")
  var images = LikelihoodBounds.Options().images

  @Option(help: "The method.")
  var method = Method.ais

  @Flag(help: "Also measure the rate–distortion curve of the decoder.")
  var curve = false

  @Option(help: "The number of chains for each image.")
  var chains = LikelihoodBounds.Options().chains

  @Option(help: "The number of distributions that a chain passes.")
  var distributions = LikelihoodBounds.Options().distributions

  @Option(help: "The number of leapfrog steps at each distribution.")
  var leapfrogSteps = LikelihoodBounds.Options().leapfrogSteps

  @Option(help: "Where chains start.")
  var start = LikelihoodBounds.Options().start

  @Option(help: "The number of codes for each image with --method importance.")
  var codes = MarginalLikelihood.Options().samples

  @Option(help: "The seed of all random numbers (default: the seed of the run).", transform: readSeed)
  var seed: Int?

  @OptionGroup var format: FormatOptions
  @OptionGroup var computing: ComputingOptions

  func validate() throws {
    let bounds: [(name: String, value: Int, range: ClosedRange<Int>)] = [
      ("--images", images, 1...1_000_000), ("--chains", chains, 2...10_000),
      ("--distributions", distributions, 1...100_000), ("--leapfrog-steps", leapfrogSteps, 1...1_000),
      ("--codes", codes, 2...10_000_000),
    ]
    for (name, value, range) in bounds where !range.contains(value) {
      throw ValidationError("\(name) must be from \(range.lowerBound) to \(range.upperBound), not \(value)")
    }
  }

  func run(_ components: Components) throws {
    let device = computing.device
    let run = try TrainedRun(at: folder, components: components, on: device)
    let dataset = try run.settings.dataset.open(on: device)
    let model = try run.model(for: dataset, on: device)
    let seed = UInt64(seed ?? run.settings.seed)
    let indices = LikelihoodFile.images(images, of: dataset, seed: seed)

    // What other calls have measured stays.
    var result = try LikelihoodFile(of: run, for: dataset)
    var tables: [TextTable] = [], notes: [String] = []
    let stages = StageDisplay(total: curve ? 2 : 1, terminal: computing.terminal)
    let clock = ContinuousClock(), began = clock.now
    func progress(_ stage: Int, _ name: String) -> (Double) -> Void {
      { stages.update(stage: stage, name: name, fraction: $0, at: (clock.now - began) / .seconds(1)) }
    }
    if method == .importance {
      var options = MarginalLikelihood.Options()
      (options.samples, options.seed) = (codes, seed)
      let show = progress(1, "importance sampling")
      let measured = try MarginalLikelihood(of: model, on: dataset, images: indices, options: options) {
        show(Double($0) / Double(indices.count))
      }
      tables.append(measured.table)
      notes += measured.warnings
      result.importance = measured
    } else {
      var options = LikelihoodBounds.Options()
      (options.chains, options.distributions, options.leapfrogSteps) = (chains, distributions, leapfrogSteps)
      (options.start, options.seed, options.isBidirectional) = (start, seed, method == .bdmc)
      let measured = try LikelihoodBounds(
        of: model, on: dataset, images: indices, options: options, progress: progress(1, "annealing"))
      tables += [measured.table, measured.curveTable]
      notes += measured.findings + measured.warnings
      result.bounds = measured
    }
    if curve {
      var options = DecoderCurve.Options()
      options.seed = seed
      let measured = try DecoderCurve(
        of: model, on: dataset, images: indices, options: options, progress: progress(2, "rate–distortion curve"))
      tables.append(measured.table)
      notes += measured.findings
      result.curve = measured
    }
    stages.finish()
    let encoded = try PosteriorCache(of: run, for: dataset).posterior(
      of: dataset, by: model, logger: computing.logger, progress: computing.progress(of: dataset.count))
    let coverage = PriorCoverage(of: encoded, seed: seed, on: device)
    notes += coverage.findings
    result.coverage = coverage
    try StandardStream.output.writeLine(
      format.text({ style in (tables.map { $0.text(style) } + notes).joined(separator: "\n\n") }, json: result.json))
    do {
      try result.store(in: run)
      try format.note("The results are in \(run.folder.path(of: .likelihood)).")
    } catch { computing.logger.warning("The results cannot be stored: \(error)") }
  }
}

extension AnnealingStart: ExpressibleByArgument {}
