/// Where the chunks of an array lie, whatever index the file keeps of them.
struct HDF5ChunkTable: Sendable {
  /// One stored chunk.
  struct Chunk: Sendable {
    var address: Int
    var size: Int
    /// The filters that were left out for it, the first as the lowest bit.
    var mask: Int
  }

  /// The chunks' extents, as many as the array has axes.
  let chunkShape: [Int]
  /// The number of bytes of a chunk's elements.
  let chunkBytes: Int
  /// The number of chunks along each axis.
  let grid: [Int]
  /// The stored chunks by their number in the grid, counted row-major; the others were never written.
  private(set) var chunks: [Int: Chunk] = [:]
  /// The number of bytes that the file spends on them.
  private(set) var storedBytes = 0

  /// - Throws: ``HDF5Problem`` when there can be no such chunks.
  init(shape: [Int], chunkShape: [Int], elementSize: Int) throws {
    guard !shape.isEmpty, chunkShape.count == shape.count, chunkShape.allSatisfy({ $0 > 0 }),
      let bytes = checkedProduct(chunkShape + [elementSize]), bytes < 1 << 32
    else { throw HDF5Problem.damaged("the array of shape \(shape) cannot have chunks of \(chunkShape)") }
    (self.chunkShape, chunkBytes) = (chunkShape, bytes)
    grid = zip(shape, chunkShape).map { ($0 + $1 - 1) / $1 }
  }

  /// The number in the grid of the chunk at a place in it; nil outside.
  func number(_ place: [Int]) -> Int? {
    var number = 0
    for (position, extent) in zip(place, grid) {
      guard position < extent else { return nil }
      number = number * extent + position
    }
    return number
  }

  /// Enters a chunk. Places outside of the array, which may have shrunk, are left out.
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

  /// Enters the chunks of a B-tree of version 1. Its keys are a size, a mask, and the first element with one axis more.
  mutating func addOldTree(at root: Int, _ budget: HDF5ReadBudget) throws {
    let keySize = 8 * chunkShape.count + 16
    try HDF5OldBTree.forEachLeaf(.chunks, at: root, keySize: keySize, "the table of chunks", budget) { key, address in
      var key = key
      let size = try key.number(4), mask = try key.number(4)
      let place = try chunkShape.map { extent in
        let offset = try key.number(8)
        guard offset % extent == 0 else { throw key.damaged("has a chunk that begins amid another") }
        return offset / extent
      }
      try add(address, size: size, mask: mask, at: place, budget)
    }
  }

  /// Enters the chunks of a B-tree of version 2. Its records are an address, for filtered chunks a size and a mask, and
  /// the place in the grid.
  mutating func addTree(at root: Int, _ budget: HDF5ReadBudget) throws {
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
