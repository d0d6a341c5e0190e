import Diagnostics
import Foundation

/// A zip archive opened for reading: stored and deflated entries, with zip64; no encryption, no split archives.
final class ZipArchive: Sendable {
  /// One file of the archive.
  struct Entry: Sendable, Equatable {
    /// The name, with its path inside the archive.
    var name: String
    /// Whether the bytes are deflated; otherwise they are stored uncompressed.
    var isDeflated: Bool
    /// The number of bytes in the archive.
    var storedSize: Int
    /// The number of bytes of the uncompressed file.
    var size: Int
    /// The checksum of the uncompressed bytes.
    var crc32: UInt32
    /// The offset of the entry's local header in the archive.
    var headerOffset: Int
  }

  let entries: [Entry]
  private let file: FileBytes

  /// The file's path, as given.
  var path: String { file.path }

  /// Opens an archive and reads its central directory.
  init(reading path: String) throws {
    file = try FileBytes(reading: path)
    entries = try ZipDirectory(file).entries
  }

  /// The error for an archive that is inconsistent or truncated.
  static func damaged(_ path: String, _ entry: String? = nil, _ what: String) -> StructuredError {
    StructuredError(
      what, at: entry.map { "\(path), entry \"\($0)\"" } ?? path, action: "Copy or download the file again.")
  }

  /// Reads a range of bytes; throws if the file ends before.
  static func read(_ file: FileBytes, _ range: Range<Int>) throws -> [UInt8] {
    guard let bytes = file.bytes(at: range.lowerBound, range.count) else {
      throw damaged(file.path, nil, "the file is truncated or cannot be read")
    }
    return bytes
  }

  /// A reader at the beginning of an entry.
  func reader(of entry: Entry) throws -> Reader { try Reader(self, entry) }

  /// Reads one entry sequentially.
  final class Reader {
    private let archive: ZipArchive
    private let entry: Entry
    private let inflater: InflateStream?
    /// The offset of the next bytes in the archive, and the end of the entry.
    private var position: Int
    private let end: Int
    private var input: [UInt8] = []
    private var inputStart = 0
    private var produced = 0
    private var crc: UInt32 = 0

    fileprivate init(_ archive: ZipArchive, _ entry: Entry) throws {
      (self.archive, self.entry) = (archive, entry)
      // The local header repeats the name; its extra fields may differ from those of the directory.
      guard entry.headerOffset <= archive.file.count - 30 else {
        throw ZipArchive.damaged(archive.path, entry.name, "the entry lies beyond the end of the file")
      }
      let header = try ZipArchive.read(archive.file, entry.headerOffset..<entry.headerOffset + 30)
      guard header.starts(with: [0x50, 0x4b, 3, 4]) else {
        throw ZipArchive.damaged(archive.path, entry.name, "the entry's header is damaged")
      }
      let nameLength = Int(header[26]) | Int(header[27]) << 8, extraLength = Int(header[28]) | Int(header[29]) << 8
      position = entry.headerOffset + 30 + nameLength + extraLength
      guard position <= archive.file.count, entry.storedSize <= archive.file.count - position else {
        throw ZipArchive.damaged(archive.path, entry.name, "the entry extends beyond the end of the file")
      }
      end = position + entry.storedSize
      inflater = entry.isDeflated ? InflateStream() : nil
      if entry.isDeflated, inflater == nil {
        throw StructuredError("there is not enough memory to read the file", at: archive.path)
      }
    }

    /// The file, and where in it the next bytes are; nil for deflated entries.
    var storedBytes: (FileBytes, offset: Int)? {
      inflater == nil ? (archive.file, position - (input.count - inputStart)) : nil
    }

    /// Fills a buffer with the next bytes; verifies the checksum after the entry's last byte.
    ///
    /// - Throws: `StructuredError` if the entry ends before or is damaged.
    func read(into output: UnsafeMutableRawBufferPointer) throws {
      var done = 0
      while done < output.count {
        let room = UnsafeMutableRawBufferPointer(rebasing: output[done...])
        let count = try inflater.map { try inflate($0, into: room) } ?? copy(into: room)
        done += count
      }
      crc = Checksum.crc32(UnsafeRawBufferPointer(output), continuing: crc)
      produced += output.count
      if produced == entry.size, crc != entry.crc32 {
        throw ZipArchive.damaged(archive.path, entry.name, "the checksum does not match: the data are damaged")
      }
    }

    private func refill() throws {
      guard inputStart == input.count else { return }
      guard position < end else {
        throw ZipArchive.damaged(archive.path, entry.name, "the entry is shorter than it declares")
      }
      let next = min(end, position + 1 << 18)
      input = try ZipArchive.read(archive.file, position..<next)
      (position, inputStart) = (next, 0)
    }

    private func copy(into output: UnsafeMutableRawBufferPointer) throws -> Int {
      try refill()
      let count = min(output.count, input.count - inputStart)
      output.copyBytes(from: input[inputStart..<inputStart + count])
      inputStart += count
      return count
    }

    private func inflate(_ inflater: InflateStream, into output: UnsafeMutableRawBufferPointer) throws -> Int {
      try refill()
      let progress = input.withUnsafeBytes {
        inflater.inflate(UnsafeRawBufferPointer(rebasing: $0[inputStart...]), into: output)
      }
      guard let progress, progress.consumed + progress.produced > 0 else {
        throw ZipArchive.damaged(archive.path, entry.name, "the deflated data are damaged")
      }
      inputStart += progress.consumed
      if progress.ended, progress.produced < output.count {
        throw ZipArchive.damaged(archive.path, entry.name, "the entry is shorter than it declares")
      }
      return progress.produced
    }
  }
}
