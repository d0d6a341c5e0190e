import Diagnostics
import FactorData
import TensorCore

/// Which images make up the batch of a step: a pure function of the stream and the step, so that resuming needs no state.
public struct BatchSampler {
  private let distribution: ImageDistribution
  private let batchSize: Int
  private let byEpochs: Bool
  private let stream: RandomStream
  private var epoch: (number: Int, order: [Int])?

  /// The number of updates in all.
  public let steps: Int

  /// Plans the batches.
  ///
  /// - Parameters:
  ///   - length: how long training goes on.
  ///   - batchSize: B.
  ///   - distribution: the images, and how often each is drawn.
  ///   - stream: where the choice comes from.
  /// - Throws: `StructuredError` if a batch is larger than the data, or epochs are asked for although some images are more
  ///   frequent than others.
  public init(
    _ length: ExperimentConfiguration.Training.Length, batchSize: Int, from distribution: ImageDistribution,
    stream: RandomStream
  ) throws {
    let count = distribution.count
    guard batchSize <= count else {
      throw StructuredError(
        "training.batch_size is \(batchSize), but the data set has \(count) images",
        expected: "a batch size from 1 to \(count)", action: "Choose a smaller one with --set training.batch_size=…")
    }
    (self.distribution, self.batchSize, self.stream) = (distribution, batchSize, stream)
    switch length {
    case .steps(let steps): (self.steps, byEpochs) = (steps, false)
    case .epochs(let epochs):
      guard distribution.isUniform else {
        throw StructuredError(
          "training.epochs goes through all images equally often, and dataset.sampling has pairs",
          at: "training.epochs",
          expected: "training.steps")
      }
      (steps, byEpochs) = (epochs * (count / batchSize), true)
    }
  }

  /// The indices of the batch of a step, counted from 0.
  public mutating func batch(at step: Int) -> [Int] {
    if !byEpochs {
      var stream = stream.split("batch", step)
      return (0..<batchSize).map { _ in distribution.draw(from: &stream) }
    }
    let count = distribution.count, perEpoch = count / batchSize
    let number = step / perEpoch, first = step % perEpoch * batchSize
    if epoch?.number != number {
      var stream = stream.split("epoch", number)
      epoch = (number, stream.permutation(of: count))
    }
    return (epoch?.order ?? [])[first..<first + batchSize].map { distribution.images[$0] }
  }
}
