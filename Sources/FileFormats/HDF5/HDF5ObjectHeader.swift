/// The header of a group, an array or a committed datatype: a list of messages, of version 1 or 2.
struct HDF5ObjectHeader {
  /// The kinds of messages that are read.
  enum Kind: Int {
    case dataspace = 1, linkInformation = 2, datatype = 3, oldFillValue = 4, fillValue = 5, link = 6, externalFiles = 7
    case layout = 8, filters = 11, attribute = 12, continuation = 16, symbolTable = 17, attributeInformation = 21
  }

  /// One message.
  struct Message {
    var kind: Kind
    /// Whether the body is a reference to another object's message.
    var isShared: Bool
    var body: HDF5Fields
  }

  /// The messages of known kinds, in the order of the file.
  private(set) var messages: [Message] = []

  private static let what = "the header of an object"

  /// Reads the header at an address.
  init(at address: Int, _ budget: HDF5ReadBudget) throws {
    var prefix = try budget.block(at: address, 16, Self.what)
    if prefix.bytes.starts(with: "OHDR".utf8) {
      try readVersion2(at: address, prefix, budget)
    } else {
      _ = try prefix.expect(1...1)
      try prefix.skip(7)
      let size = try prefix.number(4)
      var blocks = [try budget.block(at: address + 16, size, Self.what)]
      while !blocks.isEmpty {
        var block = blocks.removeFirst()
        while block.count >= 8 {
          let kind = try block.number(2), length = try block.number(2), flags = try block.byte()
          try block.skip(3)
          try add(kind, flags, try block.fields(length)) { place, length in
            blocks.append(try budget.block(at: place, length, Self.what))
          }
        }
      }
    }
  }

  private mutating func readVersion2(at address: Int, _ prefix: HDF5Fields, _ budget: HDF5ReadBudget) throws {
    var prefix = prefix
    try prefix.skip(4)
    _ = try prefix.expect(2...2)
    let flags = try prefix.byte()
    // Optional fields: times, and limits for the storage of attributes.
    let optional = (flags & 32 != 0 ? 16 : 0) + (flags & 16 != 0 ? 4 : 0), sizeSize = 1 << (flags & 3)
    var start = try budget.block(at: address, 6 + optional + sizeSize, Self.what)
    try start.skip(6 + optional)
    let length = try start.number(sizeSize)
    var first = try budget.checkedBlock(at: address, 6 + optional + sizeSize + length + 4, Self.what)
    try first.skip(6 + optional + sizeSize)
    var blocks = [first]
    let messageHeader = flags & 4 != 0 ? 6 : 4
    while !blocks.isEmpty {
      var block = blocks.removeFirst()
      while block.count >= messageHeader {
        let kind = try block.byte(), length = try block.number(2), flags = try block.byte()
        try block.skip(messageHeader - 4)
        try add(kind, flags, try block.fields(length)) { place, length in
          var next = try budget.checkedBlock(at: place, length, Self.what)
          try next.expect("OCHK")
          blocks.append(next)
        }
      }
    }
  }

  private mutating func add(
    _ kind: Int, _ flags: Int, _ body: HDF5Fields, continued: (_ place: Int, _ length: Int) throws -> Void
  ) throws {
    guard let kind = Kind(rawValue: kind) else { return }
    if kind == .continuation {
      var body = body
      let place = try body.requiredAddress()
      try continued(place, try body.length())
    } else {
      messages.append(Message(kind: kind, isShared: flags & 2 != 0, body: body))
    }
  }

  /// Whether this is the header of a group.
  var isGroup: Bool {
    messages.contains { $0.kind == .symbolTable || $0.kind == .linkInformation || $0.kind == .link }
  }

  /// Whether this is the header of an array.
  var isArray: Bool { messages.contains { $0.kind == .layout } }

  /// The body of the first message of a kind, shared or not; nil if there is none.
  func body(_ kind: Kind, _ budget: HDF5ReadBudget) throws -> HDF5Fields? {
    guard let message = messages.first(where: { $0.kind == kind }) else { return nil }
    return message.isShared ? try Self.shared(kind, message.body, budget) : message.body
  }

  /// As ``body(_:_:)``, for a required message.
  func requiredBody(_ kind: Kind, _ name: String, _ budget: HDF5ReadBudget) throws -> HDF5Fields {
    guard var body = try body(kind, budget) else { throw HDF5Problem.damaged("the array lacks its \(name)") }
    body.what = "the array's \(name)"
    return body
  }

  /// The message that a shared message refers to, which belongs to a committed datatype.
  static func shared(_ kind: Kind, _ reference: HDF5Fields, _ budget: HDF5ReadBudget) throws -> HDF5Fields {
    var reference = reference
    let version = try reference.expect(1...3), place = try reference.byte()
    if version == 1 { try reference.skip(6) }
    guard version < 3 || place == 2 else {
      throw HDF5Problem.unsupported("the file keeps messages in a shared table", action: HDF5Problem.repack)
    }
    let owner = try HDF5ObjectHeader(at: try reference.requiredAddress(), budget)
    guard let message = owner.messages.first(where: { $0.kind == kind }), !message.isShared else {
      throw reference.damaged("refers to a missing object")
    }
    return message.body
  }
}
