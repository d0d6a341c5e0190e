import Diagnostics
import Foundation

/// The central directory of a zip archive, checked against the size of the file.
struct ZipDirectory {
  /// The files of the archive in the directory's order.
  private(set) var entries: [ZipArchive.Entry] = []

  private let path: String

  /// Little-endian numbers at offsets of a byte array; throws if an offset is beyond its end.
  private struct Fields {
    var bytes: ArraySlice<UInt8>
    var path: String

    func number(at offset: Int, _ size: Int) throws -> UInt64 {
      guard offset >= 0, offset + size <= bytes.count else {
        throw ZipArchive.damaged(path, nil, "the archive's directory is damaged")
      }
      return (0..<size).reduce(0) { $0 | UInt64(bytes[bytes.startIndex + offset + $1]) << (8 * UInt64($1)) }
    }

    func slice(_ offset: Int, _ count: Int) throws -> ArraySlice<UInt8> {
      guard offset >= 0, count >= 0, offset + count <= bytes.count else {
        throw ZipArchive.damaged(path, nil, "the archive's directory is damaged")
      }
      return bytes[bytes.startIndex + offset..<bytes.startIndex + offset + count]
    }
  }

  init(_ file: FileBytes) throws {
    path = file.path
    let length = file.count
    let tailStart = max(0, length - 65_557)
    let tail = try ZipArchive.read(file, tailStart..<length)
    let fields = Fields(bytes: tail[...], path: path)
    // The end record is 22 bytes and a comment up to the end of the file.
    var found: Int?
    for offset in stride(from: tail.count - 22, through: 0, by: -1) where tail[offset...].starts(with: [80, 75, 5, 6]) {
      if try Int(fields.number(at: offset + 20, 2)) == tail.count - 22 - offset {
        found = offset
        break
      }
    }
    guard let end = found else {
      throw ZipArchive.damaged(path, nil, "the zip archive is truncated: its directory is missing")
    }
    var count = try fields.number(at: end + 10, 2)
    var size = try fields.number(at: end + 12, 4), start = try fields.number(at: end + 16, 4)
    if count == 0xffff || size == 0xffff_ffff || start == 0xffff_ffff {
      (count, size, start) = try Self.zip64End(fields, end, file)
    }
    guard size <= UInt64(length), start <= UInt64(length) - size, count <= size / 46 else {
      throw ZipArchive.damaged(path, nil, "the archive's directory is damaged or truncated")
    }
    let directory = try ZipArchive.read(file, Int(start)..<Int(start + size))
    try parse(Fields(bytes: directory[...], path: path), count: Int(count), length: length)
  }

  /// The directory's number of entries, size and offset, from the zip64 end record.
  private static func zip64End(
    _ fields: Fields, _ end: Int, _ file: FileBytes
  ) throws -> (UInt64, UInt64, UInt64) {
    guard end >= 20, try fields.number(at: end - 20, 4) == 0x0706_4b50 else {
      throw ZipArchive.damaged(fields.path, nil, "the archive's directory is damaged")
    }
    let offset = try fields.number(at: end - 12, 8)
    guard file.count >= 56, offset <= UInt64(file.count - 56) else {
      throw ZipArchive.damaged(fields.path, nil, "the archive's directory is damaged")
    }
    let bytes = try ZipArchive.read(file, Int(offset)..<Int(offset) + 56)
    let record = Fields(bytes: bytes[...], path: fields.path)
    guard try record.number(at: 0, 4) == 0x0606_4b50 else {
      throw ZipArchive.damaged(fields.path, nil, "the archive's directory is damaged")
    }
    return (try record.number(at: 32, 8), try record.number(at: 40, 8), try record.number(at: 48, 8))
  }

  private mutating func parse(_ fields: Fields, count: Int, length: Int) throws {
    var at = 0
    for _ in 0..<count {
      guard try fields.number(at: at, 4) == 0x0201_4b50 else {
        throw ZipArchive.damaged(path, nil, "the archive's directory is damaged")
      }
      let flags = try fields.number(at: at + 8, 2), method = try fields.number(at: at + 10, 2)
      let crc = try fields.number(at: at + 16, 4)
      var stored = try fields.number(at: at + 20, 4), size = try fields.number(at: at + 24, 4)
      let nameLength = Int(try fields.number(at: at + 28, 2)), extraLength = Int(try fields.number(at: at + 30, 2))
      let commentLength = Int(try fields.number(at: at + 32, 2))
      var offset = try fields.number(at: at + 42, 4)
      let name = String(decoding: try fields.slice(at + 46, nameLength), as: UTF8.self)
      let extra = Fields(bytes: try fields.slice(at + 46 + nameLength, extraLength), path: path)
      try Self.applyZip64(extra, &size, &stored, &offset)
      guard flags & 1 == 0, method == 0 || method == 8 else {
        throw StructuredError(
          flags & 1 == 1 ? "the entry is encrypted" : "the entry has the compression method \(method)",
          at: "\(path), entry \"\(name)\"", expected: "an entry that is stored or deflated")
      }
      // Deflate compresses by a factor of at most 1032, so sizes above 1100 times the stored bytes are impossible.
      guard stored <= UInt64(length), offset <= UInt64(length), size <= UInt64(length) * 1100,
        method == 8 ? size / 1100 <= stored : size == stored
      else { throw ZipArchive.damaged(path, name, "the entry declares impossible sizes") }
      entries.append(
        ZipArchive.Entry(
          name: name, isDeflated: method == 8, storedSize: Int(stored), size: Int(size), crc32: UInt32(crc),
          headerOffset: Int(offset)))
      at += 46 + nameLength + extraLength + commentLength
    }
  }

  /// Reads the numbers that exceed 32 bits from the zip64 extra field (number 1), in its fixed order.
  private static func applyZip64(
    _ extra: Fields, _ size: inout UInt64, _ stored: inout UInt64, _ offset: inout UInt64
  ) throws {
    var at = 0
    while at + 4 <= extra.bytes.count {
      let id = try extra.number(at: at, 2), length = Int(try extra.number(at: at + 2, 2))
      if id == 1 {
        var next = at + 4
        func take(_ value: inout UInt64) throws {
          guard value == 0xffff_ffff else { return }
          value = try extra.number(at: next, 8)
          next += 8
        }
        try take(&size)
        try take(&stored)
        try take(&offset)
      }
      at += 4 + length
    }
  }
}
