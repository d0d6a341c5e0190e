import ArgumentParser
import Diagnostics
import DisentanglementMetrics
import Experiment
import FileFormats
import Foundation
import Logging
import MetricFiles
import RateDecomposition
import Reports
import StrictConfiguration
import TensorCore

extension MetricPreset: ExpressibleByArgument {}
extension EvaluatedImages: ExpressibleByArgument {}

struct EvaluateCommand: ComponentCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Compute disentanglement metrics of runs, or of codes from any program.",
    discussion: """
      disentangle evaluate runs/a                     sizes of disentanglement_lib
      disentangle evaluate runs/a --metrics mig,irs   selected metrics
      disentangle evaluate runs/a --preset exact      the whole data set
      disentangle evaluate runs/a --set mig.bins=30   another setting
      disentangle evaluate runs/a --images held-out   what training never drew
      disentangle evaluate runs/a runs/b              several runs, with UDR
      disentangle evaluate --codes codes.h5           codes of any framework

      ± is one standard error; "(3 repeats)" after it says that it comes from so few values and is itself uncertain.

      FILE is HDF5 or NPZ with codes [N, D] and factors [N, K] (values from 0, −1 for unknown), and optionally factor_names, \
      factor_sizes, factor_kinds (ordered, cyclic or categorical), log_variances [N, D], mean_kl [D], and \
      stored batches factor_vae/factor_index, factor_vae/rows, beta_vae/factor_index, beta_vae/rows1, beta_vae/rows2. The \
      images of a run are encoded once; the posteriors are kept in its folder as posteriors.h5. `disentangle list metrics` \
      lists all metrics.
      """)

  @Argument(help: "The folders of runs.", completion: .directory)
  var folders: [String] = []

  @Option(help: ArgumentHelp("A file of codes with factors, instead of a run. Repeatable.", valueName: "file"))
  var codes: [String] = []

  @Option(help: ArgumentHelp("The metrics, separated by commas (default: all but optional ones).", valueName: "names"))
  var metrics: String?

  @Option(help: "The preset of sizes and thresholds (default: dlib).")
  var preset: MetricPreset?

  @Option(
    help: """
      The images of a run: all, those that training draws from by dataset.sampling, or the held-out ones that it never \
      draws (default: all).
      """)
  var images: EvaluatedImages?

  @Option(
    help: ArgumentHelp(
      "A YAML file: preset, seed, representation, metrics, and a section for each metric.", valueName: "file"),
    completion: .file(extensions: ["yaml", "yml"]))
  var config: String?

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("Override a setting, for example mig.bins=30. Repeatable.", valueName: "key=value"))
  var overrides: [String] = []

  @Option(help: "The seed of all random numbers (default: 0).", transform: readSeed)
  var seed: Int?

  @OptionGroup var format: FormatOptions

  @Option(name: .shortAndLong, help: "The file to write (default: standard output).")
  var output: String?

  @Flag(help: "Replace the file if it exists.")
  var force = false

  @Flag(help: "Also show the values behind the scores in tables.")
  var parts = false

  @OptionGroup var computing: ComputingOptions

  func validate() throws {
    if folders.isEmpty == codes.isEmpty {
      throw ValidationError("Give either the folders of runs or files with --codes.")
    }
    if images != nil, folders.isEmpty { throw ValidationError("--images is for runs, not for files of codes.") }
  }

  func run(_ components: Components) throws {
    let settings = try settings(components), device = computing.device, logger = computing.logger
    let names = folders + codes
    if let twice = names.firstRepeated {
      throw StructuredError("is given twice", at: twice, expected: "different runs or files")
    }
    if let output { try (format.format == .json ? FileKind.json : .text).requireWritable(output, force: force) }
    let inputs: [(name: String, input: MetricInput)] =
      try folders.map { ($0, try input(ofRun: $0, components, on: device, logger)) }
      + codes.map { ($0, try input(ofFile: $0, settings.value.representation, on: device)) }
    let report = try EvaluationReport(inputs, settings) { metric, run, time in
      let place = inputs.count > 1 ? run.map { "\($0): " } ?? "" : ""
      logger.info("\(place)\(metric): \(String(format: "%.2f", time / .seconds(1))) s")
    }
    let text = try format.text({ report.text($0, parts: parts) }, json: report.json, csv: report.csv)
    if let output {
      try AtomicFile.write(Data((text + "\n").utf8), to: output, overwrite: force)
    } else {
      try StandardStream.output.writeLine(text)
    }
  }

  /// The settings from the file and the options; the options override the file.
  private func settings(_ components: Components) throws -> ResolvedConfiguration<EvaluationConfiguration> {
    var options: [(assignment: String, option: String)] = []
    if let preset { options.append(("preset=\(preset.rawValue)", "--preset \(preset.rawValue)")) }
    if let seed { options.append(("seed=\(seed)", "--seed \(seed)")) }
    if let metrics {
      let names = metrics.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
      options.append(("metrics=[\(names.joined(separator: ", "))]", "--metrics \(metrics)"))
    }
    let assignments = overrides + options.map(\.assignment)
    do {
      let document =
        try config.map { try ConfigurationDocument(path: $0, overrides: assignments) }
        ?? ConfigurationDocument(yaml: "{}", source: "the command line", overrides: assignments)
      return try document.evaluation(components)
    } catch var error as StructuredError {
      // An error in an option names the option.
      for (assignment, option) in options where error.location == "--set \(assignment)" { error.location = option }
      throw error
    }
  }

  private func input(
    ofRun folder: String, _ components: Components, on device: Device, _ logger: Logger
  ) throws -> MetricInput {
    let run = try TrainedRun(at: folder, components: components, on: device)
    let dataset = try run.settings.dataset.open(on: device)
    try MetricInput.requireFactors(of: dataset, at: folder)
    let choice = try (images ?? .all).choice(of: run, in: dataset)
    let posterior = try PosteriorCache(of: run, for: dataset).posterior(
      of: dataset, by: run.model(for: dataset, on: device), logger: logger,
      progress: computing.progress(of: dataset.count))
    return try MetricInput(posterior, on: dataset, choice, device: device, location: folder)
  }

  private func input(ofFile path: String, _ representation: Representation, on device: Device) throws -> MetricInput {
    let file = try LabeledCodesFile(reading: path)
    let posterior = try file.logVariances.map {
      try PosteriorTable(means: file.codes.codes, logVariances: $0, latents: file.codes.latents, location: path)
    }
    var input = MetricInput(
      codes: file.codes, posterior: posterior, meanKL: file.meanKL, factorVAEBatches: file.factorVAEBatches,
      betaVAEBatches: file.betaVAEBatches, device: device)
    if representation == .sample, let sampled = file.sampledCodes {
      input.codes = sampled
      input.hasSampledCodes = true
    }
    if file.codes.count < file.count {
      input.notes = [
        "Only data points whose factors are all known count: \(Format.grouped(file.codes.count)) of "
          + "\(Format.grouped(file.count))."
      ]
    }
    return input
  }
}
