/// The links of a group.
struct HDF5Group: Sendable {
  /// The target of a link.
  enum Target: Sendable {
    /// The object whose header is at an address (hard link).
    case object(Int)
    /// The object at another path (soft link).
    case path(String)
    /// An object in another file, or a link of an unknown kind.
    case external
  }

  /// The links by name.
  private(set) var links: [String: Target] = [:]

  private static let what = "the table of the group's links"

  /// Reads the links of a group in any form of storage; there are none if the object is not a group.
  init(_ header: HDF5ObjectHeader, _ budget: HDF5ReadBudget) throws {
    for message in header.messages {
      switch message.kind {
      case .symbolTable: try readSymbolTable(message.body, budget)
      case .link: try readLink(message.body)
      case .linkInformation: try readDenseLinks(message.body, budget)
      default: break
      }
    }
  }

  private mutating func add(_ name: String, _ target: Target) {
    if links[name] == nil { links[name] = target }
  }

  /// Reads links of the first format: a B-tree of nodes whose names are in a local heap.
  private mutating func readSymbolTable(_ message: HDF5Fields, _ budget: HDF5ReadBudget) throws {
    var message = message
    let tree = try message.requiredAddress(), heap = try Self.localHeap(at: try message.requiredAddress(), budget)
    let source = budget.source, entrySize = 2 * source.offsetSize + 24
    // In a valid file each name is in the heap once, so all names together are no longer than the heap.
    var left = heap.count
    func text(at place: Int) throws -> String {
      var rest = heap
      try rest.skip(place)
      let bytes = rest.bytes.prefix { $0 != 0 }
      left -= bytes.count
      guard left >= 0 else { throw heap.damaged("has overlapping names") }
      return String(decoding: bytes, as: UTF8.self)
    }
    try HDF5Version1BTree.forEachLeaf(.links, at: tree, keySize: source.lengthSize, Self.what, budget) { _, address in
      var start = try budget.block(at: address, 8, Self.what)
      try start.expect("SNOD")
      try start.skip(2)
      let count = try start.number(2)
      var entries = try budget.block(at: address + 8, count * entrySize, Self.what)
      for _ in 0..<count {
        var entry = try entries.fields(entrySize)
        let name = try text(at: try entry.number(source.offsetSize))
        let object = try entry.address(), kind = try entry.number(4)
        try entry.skip(4)
        if kind == 2 {
          add(name, .path(try text(at: try entry.number(4))))
        } else if let object {
          add(name, .object(object))
        }
      }
    }
  }

  private static func localHeap(at address: Int, _ budget: HDF5ReadBudget) throws -> HDF5Fields {
    let what = "the heap of the group's names"
    var fields = try budget.block(at: address, 8 + 2 * budget.source.lengthSize + budget.source.offsetSize, what)
    try fields.expect("HEAP")
    try fields.skip(4)
    let size = try fields.length()
    _ = try fields.optionalLength()
    return try budget.block(at: try fields.requiredAddress(), size, what)
  }

  /// Reads one link of the newer format.
  private mutating func readLink(_ message: HDF5Fields) throws {
    var fields = message
    fields.what = "a link"
    _ = try fields.expect(1...1)
    let flags = try fields.byte(), kind = flags & 8 != 0 ? try fields.byte() : 0
    if flags & 4 != 0 { try fields.skip(8) }
    if flags & 16 != 0 { try fields.skip(1) }
    let name = HDF5Fields.text(try fields.take(try fields.number(1 << (flags & 3))))
    switch kind {
    case 0: add(name, .object(try fields.requiredAddress()))
    case 1: add(name, .path(HDF5Fields.text(try fields.take(try fields.number(2)))))
    default: add(name, .external)
    }
  }

  /// Reads links in dense storage: a B-tree by name, whose records refer to a fractal heap of links.
  private mutating func readDenseLinks(_ message: HDF5Fields, _ budget: HDF5ReadBudget) throws {
    var fields = message
    _ = try fields.expect(0...0)
    let flags = try fields.byte()
    if flags & 1 != 0 { try fields.skip(8) }
    guard let heapAddress = try fields.address(), let treeAddress = try fields.address() else { return }
    var heap = try HDF5FractalHeap(at: heapAddress, Self.what, budget)
    try HDF5BTree(at: treeAddress, kinds: [5], Self.what, budget).forEachRecord { _, record in
      var record = record
      try record.skip(4)
      try readLink(try heap.object(record))
    }
  }
}
