import Diagnostics
import TensorCore

/// Which images make up the batch of a step: a pure function of the stream and the step, so that resuming needs no state.
public struct BatchSampler {
  private let count: Int
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
  ///   - count: N.
  ///   - stream: where the choice comes from.
  /// - Throws: `StructuredError` if a batch is larger than the data.
  public init(
    _ length: ExperimentConfiguration.Training.Length, batchSize: Int, count: Int, stream: RandomStream
  ) throws {
    guard batchSize <= count else {
      throw StructuredError(
        "training.batch_size is \(batchSize), but the data set has \(count) images",
        expected: "a batch size from 1 to \(count)", action: "Choose a smaller one with --set training.batch_size=…")
    }
    (self.count, self.batchSize, self.stream) = (count, batchSize, stream)
    switch length {
    case .steps(let steps): (self.steps, byEpochs) = (steps, false)
    case .epochs(let epochs): (steps, byEpochs) = (epochs * (count / batchSize), true)
    }
  }

  /// The indices of the batch of a step, counted from 0.
  public mutating func batch(at step: Int) -> [Int] {
    if !byEpochs {
      var stream = stream.split("batch", step)
      return (0..<batchSize).map { _ in stream.integer(below: count) }
    }
    let perEpoch = count / batchSize
    let number = step / perEpoch, first = step % perEpoch * batchSize
    if epoch?.number != number {
      var stream = stream.split("epoch", number)
      epoch = (number, stream.permutation(of: count))
    }
    return Array((epoch?.order ?? [])[first..<first + batchSize])
  }
}
