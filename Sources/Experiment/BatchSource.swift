import FactorData
import Objectives
import TensorCore

/// Reads what the batches of an objective hold, as functions of the step alone.
struct BatchSource {
  /// What the batch of one step holds.
  struct Batch {
    var images: Tensor<Float>
    var pairs: PairedImages?
    var labelled: LabelledImages?
  }

  private let dataset: any FactorDataset
  private let device: Device
  private var sampler: BatchSampler

  /// The number of updates in all.
  var steps: Int { sampler.steps }

  /// Prepares the batches.
  ///
  /// - Throws: ``StructuredError`` if a batch is larger than the data, or the data does not have what the objective asks
  ///   for.
  init(
    _ request: BatchRequest, of dataset: any FactorDataset, _ training: ExperimentConfiguration.Training,
    _ length: ExperimentConfiguration.Training.Length, stream: RandomStream, on device: Device
  ) throws {
    (self.dataset, self.device) = (dataset, device)
    sampler = try BatchSampler(length, batchSize: training.batchSize, count: dataset.count, stream: stream)
  }

  /// The batch of a step, counted from 0.
  ///
  /// - Throws: ``StructuredError`` if images cannot be read.
  mutating func batch(at step: Int) throws -> Batch {
    Batch(images: dataset.batch(sampler.batch(at: step), on: device))
  }
}
