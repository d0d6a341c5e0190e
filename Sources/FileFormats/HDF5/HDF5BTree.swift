/// B-trees of version 1, which index a group's links or an array's chunks.
enum HDF5Version1BTree {
  /// The kind of records.
  enum Kind: Int {
    case links = 0, chunks = 1
  }

  /// Calls `body` with the key and address of each leaf, in order.
  static func forEachLeaf(
    _ kind: Kind, at root: Int, keySize: Int, _ what: String, _ budget: HDF5ReadBudget,
    _ body: (_ key: HDF5Fields, _ address: Int) throws -> Void
  ) throws {
    let source = budget.source, header = 8 + 2 * source.offsetSize
    // A child is one level below its parent, so the recursion ends at level 0.
    func visit(_ address: Int, level: Int?) throws {
      var start = try budget.block(at: address, header, what)
      try start.expect("TREE")
      _ = try start.expect(kind.rawValue...kind.rawValue, "kind")
      let own = try start.byte(), entries = try start.number(2)
      guard level == nil || level == own else { throw start.damaged("has a node of the wrong level") }
      var fields = try budget.block(at: address + header, entries * (keySize + source.offsetSize), what)
      for _ in 0..<entries {
        let key = try fields.fields(keySize), child = try fields.requiredAddress()
        if own == 0 { try body(key, child) } else { try visit(child, level: own - 1) }
      }
    }
    try visit(root, level: nil)
  }
}

/// B-trees of version 2, which index links, attributes or chunks in newer files.
struct HDF5BTree {
  private let what: String
  private let budget: HDF5ReadBudget
  private let kind: Int, nodeSize: Int, recordSize: Int, depth: Int
  private let root: (address: Int?, records: Int)
  /// For each depth, the number of bytes of the count of all records below a node; 0 for leaves.
  private var totalSizes = [0]
  /// The number of bytes of the count of a node's own records.
  private var countSize = 1

  /// Reads a tree's header.
  ///
  /// - Parameter kinds: the types of record that are expected.
  init(at address: Int, kinds: Set<Int>, _ what: String, _ budget: HDF5ReadBudget) throws {
    (self.what, self.budget) = (what, budget)
    let source = budget.source
    var fields = try budget.checkedBlock(at: address, 22 + source.offsetSize + source.lengthSize, what)
    try fields.expect("BTHD")
    _ = try fields.expect(0...0)
    kind = try fields.byte()
    (nodeSize, recordSize, depth) = (try fields.number(4), try fields.number(2), try fields.number(2))
    try fields.skip(2)
    root = (try fields.address(), try fields.number(2))
    guard kinds.contains(kind), recordSize > 0, nodeSize > 10 + recordSize, depth < 32 else { throw fields.damaged() }
    // The number of records that fit, as the HDF5 library computes it, determines the sizes of counts.
    var fits = (nodeSize - 10) / recordSize, total = fits
    countSize = Self.bytes(for: fits)
    for _ in 0..<depth {
      let pointer = source.offsetSize + countSize + (totalSizes.last ?? 0)
      guard nodeSize > 10 + pointer + recordSize else { throw fields.damaged() }
      fits = (nodeSize - 10 - pointer) / (recordSize + pointer)
      let (product, overflow) = total.multipliedReportingOverflow(by: fits + 1)
      guard !overflow, product < HDF5Fields.largest else { throw fields.damaged() }
      total = product + fits
      totalSizes.append(Self.bytes(for: total))
    }
  }

  /// The number of bytes of numbers up to `limit`.
  static func bytes(for limit: Int) -> Int { (Int.bitWidth - max(1, limit).leadingZeroBitCount - 1) / 8 + 1 }

  /// Calls `body` with each record and its type.
  func forEachRecord(_ body: (_ kind: Int, _ record: HDF5Fields) throws -> Void) throws {
    guard let address = root.address, root.records > 0 else { return }
    try visit(address, root.records, depth, body)
  }

  private func visit(
    _ address: Int, _ count: Int, _ depth: Int, _ body: (_ kind: Int, _ record: HDF5Fields) throws -> Void
  ) throws {
    let isLeaf = depth == 0, totalSize = isLeaf ? 0 : totalSizes[depth - 1]
    let pointer = isLeaf ? 0 : budget.source.offsetSize + countSize + totalSize
    let length = 6 + count * recordSize + (isLeaf ? 0 : (count + 1) * pointer) + 4
    guard length <= nodeSize else { throw HDF5Problem.damaged("\(what) has an overfull node") }
    var fields = try budget.checkedBlock(at: address, length, what)
    try fields.expect(isLeaf ? "BTLF" : "BTIN")
    _ = try fields.expect(0...0)
    _ = try fields.expect(kind...kind, "kind")
    for _ in 0..<count { try body(kind, try fields.fields(recordSize)) }
    guard !isLeaf else { return }
    for _ in 0...count {
      let child = try fields.requiredAddress(), records = try fields.number(countSize)
      try fields.skip(totalSize)
      try visit(child, records, depth - 1, body)
    }
  }
}
