import ArgumentParser
import DisentanglementMetrics
import Experiment
import FileFormats
import Reports

struct ReportCommand: ComponentCommand {
  static let configuration = CommandConfiguration(
    commandName: "report", abstract: "Write the full report of a run: rate decomposition, latents, factors, figures.",
    discussion: """
      The report is a folder, by default report/ in the run's folder: index.html, report.md, report.json, \
      explorer.html, and figures/ with every figure as SVG, PDF and PNG. It opens without a network. It replaces an \
      earlier report of this run; files that the program did not write stay in the folder. A run that was interrupted \
      is reported as of its last checkpoint; a folder with config.yaml and weights.safetensors is enough.
      """)

  @Argument(help: "The folder of a run.", completion: .directory)
  var folder: String

  @Option(name: .shortAndLong, help: "The folder to write (default: report/ in the folder of the run).")
  var output: String?

  @Flag(help: "Replace a report of another run. An earlier report of this run is replaced without it.")
  var force = false

  @Option(help: "Also compute disentanglement metrics with this preset.")
  var metrics: MetricPreset?

  @Option(
    help: """
      How to estimate log p(x): ais adds what `disentangle likelihood` measures, unless it is in the run's folder, and \
      keeps it there; it takes minutes.
      """)
  var likelihood = LikelihoodMethod.importance

  @OptionGroup var measuring: ReportMeasuringOptions
  @OptionGroup var computing: ComputingOptions

  func validate() throws {
    guard likelihood == .ais, measuring.likelihoodImages == 0 else { return }
    throw ValidationError("--likelihood ais needs images: --likelihood-images must be at least 1, not 0")
  }

  func run(_ components: Components) throws {
    let device = computing.device
    var options = measuring.options
    options.metrics = metrics
    options.likelihood = likelihood
    let run = try TrainedRun(at: folder, components: components, on: device)
    let path = output ?? run.folder.reportFolder
    try Report.requireWritable(path, of: run, force: force)
    let report = try measureReport(run, options, on: device, computing)
    try report.write(to: path)
    try StandardStream.output.writeLine(report.summary)
    try StandardStream.output.writeLine("The report is in \(path): open \(PathParts.join(path, "index.html"))")
  }
}

extension LikelihoodMethod: ExpressibleByArgument {}

/// The sample sizes of a report.
struct ReportMeasuringOptions: ParsableArguments {
  @Option(help: "The number of samples of q(z) for the decomposition (default: report.samples of the run).")
  var samples: Int?

  @Option(help: "The number of images whose distortion is measured (default: report.distortion_images of the run).")
  var distortionImages: Int?

  @Option(help: "The seed of all random numbers (default: the seed of the run).", transform: readSeed)
  var seed: Int?

  @Option(help: "The number of samples of q(z) for pairs of latents, and for factors that cannot be integrated.")
  var pairwiseSamples = ReportOptions().pairwiseSamples

  @Option(help: "The number of batches of each size for the audit of estimators.")
  var auditBatches = ReportOptions().auditBatches

  @Option(
    help: ArgumentHelp(
      "A batch size for the audit of estimators (default: 64, 256, 1024). Repeatable.", valueName: "size"))
  var auditBatchSize: [Int] = []

  @Option(help: "The number of images whose log p(x) is estimated; 0 omits it.")
  var likelihoodImages = ReportOptions().likelihoodImages

  @Option(help: "The largest number of codes for each of these images.")
  var likelihoodSamples = ReportOptions().likelihoodSamples

  func validate() throws {
    let bounds: [(name: String, value: Int?, range: ClosedRange<Int>)] = [
      ("--samples", samples, 2...10_000_000), ("--distortion-images", distortionImages, 2...10_000_000),
      ("--seed", seed, 0...Int.max), ("--pairwise-samples", pairwiseSamples, 2...1_000_000),
      ("--audit-batches", auditBatches, 1...100_000), ("--likelihood-images", likelihoodImages, 0...100_000),
      ("--likelihood-samples", likelihoodSamples, 2...10_000_000),
    ]
    for (name, value, range) in bounds + auditBatchSize.map({ ("--audit-batch-size", $0, 1...100_000) }) {
      if let value, !range.contains(value) {
        throw ValidationError("\(name) must be from \(range.lowerBound) to \(range.upperBound), not \(value)")
      }
    }
  }

  var options: ReportOptions {
    var options = ReportOptions()
    options.samples = samples
    options.distortionImages = distortionImages
    options.seed = seed
    options.pairwiseSamples = pairwiseSamples
    options.auditBatches = auditBatches
    if !auditBatchSize.isEmpty { options.auditBatchSizes = auditBatchSize }
    options.likelihoodImages = likelihoodImages
    options.likelihoodSamples = likelihoodSamples
    return options
  }
}
