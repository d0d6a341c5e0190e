import ArgumentParser
import Diagnostics
import Experiment
import Foundation
import RateDecomposition
import Reports
import TensorCore

struct AuditCommand: ComponentCommand {
  static let configuration = CommandConfiguration(
    commandName: "audit",
    abstract: "Compare minibatch estimates of I(x; z), TC(z) and dimension-wise KL with the exact values.",
    discussion: """
      MWS, MSS and the Gaussian approximation on batches of several sizes: their means, standard deviations and biases \
      beside the exact values, in nats. The posteriors are those of a run, or of a file as for `disentangle decompose`. The \
      report of a run has the same table, with FactorVAE's discriminator where there is one.
      """)

  @OptionGroup var source: PosteriorOptions
  @OptionGroup var format: FormatOptions

  @Option(
    name: .customLong("batch-size"),
    help: ArgumentHelp("A batch size (default: 64, 256, 1024). Repeatable.", valueName: "size"))
  var batchSizes: [Int] = []

  @Option(help: "The number of batches of each size.")
  var batches = 32

  @OptionGroup var computing: ComputingOptions

  func validate() throws {
    for size in batchSizes where !(1...1_000_000).contains(size) {
      throw ValidationError("--batch-size must be from 1 to 1000000, not \(size)")
    }
    guard (1...100_000).contains(batches) else {
      throw ValidationError("--batches must be from 1 to 100000, not \(batches)")
    }
  }

  func run(_ components: Components) throws {
    let device = computing.device
    let (posterior, exact) = try source.decomposed(components, batchSize: nil, device: device, computing)
    guard posterior.codebookSize == nil else {
      throw StructuredError(
        "the codes are deterministic", at: source.folder ?? source.posterior ?? "",
        expected: "posteriors with densities, which minibatch estimators need")
    }
    var options = EstimatorAudit.Options()
    options.seed = exact.seed
    options.batches = batches
    if !batchSizes.isEmpty { options.batchSizes = batchSizes }
    let audit = try EstimatorAudit(of: posterior, exact: exact, options: options, on: device)
    try StandardStream.output.writeLine(format.text({ audit.table.text($0) }, json: audit.json))
  }
}
