/// The chunk indexes that number the chunks along the largest grid that the array may grow to.
struct HDF5ChunkArrays {
  private let budget: HDF5ReadBudget
  /// The axes in the order of the numbering, and the extents of the largest grid along them; nil for no limit.
  private let axes: [Int], extents: [Int?]
  private let what = "the table of chunks"

  /// - Parameter largest: the extents up to which the array may grow; nil for an unlimited axis. Arrays with these
  ///   indexes have at most one.
  init(_ table: HDF5ChunkTable, largest: [Int?], _ budget: HDF5ReadBudget) {
    self.budget = budget
    let grid = zip(largest, table.chunkShape).map { limit, chunk in limit.map { ($0 + chunk - 1) / chunk } }
    // The unlimited axis comes first, so that the numbers of chunks do not change as the array grows.
    let unlimited = grid.firstIndex { $0 == nil }
    axes = (unlimited.map { [$0] } ?? []) + grid.indices.filter { $0 != unlimited }
    extents = axes.map { grid[$0] }
  }

  /// The grid position of the chunk of a number; nil for a number beyond the largest grid.
  private func place(_ number: Int) -> [Int]? {
    var rest = number, place = [Int](repeating: 0, count: axes.count)
    for (axis, extent) in zip(axes, extents).reversed() {
      if let extent {
        guard extent > 0 else { return nil }
        place[axis] = rest % extent
        rest /= extent
      } else {
        place[axis] = rest
        rest = 0
      }
    }
    return rest == 0 ? place : nil
  }

  /// Adds chunks that are stored contiguously in the order of their numbers.
  func addImplicit(at address: Int, to table: inout HDF5ChunkTable) throws {
    // The number of declared chunks is limited by the size of the file.
    let fits = budget.source.file.count / table.chunkBytes
    guard let count = checkedProduct(extents.map { $0 ?? 1 }), count <= fits else {
      throw HDF5Problem.damaged("the chunks lie beyond the end of the file")
    }
    for number in 0..<count {
      guard let place = place(number) else { continue }
      try table.add(address + number * table.chunkBytes, size: table.chunkBytes, mask: 0, at: place, budget)
    }
  }

  /// Adds the elements of an index: an address, and for filtered chunks a size and a mask.
  private func add(_ fields: inout HDF5Fields, _ numbers: Range<Int>, elementSize: Int, to table: inout HDF5ChunkTable)
    throws
  {
    let sizeSize = elementSize - budget.source.offsetSize - 4
    for number in numbers {
      var element = try fields.fields(elementSize)
      guard let address = try element.address(), let place = place(number) else { continue }
      let isFiltered = sizeSize > 0
      let size = isFiltered ? try element.number(sizeSize) : table.chunkBytes
      try table.add(address, size: size, mask: isFiltered ? try element.number(4) : 0, at: place, budget)
    }
  }

  /// The element size that an index declares, checked against the valid sizes.
  private func elementSize(_ declared: Int, isFiltered: Bool) throws -> Int {
    let address = budget.source.offsetSize
    guard isFiltered ? (address + 5...address + 12).contains(declared) : declared == address else {
      throw HDF5Problem.damaged("\(what) has elements of \(declared) bytes")
    }
    return declared
  }

  /// Adds elements stored in pages of `page` elements, each with a checksum; `isUsed` says which pages were written.
  private func addPages(
    at address: Int, _ numbers: Range<Int>, page: Int, elementSize: Int, to table: inout HDF5ChunkTable,
    isUsed: (_ page: Int) -> Bool
  ) throws {
    var place = address
    for (index, start) in stride(from: numbers.lowerBound, to: numbers.upperBound, by: page).enumerated() {
      let range = start..<min(start + page, numbers.upperBound), bytes = range.count * elementSize + 4
      if isUsed(index) {
        var fields = try budget.checkedBlock(at: place, bytes, what)
        try add(&fields, range, elementSize: elementSize, to: &table)
      }
      place += bytes
    }
  }

  /// Whether a bit of a bitmap is set; the highest bit of each byte is the first.
  private static func isSet(_ bit: Int, _ bitmap: ArraySlice<UInt8>) -> Bool {
    bitmap[bitmap.startIndex + bit / 8] & (0x80 >> UInt8(bit % 8)) != 0
  }

  // MARK: Fixed arrays

  /// Adds the chunks of a fixed array: a header and one block of all elements, in pages if there are many.
  func addFixedArray(at address: Int, to table: inout HDF5ChunkTable) throws {
    let source = budget.source
    var header = try budget.checkedBlock(at: address, 12 + source.lengthSize + source.offsetSize, what)
    try header.expect("FAHD")
    _ = try header.expect(0...0)
    let isFiltered = try header.expect(0...1, "kind") == 1
    let size = try elementSize(try header.byte(), isFiltered: isFiltered), pageBits = try header.byte()
    let count = try header.length()
    guard let block = try header.address() else { return }
    guard count <= source.file.count, pageBits < 32 else { throw header.damaged("declares \(count) elements") }
    let page = 1 << pageBits, prefix = 6 + source.offsetSize
    if count <= page {
      var fields = try budget.checkedBlock(at: block, prefix + count * size + 4, what)
      try fields.expect("FADB")
      try fields.skip(prefix - 4)
      try add(&fields, 0..<count, elementSize: size, to: &table)
    } else {
      let bitmapSize = ((count + page - 1) / page + 7) / 8
      var fields = try budget.checkedBlock(at: block, prefix + bitmapSize + 4, what)
      try fields.expect("FADB")
      try fields.skip(prefix - 4)
      let bitmap = try fields.take(bitmapSize)
      try addPages(
        at: block + prefix + bitmapSize + 4, 0..<count, page: page, elementSize: size, to: &table,
        isUsed: { Self.isSet($0, bitmap) })
    }
  }

  // MARK: Extensible arrays

  /// The parameters of an extensible array.
  private struct Extensible {
    var elementSize: Int, bits: Int, inIndex: Int, smallestBlock: Int, smallestPointers: Int, pageBits: Int
    /// The number of bytes of a block's offset.
    var offsetBytes: Int { (bits + 7) / 8 }
    /// The number of super blocks, those in the index block included.
    var superBlocks: Int { 1 + bits - smallestBlock.trailingZeroBitCount }
    /// The number of data blocks of a super block.
    func blocks(_ superBlock: Int) -> Int { 1 << (superBlock / 2) }
    /// The number of elements of each data block of a super block.
    func elements(_ superBlock: Int) -> Int { smallestBlock << ((superBlock + 1) / 2) }
  }

  /// Adds the chunks of an extensible array: an index block with the first elements, addresses of data blocks, and
  /// addresses of super blocks, which hold the addresses of increasingly larger data blocks.
  func addExtensibleArray(at address: Int, to table: inout HDF5ChunkTable) throws {
    let source = budget.source
    var header = try budget.checkedBlock(at: address, 16 + 6 * source.lengthSize + source.offsetSize, what)
    try header.expect("EAHD")
    _ = try header.expect(0...0)
    let isFiltered = try header.expect(0...1, "kind") == 1
    let array = Extensible(
      elementSize: try elementSize(try header.byte(), isFiltered: isFiltered), bits: try header.byte(),
      inIndex: try header.byte(), smallestBlock: try header.byte(), smallestPointers: try header.byte(),
      pageBits: try header.byte())
    try header.skip(6 * source.lengthSize)
    guard let index = try header.address() else { return }
    guard array.bits <= 48, array.smallestBlock.nonzeroBitCount == 1, array.smallestPointers.nonzeroBitCount == 1,
      array.smallestBlock.trailingZeroBitCount <= array.bits, array.pageBits <= 32
    else { throw header.damaged() }
    let inline = min(array.superBlocks, 2 * array.smallestPointers.trailingZeroBitCount)
    let direct = 2 * (array.smallestPointers - 1), others = array.superBlocks - inline
    let prefix = 6 + source.offsetSize
    let length = prefix + array.inIndex * array.elementSize + (direct + others) * source.offsetSize + 4
    var fields = try budget.checkedBlock(at: index, length, what)
    try fields.expect("EAIB")
    try fields.skip(prefix - 4)
    try add(&fields, 0..<array.inIndex, elementSize: array.elementSize, to: &table)
    // Data blocks are numbered across super blocks; the first super blocks are part of the index block.
    var first = array.inIndex, remaining = direct
    for superBlock in 0..<inline {
      for _ in 0..<min(remaining, array.blocks(superBlock)) {
        let block = try fields.address(), count = array.elements(superBlock)
        remaining -= 1
        if let block { try addDataBlock(at: block, first, count, array, bitmap: nil, to: &table) }
        first += count
      }
    }
    for superBlock in inline..<array.superBlocks {
      if let block = try fields.address() { try addSuperBlock(at: block, superBlock, first, array, to: &table) }
      first += array.blocks(superBlock) * array.elements(superBlock)
    }
  }

  private func addSuperBlock(
    at address: Int, _ number: Int, _ first: Int, _ array: Extensible, to table: inout HDF5ChunkTable
  ) throws {
    let source = budget.source, blocks = array.blocks(number), count = array.elements(number),
      page = 1 << array.pageBits
    let bitmapSize = count > page ? (count / page + 7) / 8 : 0
    let prefix = 6 + source.offsetSize + array.offsetBytes
    guard bitmapSize <= source.file.count, blocks <= source.file.count else {
      throw HDF5Problem.damaged("\(what) lies beyond the end of the file")
    }
    var fields = try budget.checkedBlock(
      at: address, prefix + blocks * (bitmapSize + source.offsetSize) + 4, what)
    try fields.expect("EASB")
    try fields.skip(prefix - 4)
    let bitmaps = try (0..<blocks).map { _ in try fields.take(bitmapSize) }
    for (index, bitmap) in bitmaps.enumerated() {
      guard let block = try fields.address() else { continue }
      try addDataBlock(at: block, first + index * count, count, array, bitmap: bitmap, to: &table)
    }
  }

  private func addDataBlock(
    at address: Int, _ first: Int, _ count: Int, _ array: Extensible, bitmap: ArraySlice<UInt8>?,
    to table: inout HDF5ChunkTable
  ) throws {
    let prefix = 6 + budget.source.offsetSize + array.offsetBytes, page = 1 << array.pageBits
    guard count <= budget.source.file.count else {
      throw HDF5Problem.damaged("\(what) lies beyond the end of the file")
    }
    let isPaged = count > page
    var fields = try budget.checkedBlock(at: address, prefix + (isPaged ? 0 : count * array.elementSize) + 4, what)
    try fields.expect("EADB")
    try fields.skip(prefix - 4)
    if isPaged {
      try addPages(
        at: address + prefix + 4, first..<first + count, page: page, elementSize: array.elementSize, to: &table,
        isUsed: { page in bitmap.map { $0.isEmpty || Self.isSet(page, $0) } ?? true })
    } else {
      try add(&fields, first..<first + count, elementSize: array.elementSize, to: &table)
    }
  }
}
