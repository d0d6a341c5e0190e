import Dispatch
import FactorData
import Synchronization
import TensorCore

/// Reads the images of batches.
///
/// Those on disk are announced to the system many batches ahead. Where that has an effect, they are in memory when they are
/// needed, and all threads read a part of the batch: a thread beside them would displace one, and the others would wait.
/// Otherwise, as where images have to be decoded, their bytes are read one batch ahead on a thread of its own, while the step
/// before is computed, and become floats on all threads when the batch is needed. The bits are the same either way.
final class BatchReader {
  private let dataset: any FactorDataset
  private let device: Device
  /// The images that are read ahead; nil where they are in memory.
  private let disk: (any DiskImages)?
  private let queue = DispatchQueue(label: "images read ahead")
  private var reading: Reading?
  /// The memory of the last batch, for the next one.
  private var spare: [UnsafeMutableBufferPointer<UInt8>] = []

  /// A batch that is being read.
  private struct Reading {
    let lists: [[Int]]
    let bytes: [UnsafeMutableBufferPointer<UInt8>]
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
    disk = dataset.images as? any DiskImages
    lookahead = disk == nil ? 0 : 32
  }

  deinit {
    reading?.work.wait()
    for bytes in spare + (reading?.bytes ?? []) { bytes.deallocate() }
  }

  /// Says which images will be read after several other batches. The system has to start as many transfers as there are
  /// images, so that all threads take part.
  func announce(_ lists: [[Int]]) {
    guard let disk else { return }
    for list in lists { device.forEachRange(list.count, grain: 4) { _, part in disk.announce(Array(list[part])) } }
  }

  /// Begins to read lists of images, which the next call of ``read(_:)`` is to ask for.
  func begin(_ lists: [[Int]]) {
    guard let disk, !disk.isFetchedInAdvance else { return }
    let outcome = Outcome(), size = disk.shape.count
    var bytes = spare
    spare = []
    if bytes.map(\.count) != lists.map({ $0.count * size }) {
      for old in bytes { old.deallocate() }
      bytes = lists.map { .allocate(capacity: $0.count * size) }
    }
    // The memory belongs to this thread again when the work is done.
    nonisolated(unsafe) let targets = bytes
    let work = DispatchWorkItem {
      do {
        for (list, bytes) in zip(lists, targets) {
          guard let start = bytes.baseAddress else { continue }
          try list.withUnsafeBufferPointer { try disk.readBytes($0, into: start) }
        }
      } catch { outcome.error.withLock { $0 = error } }
    }
    reading = Reading(lists: lists, bytes: bytes, work: work, outcome: outcome)
    queue.async(execute: work)
  }

  /// Reads lists of images, each as a tensor.
  ///
  /// - Throws: `StructuredError` if an image cannot be read.
  func read(_ lists: [[Int]]) throws -> [Tensor<Float>] {
    if let reading, let disk {
      self.reading = nil
      reading.work.wait()
      spare = reading.bytes
      if reading.lists == lists, reading.outcome.error.withLock({ $0 }) == nil {
        return zip(lists, reading.bytes).map { list, bytes in
          let tensor = Tensor<Float>(uninitialized: disk.shape.batch(list.count), on: device)
          disk.convert(UnsafeBufferPointer(bytes), into: tensor.pointer, on: device)
          return tensor
        }
      }
    }
    // Here also after an error, so that it is told as one of the data set.
    return try lists.map { try dataset.batch($0, on: device) }
  }
}
