/// The element type of an array or attribute in HDF5's description.
struct HDF5Datatype: Sendable {
  /// The storage of text.
  enum Text: Sendable {
    /// In the bytes of the element, padded with zeros or with spaces.
    case fixed(isSpacePadded: Bool)
    /// In a heap; elements are a length and a reference.
    case variable
  }

  /// The type.
  private(set) var element = ArrayElementType.other
  /// The number of bytes of an element.
  private(set) var size: Int
  /// Whether numbers are stored with their most significant byte first.
  private(set) var isBigEndian = false
  /// The storage of text; nil for other types.
  private(set) var text: Text?

  /// Reads a datatype message. Types other than numbers, booleans and text are `other`, not errors.
  init(_ fields: HDF5Fields) throws {
    var fields = fields
    let classAndVersion = try fields.byte(), flags = try fields.number(3)
    size = try fields.number(4)
    guard size > 0 else { throw fields.damaged() }
    let bits = size * 8
    switch classAndVersion & 15 {
    case 0:
      let offset = try fields.number(2), precision = try fields.number(2)
      // Integers that do not use all their bits are rare and not read.
      guard [8, 16, 32, 64].contains(bits), offset == 0, precision == bits else { return }
      element = .integer(bits: bits, signed: flags & 8 != 0)
      isBigEndian = flags & 1 != 0
    case 1:
      let offset = try fields.number(2), precision = try fields.number(2)
      let layout = [try fields.byte(), try fields.byte(), try fields.byte(), try fields.byte()]
      let bias = try fields.number(4), sign = flags >> 8 & 255
      // The IEEE 754 formats of 16, 32 and 64 bits; others (bfloat16, long double, VAX) are not read.
      let formats = [16: ([10, 5, 0, 10], 15), 32: ([23, 8, 0, 23], 127), 64: ([52, 11, 0, 52], 1023)]
      guard let known = formats[bits], known == (layout, bias), offset == 0, precision == bits, sign == bits - 1,
        flags & 0x40 == 0
      else { return }
      element = .floatingPoint(bits: bits)
      isBigEndian = flags & 1 != 0
    case 3:
      element = .string
      text = .fixed(isSpacePadded: flags & 15 == 2)
    case 8 where size == 1: element = .boolean
    case 9 where flags & 15 == 1 && size == 4 + fields.offsetSize + 4:
      element = .string
      text = .variable
    default: break
    }
  }
}

/// The extents of an array or attribute.
struct HDF5Dataspace: Sendable {
  /// The extents, outermost first; empty for a scalar, [0] for a null dataspace.
  private(set) var shape: [Int]
  /// The extents up to which the array may grow; nil for an unlimited axis.
  private(set) var largest: [Int?]
  /// The number of elements.
  private(set) var count: Int

  /// Reads a dataspace message.
  init(_ fields: HDF5Fields) throws {
    var fields = fields
    let version = try fields.expect(1...2), rank = try fields.byte(), flags = try fields.byte()
    guard rank <= 32 else { throw fields.damaged("has \(rank) axes") }
    let isNull = version == 2 ? try fields.byte() == 2 : false
    if version == 1 { try fields.skip(5) }
    let extents = try (0..<rank).map { _ in try fields.length() }
    let largest: [Int?] = flags & 1 == 0 ? extents : try extents.map { _ in try fields.optionalLength() }
    for (extent, limit) in zip(extents, largest) {
      if let limit, limit < extent { throw fields.damaged("has the extent \(extent), larger than its limit") }
    }
    guard let count = checkedProduct(extents.map { max(1, $0) }) else {
      throw fields.damaged("has the impossible shape \(extents)")
    }
    (shape, self.largest) = isNull ? ([0], [0]) : (extents, largest)
    self.count = shape.contains(0) ? 0 : count
  }
}
