/// The places of an array's chunks in the file, whatever index the file uses.
struct HDF5ChunkTable: Sendable {
  /// One stored chunk.
  struct Chunk: Sendable {
    var address: Int
    var size: Int
    /// The filters that were skipped for it; the lowest bit is the first filter.
    var mask: Int
  }

  /// The extents of a chunk, one for each axis of the array.
  let chunkShape: [Int]
  /// The number of bytes of a chunk's elements.
  let chunkBytes: Int
  /// The number of chunks along each axis.
  let grid: [Int]
  /// The stored chunks by their row-major number in the grid; the others were never written.
  private(set) var chunks: [Int: Chunk] = [:]
  /// The number of bytes of the stored chunks.
  private(set) var storedBytes = 0

  /// - Throws: ``HDF5Problem`` if the chunk shape is invalid.
  init(shape: [Int], chunkShape: [Int], elementSize: Int) throws {
    guard !shape.isEmpty, chunkShape.count == shape.count, chunkShape.allSatisfy({ $0 > 0 }),
      let bytes = checkedProduct(chunkShape + [elementSize]), bytes < 1 << 32
    else { throw HDF5Problem.damaged("the array of shape \(shape) cannot have chunks of \(chunkShape)") }
    (self.chunkShape, chunkBytes) = (chunkShape, bytes)
    grid = zip(shape, chunkShape).map { ($0 + $1 - 1) / $1 }
  }

  /// The number of the chunk at a grid position; nil outside the grid.
  func number(_ place: [Int]) -> Int? {
    var number = 0
    for (position, extent) in zip(place, grid) {
      guard position < extent else { return nil }
      number = number * extent + position
    }
    return number
  }

  /// Adds a chunk. Chunks outside the array, which may have shrunk, are skipped.
  mutating func add(_ address: Int, size: Int, mask: Int, at place: [Int], _ budget: HDF5ReadBudget) throws {
    guard let number = number(place) else { return }
    func first() -> [Int] { zip(place, chunkShape).map { $0 * $1 } }
    guard budget.source.file.contains(budget.source.base + address, size) else {
      throw HDF5Problem.damaged("the chunk at \(first()) lies beyond the end of the file")
    }
    guard chunks.updateValue(Chunk(address: address, size: size, mask: mask), forKey: number) == nil else {
      throw HDF5Problem.damaged("there are two chunks at \(first())")
    }
    storedBytes += size
  }

  /// Adds the chunks of a B-tree of version 1. A key is a size, a mask, and the index of the first element, with an
  /// additional axis.
  mutating func addVersion1Tree(at root: Int, _ budget: HDF5ReadBudget) throws {
    let keySize = 8 * chunkShape.count + 16
    let what = "the table of chunks"
    try HDF5Version1BTree.forEachLeaf(.chunks, at: root, keySize: keySize, what, budget) { key, address in
      var key = key
      let size = try key.number(4), mask = try key.number(4)
      let place = try chunkShape.map { extent in
        let offset = try key.number(8)
        guard offset % extent == 0 else { throw key.damaged("has a chunk that is not aligned with the grid") }
        return offset / extent
      }
      try add(address, size: size, mask: mask, at: place, budget)
    }
  }

  /// Adds the chunks of a B-tree of version 2. A record is an address, for filtered chunks a size and a mask, and the
  /// grid position.
  mutating func addVersion2Tree(at root: Int, _ budget: HDF5ReadBudget) throws {
    let rank = chunkShape.count, what = "the table of chunks"
    try HDF5BTree(at: root, kinds: [10, 11], what, budget).forEachRecord { kind, record in
      var record = record
      let address = try record.requiredAddress()
      var size = chunkBytes, mask = 0
      if kind == 11 {
        size = try record.number(record.count - 4 - 8 * rank)
        mask = try record.number(4)
      }
      let place = try (0..<rank).map { _ in try record.number(8) }
      try add(address, size: size, mask: mask, at: place, budget)
    }
  }
}
