/// A fractal heap, in which newer files store many links of a group or many attributes of an object.
///
/// The heap is a linear space that is divided into rows of `width` blocks. The blocks of a row have the same size,
/// which doubles from the third row on. Blocks up to a limit (direct blocks) hold data; larger ones (indirect blocks)
/// are divided again in the same way.
struct HDF5FractalHeap {
  private let budget: HDF5ReadBudget
  private let what: String
  private let idLength: Int, width: Int, startSize: Int, largestDirect: Int
  private let offsetSize: Int, lengthSize: Int
  private let hasChecksums: Bool
  private let root: (address: Int?, rows: Int)
  /// The remaining bytes of objects: in a valid file all objects together are no longer than the file.
  private var left: Int
  /// Blocks that were read, by their addresses.
  private var direct: [Int: HDF5Fields] = [:]
  private var indirect: [Int: [Int?]] = [:]

  /// Reads a heap's header.
  init(at address: Int, _ what: String, _ budget: HDF5ReadBudget) throws {
    (self.budget, self.what) = (budget, what)
    let source = budget.source
    left = source.file.count
    var fields = try budget.block(at: address, 22 + 12 * source.lengthSize + 3 * source.offsetSize + 4, what)
    try fields.expect("FRHP")
    _ = try fields.expect(0...0)
    idLength = try fields.number(2)
    guard try fields.number(2) == 0 else {
      throw HDF5Problem.unsupported("\(what) is compressed", action: HDF5Problem.repack)
    }
    fields = try budget.checkedBlock(at: address, 22 + 12 * source.lengthSize + 3 * source.offsetSize + 4, what)
    try fields.skip(9)
    hasChecksums = try fields.byte() & 2 != 0
    let largestObject = try fields.number(4)
    // Large objects, free space and statistics.
    try fields.skip(10 * source.lengthSize + 2 * source.offsetSize)
    width = try fields.number(2)
    (startSize, largestDirect) = (try fields.length(), try fields.length())
    let bits = try fields.number(2)
    try fields.skip(2)
    root = (try fields.address(), try fields.number(2))
    guard bits <= 64, width.isPowerOfTwo, startSize.isPowerOfTwo, largestDirect.isPowerOfTwo,
      largestDirect >= startSize, largestDirect <= 1 << 31, root.rows <= 64
    else { throw fields.damaged() }
    offsetSize = (bits + 7) / 8
    lengthSize = min((largestDirect.trailingZeroBitCount + 7) / 8, HDF5BTree.bytes(for: largestObject))
  }

  /// The object with an identifier.
  mutating func object(_ identifier: HDF5Fields) throws -> HDF5Fields {
    var identifier = identifier
    guard identifier.count >= idLength else { throw identifier.damaged() }
    let flags = try identifier.byte()
    switch flags >> 4 {
    case 0:
      let offset = try identifier.number(offsetSize), length = try identifier.number(lengthSize)
      left -= length
      guard let root = root.address, left >= 0 else { throw identifier.damaged("refers to a missing object") }
      var block: HDF5Fields, place: Int
      if self.root.rows == 0 {
        (block, place) = (try directBlock(at: root, startSize), offset)
      } else {
        (block, place) = try find(offset, in: root, rows: self.root.rows)
      }
      try block.skip(place)
      return try block.fields(length)
    case 2: return try identifier.fields((flags & 15) + 1, what)
    default:
      throw HDF5Problem.unsupported("\(what) contains \"huge\" objects", action: HDF5Problem.repack)
    }
  }

  /// The size of the blocks of a row, and the offset of the row; nil if they are too large.
  private func row(_ row: Int) -> (size: Int, start: Int)? {
    let doublings = max(0, row - 1)
    guard doublings + startSize.trailingZeroBitCount + width.trailingZeroBitCount < 61 else { return nil }
    return (startSize << doublings, row == 0 ? 0 : (startSize * width) << doublings)
  }

  /// The block that contains an offset of the heap's space, and the offset in the block.
  private mutating func find(_ offset: Int, in address: Int, rows: Int) throws -> (HDF5Fields, Int) {
    guard let index = (0..<rows).last(where: { row($0).map { $0.start <= offset } ?? false }), let found = row(index)
    else { throw HDF5Problem.damaged("\(what) is damaged") }
    let column = (offset - found.start) / found.size, place = (offset - found.start) % found.size
    let children = try indirectBlock(at: address, rows: rows)
    guard column < width, let child = children[index * width + column] else {
      throw HDF5Problem.damaged("\(what) refers to a missing block")
    }
    if found.size <= largestDirect { return (try directBlock(at: child, found.size), place) }
    // The number of rows of a nested block, which follows from its size.
    let nested = found.size.trailingZeroBitCount - (startSize * width).trailingZeroBitCount + 1
    guard nested > 0, nested < rows else { throw HDF5Problem.damaged("\(what) is damaged") }
    return try find(place, in: child, rows: nested)
  }

  private mutating func indirectBlock(at address: Int, rows: Int) throws -> [Int?] {
    if let known = indirect[address], known.count == rows * width { return known }
    let count = rows * width
    guard count <= 1 << 20 else { throw HDF5Problem.damaged("\(what) is damaged") }
    let header = 5 + budget.source.offsetSize + offsetSize
    var fields = try budget.checkedBlock(at: address, header + count * budget.source.offsetSize + 4, what)
    try fields.expect("FHIB")
    try fields.skip(header - 4)
    let children = try (0..<count).map { _ in try fields.address() }
    indirect[address] = children
    return children
  }

  private mutating func directBlock(at address: Int, _ size: Int) throws -> HDF5Fields {
    if let known = direct[address], known.count == size { return known }
    let whole = try budget.block(at: address, size, what)
    var header = whole
    try header.expect("FHDB")
    if hasChecksums {
      let before = 5 + budget.source.offsetSize + offsetSize
      try header.skip(before - 4)
      let checksum = try header.bits(4)
      // The checksum is computed with zeros in its own place.
      var bytes = Array(whole.bytes)
      for index in before..<before + 4 { bytes[index] = 0 }
      guard checksum == UInt64(Checksum.lookup3(bytes)) else {
        throw whole.damaged("is damaged: its checksum does not match")
      }
    }
    direct[address] = whole
    return whole
  }
}

extension Int {
  /// Whether this is 1, 2, 4, 8, …
  fileprivate var isPowerOfTwo: Bool { self > 0 && self & (self - 1) == 0 }
}
