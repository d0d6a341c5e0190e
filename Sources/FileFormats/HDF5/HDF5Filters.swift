/// The filters that were applied to an array's chunks when they were written, first to last.
struct HDF5Filters: Sendable {
  private struct Filter: Sendable {
    var id: Int
    var parameters: [Int]
  }

  private var filters: [Filter] = []

  /// No filters.
  init() {}

  /// Reads a filter message.
  init(_ fields: HDF5Fields) throws {
    var fields = fields
    let version = try fields.expect(1...2), count = try fields.byte()
    guard count <= 32 else { throw fields.damaged("lists \(count) filters") }
    if version == 1 { try fields.skip(6) }
    for _ in 0..<count {
      let id = try fields.number(2), hasName = version == 1 || id >= 256
      let nameLength = hasName ? try fields.number(2) : 0
      try fields.skip(2)
      let parameterCount = try fields.number(2)
      try fields.skip(version == 1 ? (nameLength + 7) / 8 * 8 : nameLength)
      filters.append(Filter(id: id, parameters: try (0..<parameterCount).map { _ in try fields.number(4) }))
      if version == 1, parameterCount % 2 == 1 { try fields.skip(4) }
    }
  }

  /// The names of the filters; `#` and the registered number for a filter that is not supported.
  var names: [String] {
    filters.map { filter in
      switch filter.id {
      case 1: "deflate"
      case 2: "shuffle"
      case 3: "fletcher32"
      case 32_000: "lzf"
      default: "#\(filter.id)"
      }
    }
  }

  /// The largest compression ratio of the filters: 1032 for deflate, 88 for LZF.
  static let largestRatio = 1032

  /// Reverses the filters.
  ///
  /// - Parameters:
  ///   - stored: the bytes of a chunk as stored.
  ///   - mask: the filters that were skipped for this chunk; the lowest bit is the first filter.
  ///   - size: the number of bytes of the chunk's elements.
  /// - Throws: ``HDF5Problem`` unless the result has exactly `size` bytes.
  func decoded(_ stored: [UInt8], mask: Int, size: Int, _ decoder: ZlibDecoder) throws -> [UInt8] {
    let used = filters.enumerated().filter { $0.offset >= 32 || mask >> $0.offset & 1 == 0 }.map(\.element)
    guard size / Self.largestRatio <= stored.count else { throw HDF5Problem.damaged("a chunk is too short") }
    // The size of each filter's input; unknown after a compression.
    var sizes: [Int?] = [size]
    for filter in used {
      let before = sizes[sizes.count - 1]
      switch filter.id {
      case 2: sizes.append(before)
      case 3: sizes.append(before.map { $0 + 4 })
      case 1, 32_000: sizes.append(nil)
      default:
        throw HDF5Problem.unsupported(
          "the array uses the filter number \(filter.id)", action: HDF5Problem.repack)
      }
    }
    var bytes = stored
    for (filter, before) in zip(used, sizes).reversed() {
      switch filter.id {
      case 2: bytes = Self.unshuffled(bytes, elementSize: filter.parameters.first ?? 1)
      case 3: bytes = try Self.checked(bytes)
      default:
        guard let before else {
          throw HDF5Problem.unsupported("the array was compressed twice", action: HDF5Problem.repack)
        }
        bytes =
          filter.id == 1 ? try Self.inflated(bytes, size: before, decoder) : try LZF.decoded(bytes, size: before)
      }
    }
    guard bytes.count == size else {
      throw HDF5Problem.damaged("a chunk has \(bytes.count) bytes instead of \(size)")
    }
    return bytes
  }

  private static func inflated(_ bytes: [UInt8], size: Int, _ decoder: ZlibDecoder) throws -> [UInt8] {
    var whole = false
    let inflated = [UInt8](unsafeUninitializedCapacity: size) { output, count in
      let output = UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: output[..<size]))
      whole = bytes.withUnsafeBytes { decoder.decode($0, into: output) }
      count = whole ? size : 0
    }
    guard whole else { throw HDF5Problem.damaged("a deflated chunk is damaged") }
    return inflated
  }

  /// Reverses the shuffle filter, which stores first the first bytes of all elements, then the second bytes, and so on.
  private static func unshuffled(_ bytes: [UInt8], elementSize: Int) -> [UInt8] {
    guard elementSize > 1, elementSize <= bytes.count else { return bytes }
    let count = bytes.count / elementSize
    return [UInt8](unsafeUninitializedCapacity: bytes.count) { output, total in
      for place in 0..<elementSize {
        var target = place
        for index in place * count..<(place + 1) * count {
          output.initializeElement(at: target, to: bytes[index])
          target += elementSize
        }
      }
      for index in count * elementSize..<bytes.count { output.initializeElement(at: index, to: bytes[index]) }
      total = bytes.count
    }
  }

  /// Verifies and removes the four bytes of a Fletcher checksum.
  private static func checked(_ bytes: [UInt8]) throws -> [UInt8] {
    guard bytes.count >= 4 else { throw HDF5Problem.damaged("a chunk is too short") }
    let content = bytes.count - 4
    let stored = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[content + $1]) << (8 * UInt32($1)) }
    let computed = bytes.withUnsafeBytes { Checksum.fletcher32(UnsafeRawBufferPointer(rebasing: $0[..<content])) }
    guard stored == computed else { throw HDF5Problem.damaged("a chunk's checksum does not match") }
    return Array(bytes[..<content])
  }
}
