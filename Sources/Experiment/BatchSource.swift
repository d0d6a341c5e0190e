import FactorData
import Objectives
import TensorCore

/// Reads what the batches of an objective hold, as functions of the step alone.
struct BatchSource {
  /// What the batch of one step holds.
  struct Batch {
    var indices: [Int]
    var images: Tensor<Float>
    var pairs: PairedImages?
    var labelled: LabelledImages?
  }

  /// The images of a step, by number.
  private struct Plan {
    let step: Int
    let indices: [Int]
    let pairs: PairSampler.Pairs?
    let labelled: LabelledPart.Batch?

    var lists: [[Int]] { [indices] + (pairs.map { [$0.second] } ?? []) + (labelled.map { [$0.indices] } ?? []) }
  }

  private let reader: BatchReader
  private var sampler: BatchSampler
  private let pairs: PairSampler?
  private let labelled: (part: LabelledPart, batchSize: Int)?
  /// The plans of the next steps, in order.
  private var plans: [Plan] = []

  /// The number of updates in all.
  var steps: Int { sampler.steps }

  /// Prepares the batches.
  ///
  /// - Throws: `StructuredError` if a batch is larger than the data, or the data does not have what the objective asks
  ///   for.
  init(
    _ request: BatchRequest, of dataset: any FactorDataset, from distribution: ImageDistribution,
    _ training: ExperimentConfiguration.Training, _ length: ExperimentConfiguration.Training.Length,
    stream: RandomStream, on device: Device
  ) throws {
    reader = BatchReader(dataset, on: device)
    sampler = try BatchSampler(length, batchSize: training.batchSize, from: distribution, stream: stream)
    pairs = try request.pairs.map {
      try PairSampler(
        dataset.factors, changing: .init($0.changedFactors), redraw: $0.valuesDiffer ? .otherValue : .anyValue,
        stream: stream)
    }
    labelled = try request.labels.map {
      (try LabelledPart($0.count, of: dataset.factors, stream: stream), $0.batchSize ?? training.batchSize)
    }
  }

  /// The batch of a step, counted from 0.
  ///
  /// - Throws: `StructuredError` if images cannot be read.
  mutating func batch(at step: Int) throws -> Batch {
    if plans.first?.step != step { plans = [] }
    var later: [Plan] = []
    while plans.count <= reader.lookahead {
      plans.append(plan(at: step + plans.count))
      if plans.count > 2, let last = plans.last { later.append(last) }
    }
    let plan = plans.removeFirst()
    var images = try reader.read(plan.lists)
    if let next = plans.first { reader.begin(next.lists) }
    for plan in later { reader.announce(plan.lists) }
    var batch = Batch(indices: plan.indices, images: images.removeFirst())
    if let drawn = plan.pairs, let pairs {
      batch.pairs = PairedImages(
        second: images.removeFirst(), shared: drawn.shared, factors: pairs.factors.count, varying: pairs.varying)
    }
    if let values = plan.labelled?.values, let (part, _) = labelled {
      batch.labelled = LabelledImages(images: images.removeFirst(), values: values, sizes: part.factors.map(\.size))
    }
    return batch
  }

  private mutating func plan(at step: Int) -> Plan {
    let indices = sampler.batch(at: step)
    return Plan(
      step: step, indices: indices, pairs: pairs?.pairs(from: indices, at: step),
      labelled: labelled.map { part, size in part.batch(size, at: step) })
  }
}

extension PairSampler.ChangedCount {
  init(_ request: PairRequest.ChangedFactors) {
    self =
      switch request {
      case .fixed(let count): .fixed(count)
      case .uniform: .uniform
      case .fixedOrOne(let count): .fixedOrOne(count)
      case .uniformOrOne: .uniformOrOne
      }
  }
}
