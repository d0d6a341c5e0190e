import Diagnostics

/// The rows of an array in a file, readable in any order by several threads: those of an array whose elements lie in the file
/// one after the other, or in chunks of whole rows.
///
/// Rows come as they are stored. The checksum of an NPZ member covers all of it, so that single rows are not checked.
public struct ArrayRows: Sendable {
  /// The bytes of a row.
  public let rowBytes: Int
  /// The number of rows.
  public let count: Int

  private enum Storage: Sendable {
    case consecutive(FileBytes, offset: Int)
    case chunks(HDF5Dataset)
  }

  private let storage: Storage
  private let location: String

  /// Chunks of more bytes are not read for the sake of a single row.
  private static let largestChunk = 1 << 20

  private init(_ storage: Storage, rowBytes: Int, count: Int, location: String) {
    (self.storage, self.rowBytes, self.count, self.location) = (storage, rowBytes, count, location)
  }

  /// Rows that lie one after the other.
  init(_ file: FileBytes, offset: Int, rowBytes: Int, count: Int, location: String) {
    self.init(.consecutive(file, offset: offset), rowBytes: rowBytes, count: count, location: location)
  }

  /// The rows of an HDF5 array; nil where its storage does not permit to read them at random.
  init?(_ dataset: HDF5Dataset, of source: HDF5Source, location: String) {
    guard let count = dataset.space.shape.first, dataset.space.count > 0 else { return nil }
    let rowBytes = dataset.space.shape.dropFirst().reduce(dataset.type.size, *), storage: Storage
    switch dataset.storage {
    case .contiguous(let address?): storage = .consecutive(source.file, offset: source.base + address)
    case .chunked(let table)
    where table.grid.dropFirst().allSatisfy { $0 == 1 }
      && (table.chunkShape[0] == 1 || table.chunkBytes <= Self.largestChunk):
      storage = .chunks(dataset)
    default: return nil
    }
    self.init(storage, rowBytes: rowBytes, count: count, location: location)
  }

  /// Reads a row.
  ///
  /// - Precondition: the row is in `0..<count`, and the buffer holds `rowBytes` bytes.
  /// - Throws: `StructuredError` if the file has become shorter, is damaged or cannot be read.
  public func read(_ row: Int, into buffer: UnsafeMutableRawBufferPointer) throws {
    precondition(row >= 0 && row < count && buffer.count == rowBytes, "no such row")
    switch storage {
    case .consecutive(let file, let offset):
      guard file.read(into: buffer, at: offset + row * rowBytes) else {
        throw StructuredError("row \(row) cannot be read: the file ends before it, or the disk fails", at: location)
      }
    case .chunks(let dataset):
      try locatingProblems(at: location, HDF5File.damagedData) { try dataset.readBytes(row..<row + 1, into: buffer) }
    }
  }

  /// Whether ``announce(_:)`` has an effect.
  public var canBeAnnounced: Bool {
    #if canImport(Glibc)
      if case .consecutive = storage { return true }
    #endif
    return false
  }

  /// Tells the system that rows will be read soon, so that it can fetch them from the disk meanwhile.
  public func announce(_ rows: [Int]) {
    guard case .consecutive(let file, let offset) = storage else { return }
    for row in rows where row >= 0 && row < count { file.announce(offset + row * rowBytes, rowBytes) }
  }
}
