import Diagnostics

/// The bytes of a file in order; those of a gzip file (RFC 1952) inflated, in bounded memory. Its checksum is checked.
public final class SequentialFile {
  /// The file's path, as given.
  public let path: String
  /// How many bytes have been read.
  public private(set) var position = 0

  private let file: FileBytes
  private let stream: InflateStream?
  /// Compressed bytes that were read from the file and not yet inflated, and where the next ones are.
  private var input: ArraySlice<UInt8> = []
  private var offset = 0
  private var hasEnded = false

  /// Opens a file; its first bytes tell whether it is compressed.
  ///
  /// - Throws: `StructuredError` if the file is missing, empty or cannot be read.
  public init(reading path: String) throws {
    self.path = path
    file = try FileBytes(reading: path)
    guard file.bytes(at: 0, min(2, file.count)) == [0x1f, 0x8b] else {
      stream = nil
      return
    }
    guard let stream = InflateStream(.gzip) else {
      throw StructuredError("there is not enough memory", at: path)
    }
    self.stream = stream
  }

  /// The most bytes that the file can hold: deflate compresses by a factor of at most 1032.
  public var capacity: Int { stream == nil ? file.count : saturatingProduct(file.count, 1032) }

  /// The next bytes.
  ///
  /// - Throws: as ``read(into:)``.
  public func read(_ count: Int) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    try bytes.withUnsafeMutableBytes { try read(into: $0) }
    return bytes
  }

  /// Fills a buffer with the next bytes.
  ///
  /// - Throws: `StructuredError` if the file ends before, is damaged, or cannot be read.
  public func read(into buffer: UnsafeMutableRawBufferPointer) throws {
    var done = 0
    while done < buffer.count {
      let count = try inflate(into: UnsafeMutableRawBufferPointer(rebasing: buffer[done...]))
      if count == 0, hasEnded {
        throw StructuredError(
          "the file ends after \(position) bytes", at: path, expected: "at least \(position + buffer.count - done)",
          action: "Copy or download the file again.")
      }
      done += count
      position += count
    }
  }

  /// Fills a buffer with the next bytes, or with those that are left.
  ///
  /// - Returns: how many they are; fewer than the buffer has room for only at the end of the file.
  /// - Throws: `StructuredError` if the file is damaged or cannot be read.
  public func readAtMost(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    var done = 0
    while done < buffer.count, !hasEnded {
      let count = try inflate(into: UnsafeMutableRawBufferPointer(rebasing: buffer[done...]))
      done += count
      position += count
    }
    return done
  }

  /// The bytes of a whole file, inflated where it is compressed.
  ///
  /// - Throws: `StructuredError` if there are more than `limit`, or the file is missing, damaged or cannot be read.
  public static func contents(of path: String, atMost limit: Int) throws -> [UInt8] {
    let file = try SequentialFile(reading: path)
    var bytes: [UInt8] = [], piece = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = try piece.withUnsafeMutableBytes { try file.readAtMost(into: $0) }
      if count == 0 { return bytes }
      guard count <= limit - bytes.count else {
        throw StructuredError("the file is longer than \(limit) bytes", at: path, expected: "at most as many")
      }
      bytes += piece[..<count]
    }
  }

  /// Makes sure that nothing follows what was read, and that the checksum of a gzip file is right.
  ///
  /// - Throws: `StructuredError` if more bytes follow, or the file is damaged.
  public func requireEnd() throws {
    var byte: UInt8 = 0
    while !hasEnded {
      let more = try withUnsafeMutableBytes(of: &byte) { try inflate(into: $0) }
      guard more == 0 else {
        throw StructuredError(
          "more bytes follow after the \(position) that the file declares", at: path, expected: "the end of the file")
      }
    }
  }

  /// Puts as many of the next bytes into a buffer as there are at hand; 0 also while nothing could be inflated yet.
  private func inflate(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    guard let stream else {
      let count = min(buffer.count, file.count - offset)
      hasEnded = offset + count == file.count && count < buffer.count
      guard file.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<count]), at: offset) else {
        throw damaged("the file cannot be read")
      }
      offset += count
      return count
    }
    guard !hasEnded else { return 0 }
    if input.isEmpty {
      let count = min(1 << 16, file.count - offset)
      guard count > 0, let bytes = file.bytes(at: offset, count) else { throw damaged("the gzip stream ends early") }
      input = bytes[...]
      offset += count
    }
    guard let progress = input.withUnsafeBytes({ stream.inflate($0, into: buffer) }) else {
      throw damaged("the gzip stream is damaged, or its checksum does not match")
    }
    if progress.consumed == 0, progress.produced == 0, !progress.ended { throw damaged("the gzip stream is damaged") }
    input = input.dropFirst(progress.consumed)
    hasEnded = progress.ended
    return progress.produced
  }

  private func damaged(_ what: String) -> StructuredError {
    StructuredError(what, at: path, action: "Copy or download the file again.")
  }
}
