/// Reads the texts of arrays and attributes.
struct HDF5Text {
  private let budget: HDF5ReadBudget
  /// The collections of the global heap that were read, by address, and their objects by number.
  private var collections: [Int: [Int: HDF5Fields]] = [:]

  init(_ budget: HDF5ReadBudget) { self.budget = budget }

  /// The texts of stored elements.
  mutating func texts(_ bytes: [UInt8], _ type: HDF5Datatype, count: Int) throws -> [String] {
    let source = budget.source
    var fields = HDF5Fields(bytes[...], "the text", offsetSize: source.offsetSize, lengthSize: source.lengthSize)
    // In a valid file each text is stored once, so all texts together are no longer than the file.
    var left = source.file.count
    return try (0..<count).map { _ in
      switch type.text {
      case nil: throw fields.damaged()
      case .fixed(let isSpacePadded):
        let text = try fields.take(type.size)
        guard isSpacePadded else { return HDF5Fields.text(text) }
        let end = text.lastIndex { $0 != 32 }.map { $0 + 1 } ?? text.startIndex
        return HDF5Fields.text(text[..<end])
      case .variable:
        let length = try fields.number(4), address = try fields.address(), number = try fields.number(4)
        guard length > 0, let address, address > 0 else { return "" }
        left -= length
        guard left >= 0, var object = try collection(at: address)[number] else { throw fields.damaged() }
        return HDF5Fields.text(try object.take(length))
      }
    }
  }

  /// The objects of a collection of the global heap.
  private mutating func collection(at address: Int) throws -> [Int: HDF5Fields] {
    if let known = collections[address] { return known }
    let what = "the heap of texts", lengthSize = budget.source.lengthSize
    var header = try budget.block(at: address, 8 + lengthSize, what)
    try header.expect("GCOL")
    try header.skip(4)
    var fields = try budget.block(at: address, try header.length(), what)
    try fields.skip(8 + lengthSize)
    var objects: [Int: HDF5Fields] = [:]
    while fields.count >= 8 + lengthSize {
      let number = try fields.number(2)
      try fields.skip(6)
      let length = try fields.length()
      // Object 0 is the free space at the end.
      if number == 0 { break }
      objects[number] = try fields.fields(length)
      try fields.skip(min(fields.count, (8 - length % 8) % 8))
    }
    collections[address] = objects
    return objects
  }
}
