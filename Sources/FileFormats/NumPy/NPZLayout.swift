extension ArrayFileLayout {
  /// A zip archive with one stored entry NAME.npy for each array, dated 1 January 1980.
  ///
  /// - Parameters:
  ///   - contents: the arrays and texts; NPZ has no attributes.
  ///   - limit: the size or offset from which on zip64 fields are used.
  init(npz contents: ArrayFileContents, zip64From limit: Int) {
    var entries: [ZipEntry] = [], pieces: [Piece] = [], slots: [Slot] = [], end = 0
    /// Appends an entry's headers after the last entry.
    func begin(_ name: String, _ header: [UInt8], byteCount: Int) {
      let entry = ZipEntry(name: name + ".npy", size: header.count + byteCount, offset: end, limit: limit)
      let local = entry.localHeader
      pieces.append(Piece(offset: end, bytes: local + header))
      slots.append(Slot(offset: end + local.count + header.count, checksum: Checksum.crc32(header)))
      entries.append(entry)
      end += local.count + entry.size
    }
    for plan in contents.arrays {
      begin(plan.name, NPYHeader.encoded(plan.type.descriptor, plan.shape), byteCount: plan.byteCount)
    }
    for (name, values) in contents.texts {
      let length = max(1, values.map(\.unicodeScalars.count).max() ?? 1)
      let bytes = values.flatMap { text in
        let scalars = text.unicodeScalars.map(\.value)
        return (scalars + [UInt32](repeating: 0, count: length - scalars.count)).flatMap { littleEndian($0) }
      }
      // Texts are known already, so the whole entry is written with its header.
      begin(name, NPYHeader.encoded("<U\(length)", [values.count]) + bytes, byteCount: 0)
    }
    let texts = slots[contents.arrays.count...].map(\.checksum)
    self.init(pieces: pieces, slots: slots) { checksums in
      let checksums = checksums + texts
      let directory = zip(entries, checksums).flatMap { $0.directoryEntry(checksum: $1) }
      return zip(entries, checksums).map { Piece(offset: $0.offset + ZipEntry.checksumOffset, bytes: littleEndian($1)) }
        + [Piece(offset: end, bytes: directory + ZipEntry.end(entries.count, directory.count, at: end, limit: limit))]
    }
  }
}

extension ArrayElementType {
  /// The type in NumPy's notation, for the types of ``ArrayElement``.
  fileprivate var descriptor: String {
    switch self {
    case .floatingPoint(let bits): "<f\(bits / 8)"
    case .integer(bits: 8, let signed): signed ? "|i1" : "|u1"
    case .integer(let bits, let signed): "<\(signed ? "i" : "u")\(bits / 8)"
    case .boolean, .string, .other: preconditionFailure("no ArrayElement is \(self)")
    }
  }
}

/// A stored entry of a zip archive that is being written (PKWARE's APPNOTE 6.3.10, §4.3).
private struct ZipEntry {
  let name: String
  /// The number of uncompressed bytes.
  let size: Int
  /// The offset of its local header.
  let offset: Int
  /// The number from which on sizes and offsets are written as all ones, and as eight bytes in the zip64 extra field.
  let limit: Int

  /// The offset of the checksum in the local header.
  static let checksumOffset = 14

  /// The header before the bytes of the entry, with the checksum 0.
  var localHeader: [UInt8] {
    let extra = size >= limit ? littleEndian(UInt16(1)) + littleEndian(UInt16(16)) + pair : []
    return [0x50, 0x4b, 3, 4] + common(checksum: 0, extra) + Array(name.utf8) + extra
  }

  /// The entry in the archive's central directory.
  func directoryEntry(checksum: UInt32) -> [UInt8] {
    let large = (size >= limit ? pair : []) + (offset >= limit ? littleEndian(UInt64(offset)) : [])
    let extra = large.isEmpty ? [] : littleEndian(UInt16(1)) + littleEndian(UInt16(large.count)) + large
    // Made by Unix; no comment, disk 0, no internal attributes; a regular file with mode 644.
    return [0x50, 0x4b, 1, 2, 45, 3] + common(checksum: checksum, extra) + [UInt8](repeating: 0, count: 6)
      + littleEndian(UInt32(0o100644 << 16)) + Self.short(offset, limit) + Array(name.utf8) + extra
  }

  /// The records after the central directory.
  static func end(_ count: Int, _ size: Int, at offset: Int, limit: Int) -> [UInt8] {
    let isLarge = offset >= limit || size >= limit || count >= 0xffff
    var bytes: [UInt8] = []
    if isLarge {
      bytes += [0x50, 0x4b, 6, 6] + littleEndian(UInt64(44)) + [45, 3, 45, 0] + [UInt8](repeating: 0, count: 8)
      bytes += littleEndian(UInt64(count)) + littleEndian(UInt64(count))
      bytes += littleEndian(UInt64(size)) + littleEndian(UInt64(offset))
      bytes += [0x50, 0x4b, 6, 7, 0, 0, 0, 0] + littleEndian(UInt64(offset + size)) + littleEndian(UInt32(1))
    }
    let shortCount = littleEndian(UInt16(clamping: count))
    return bytes + [0x50, 0x4b, 5, 6, 0, 0, 0, 0] + shortCount + shortCount + short(size, limit) + short(offset, limit)
      + [0, 0]
  }

  /// The fields that both headers have: version, flags, method, time, date, checksum, sizes and lengths.
  private func common(checksum: UInt32, _ extra: [UInt8]) -> [UInt8] {
    // Names are UTF-8 (flag bit 11); 1 January 1980 is day 1 of month 1 of year 0.
    [UInt8(extra.isEmpty ? 20 : 45), 0, 0, 8, 0, 0, 0, 0, 0x21, 0] + littleEndian(checksum) + Self.short(size, limit)
      + Self.short(size, limit) + littleEndian(UInt16(name.utf8.count)) + littleEndian(UInt16(extra.count))
  }

  /// The size before and after compression, as eight bytes each.
  private var pair: [UInt8] { littleEndian(UInt64(size)) + littleEndian(UInt64(size)) }

  private static func short(_ value: Int, _ limit: Int) -> [UInt8] {
    littleEndian(value >= limit ? UInt32.max : UInt32(value))
  }
}

private func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
  withUnsafeBytes(of: value.littleEndian) { Array($0) }
}
