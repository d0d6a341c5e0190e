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

  private let dataset: any FactorDataset
  private let device: Device
  private var sampler: BatchSampler
  private let pairs: PairSampler?
  private let labelled: (part: LabelledPart, batchSize: Int)?

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
    (self.dataset, self.device) = (dataset, device)
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
    let labelled = try labelled.map { part, size in
      let batch = part.batch(size, at: step)
      return LabelledImages(
        images: try dataset.batch(batch.indices, on: device), values: batch.values, sizes: part.factors.map(\.size))
    }
    let indices = sampler.batch(at: step), images = try dataset.batch(indices, on: device)
    guard let pairs else {
      return Batch(indices: indices, images: images, labelled: labelled)
    }
    let drawn = pairs.pairs(from: indices, at: step)
    let second = PairedImages(
      second: try dataset.batch(drawn.second, on: device), shared: drawn.shared, factors: pairs.factors.count,
      varying: pairs.varying)
    return Batch(indices: indices, images: images, pairs: second, labelled: labelled)
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
