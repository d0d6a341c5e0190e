extension HDF5File {
  /// The text or texts of an attribute, of fixed or variable length; nil if there is no such attribute of text.
  public func strings(ofAttribute name: String, of object: String) -> [String]? {
    guard let (attribute, budget) = attribute(name, of: object), attribute.type.text != nil else { return nil }
    var reader = HDF5Text(budget)
    return try? reader.texts(attribute.bytes, attribute.type, count: attribute.count)
  }

  /// The first text of an attribute; nil if there is no such attribute of text.
  public func string(ofAttribute name: String, of object: String = "/") -> String? {
    strings(ofAttribute: name, of: object)?.first
  }

  /// The numbers of an attribute; nil if there is no such attribute of numbers.
  public func numbers(ofAttribute name: String, of object: String = "/") -> [Double]? {
    guard let (attribute, _) = attribute(name, of: object), attribute.type.element.isNumeric else { return nil }
    var values = [Double](repeating: 0, count: attribute.count)
    attribute.bytes.withUnsafeBytes { bytes in
      values.withUnsafeMutableBufferPointer {
        NumberDecoder.decode(bytes, attribute.type.element, bigEndian: attribute.type.isBigEndian, into: $0)
      }
    }
    return values
  }

  /// Finds an attribute; nil if there is none that can be read.
  private func attribute(_ name: String, of object: String) -> (HDF5Attribute, HDF5ReadBudget)? {
    let budget = source.readBudget()
    guard let address = try? address(of: object),
      let found = try? HDF5Attribute.named(name, of: HDF5ObjectHeader(at: address, budget), budget)
    else { return nil }
    return (found, budget)
  }
}

/// An attribute: a small array in the header of an object.
struct HDF5Attribute {
  /// The type of the elements.
  private(set) var type: HDF5Datatype
  /// The number of elements.
  private(set) var count: Int
  /// The elements as stored.
  private(set) var bytes: [UInt8]

  /// The attribute of a name; nil if there is none.
  static func named(_ name: String, of header: HDF5ObjectHeader, _ budget: HDF5ReadBudget) throws -> HDF5Attribute? {
    for message in header.messages where message.kind == .attribute {
      let body = message.isShared ? try HDF5ObjectHeader.shared(.attribute, message.body, budget) : message.body
      if let found = try HDF5Attribute(body, ifNamed: name, budget) { return found }
    }
    guard var fields = try header.body(.attributeInformation, budget) else { return nil }
    // Dense storage: a B-tree by name, whose records refer to a fractal heap of attributes.
    _ = try fields.expect(0...0)
    if try fields.byte() & 1 != 0 { try fields.skip(2) }
    guard let heapAddress = try fields.address(), let treeAddress = try fields.address() else { return nil }
    let what = "the table of attributes"
    var heap = try HDF5FractalHeap(at: heapAddress, what, budget), found: HDF5Attribute?
    try HDF5BTree(at: treeAddress, kinds: [8], what, budget).forEachRecord { _, record in
      guard found == nil else { return }
      var record = record
      found = try HDF5Attribute(try heap.object(try record.fields(8)), ifNamed: name, budget)
    }
    return found
  }

  private init?(_ message: HDF5Fields, ifNamed wanted: String, _ budget: HDF5ReadBudget) throws {
    var fields = message
    fields.what = "an attribute"
    let version = try fields.expect(1...3), flags = try fields.byte()
    let sizes = [try fields.number(2), try fields.number(2), try fields.number(2)]
    if version == 3 { try fields.skip(1) }
    func part(_ size: Int) throws -> HDF5Fields {
      defer { if version == 1 { try? fields.skip((8 - size % 8) % 8) } }
      return try fields.fields(size)
    }
    let name = try part(sizes[0])
    guard HDF5Fields.text(name.bytes) == wanted else { return nil }
    let typeFields = try part(sizes[1]), spaceFields = try part(sizes[2])
    let isShared = version > 1 && flags & 1 != 0
    type = try HDF5Datatype(isShared ? try HDF5ObjectHeader.shared(.datatype, typeFields, budget) : typeFields)
    count = try HDF5Dataspace(spaceFields).count
    guard let size = checkedProduct([count, type.size]) else { throw fields.damaged() }
    bytes = Array(try fields.take(size))
  }
}
