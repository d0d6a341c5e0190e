import RateDecomposition
import TensorCore
import TestSupport
import Testing

/// Everything that is measured of a posterior, on 1, 2, 3, 8 and 64 threads against one thread.
@Suite("Thread counts: decomposition and information") struct DecompositionThreadCountTests {
  /// All numbers that are measured.
  private func measure(_ posterior: PosteriorTable, threads: Int) throws -> [Double] {
    let device = Device(threads: threads)
    let exact = try RateDecomposition(of: posterior, options: options(samples: 70, batchSize: 8), on: device)
    let integrated = IntegratedPosterior(posterior, on: device)
    var pairOptions = PairwiseInformation.Options()
    pairOptions.samples = 50
    let pairs = try PairwiseInformation(of: integrated, options: pairOptions)
    let factors = try FactorInformation(
      of: integrated,
      factors: [FactorLabels(name: "index", values: (0..<posterior.count).map { Int32($0 % 3) }, isCategorical: true)],
      samples: 50, seed: 1)
    var auditOptions = EstimatorAudit.Options()
    (auditOptions.batchSizes, auditOptions.batches) = ([4, 16], 3)
    let audit = try EstimatorAudit(of: posterior, exact: exact, options: auditOptions, on: device)
    var values: [Double] = [exact.totalCorrelation.value, exact.mutualInformation.value]
    values += exact.minibatchEstimates.map { $0.totalCorrelation }
    values += LatentInformation(of: integrated).latents.map(\.mutualInformation.value)
    values += pairs.pairs.map(\.mutualInformation.value)
    values += factors.factors.flatMap { $0.mutualInformation.map { $0.value } }
    return values + audit.rows.compactMap { $0.totalCorrelation?.mean }
  }

  @Test("Results are those of one thread", arguments: [3, 150])
  func results(count: Int) throws {
    let posterior = try syntheticPosterior(count: count, d: 5, informative: 3, seed: 2)
    let alone = try measure(posterior, threads: 1)
    #expect(alone.allSatisfy({ $0.isFinite }))
    for threads in threadCounts {
      // Sums over images and samples in double precision may be split among the threads.
      #expect(try relativeDifference(measure(posterior, threads: threads), alone) < 1e-12, "\(threads) threads")
    }
  }
}
