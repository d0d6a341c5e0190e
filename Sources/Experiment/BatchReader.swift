import Dispatch
import FactorData
import Synchronization
import TensorCore

/// Reads the images of batches: those on disk one batch ahead, on a thread of its own, while the step before is computed.
///
/// What is read ahead has the same bits as what is read when it is needed.
final class BatchReader {
  private let dataset: any FactorDataset
  private let device: Device
  /// Where images are read ahead; nil where they are in memory.
  private let queue: DispatchQueue?
  private var reading: Reading?

  /// A batch that is being read.
  private struct Reading {
    let lists: [[Int]]
    let tensors: [Tensor<Float>]
    let work: DispatchWorkItem
    let outcome: Outcome
  }

  private final class Outcome: Sendable {
    let error = Mutex<(any Error)?>(nil)
  }

  /// How many batches before it is needed the system is told to fetch one from the disk.
  let lookahead: Int

  init(_ dataset: any FactorDataset, on device: Device) {
    (self.dataset, self.device) = (dataset, device)
    let isOnDisk = dataset.images is any DiskImages
    queue = isOnDisk ? DispatchQueue(label: "images read ahead") : nil
    lookahead = isOnDisk ? 8 : 0
  }

  deinit { reading?.work.wait() }

  /// Says which images will be read after several other batches.
  func announce(_ lists: [[Int]]) { for list in lists { dataset.images.announce(list) } }

  /// Begins to read lists of images, which the next call of ``read(_:)`` is to ask for.
  func begin(_ lists: [[Int]]) {
    guard let queue else { return }
    let source = dataset.images, outcome = Outcome()
    let tensors = lists.map { Tensor<Float>(uninitialized: source.shape.batch($0.count), on: device) }
    // The tensors belong to this thread again when the work is done.
    nonisolated(unsafe) let targets = tensors
    let work = DispatchWorkItem {
      do {
        for (list, tensor) in zip(lists, targets) {
          try list.withUnsafeBufferPointer { try source.read($0, into: tensor.pointer) }
        }
      } catch { outcome.error.withLock { $0 = error } }
    }
    reading = Reading(lists: lists, tensors: tensors, work: work, outcome: outcome)
    queue.async(execute: work)
  }

  /// Reads lists of images, each as a tensor.
  ///
  /// - Throws: `StructuredError` if an image cannot be read.
  func read(_ lists: [[Int]]) throws -> [Tensor<Float>] {
    if let reading {
      self.reading = nil
      reading.work.wait()
      if reading.lists == lists, reading.outcome.error.withLock({ $0 }) == nil { return reading.tensors }
    }
    // Here also after an error, so that it is told as one of the data set.
    return try lists.map { try dataset.batch($0, on: device) }
  }
}
