import CArchive
import Diagnostics
import Foundation

/// A tar archive, compressed by gzip or not, read from its beginning to its end in bounded memory. Nothing is unpacked.
///
/// An archive with a name that leads out of it is refused. Links are no regular files, and are never followed. The checksum
/// of a gzip file is compared when the end is reached. Not for concurrent use.
public final class TarArchive {
  /// A member of an archive.
  public struct Member: Sendable, Equatable {
    /// Its path in the archive, without `./` at the beginning.
    public let name: String
    /// Whether it is a file with contents of its own: no folder, link or device.
    public let isRegularFile: Bool
  }

  /// The file's path, as given.
  public let path: String
  private let archive: OpaquePointer
  private let input: Input
  private var current = ""

  /// What libarchive reads from: the inflated file, and the error that it met, which C code cannot pass on.
  private final class Input {
    let file: SequentialFile
    let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
    var failure: (any Error)?

    init(_ file: SequentialFile) { self.file = file }
    deinit { block.deallocate() }

    /// The number of bytes that were put into the block; −1 after an error.
    func next() -> Int {
      do { return try file.readAtMost(into: block) } catch {
        failure = error
        return -1
      }
    }
  }

  /// Opens an archive.
  ///
  /// - Throws: `StructuredError` if the file is missing or is no tar archive.
  public init(reading path: String) throws {
    self.path = path
    input = Input(try SequentialFile(reading: path))
    guard let archive = archive_read_new() else { throw StructuredError("there is not enough memory", at: path) }
    self.archive = archive
    // No filters: the bytes come inflated, because libarchive does not compare the checksum of gzip.
    archive_read_support_format_tar(archive)
    let status = archive_read_open(
      archive, Unmanaged.passUnretained(input).toOpaque(), nil,
      { _, context, block in
        guard let context, let block else { return -1 }
        let input = Unmanaged<Input>.fromOpaque(context).takeUnretainedValue()
        block.pointee = UnsafeRawPointer(input.block.baseAddress)
        return input.next()
      }, nil)
    if status != ARCHIVE_OK { throw failure("this is not a tar archive, or it is damaged") }
  }

  deinit { archive_read_free(archive) }

  /// The next member; nil at the end.
  ///
  /// - Throws: `StructuredError` if the archive is damaged, or the member's name is absolute or has `..` as a part.
  public func next() throws -> Member? {
    var entry: OpaquePointer?
    let status = archive_read_next_header(archive, &entry)
    if status == ARCHIVE_EOF {
      try finish()
      return nil
    }
    // A warning concerns names that the locale cannot express.
    guard status == ARCHIVE_OK || status == ARCHIVE_WARN, let entry else {
      throw failure(current.isEmpty ? "this is not a tar archive, or it is damaged" : "the archive is damaged")
    }
    var name = archive_entry_pathname(entry).map { String(cString: $0) } ?? ""
    if name.hasPrefix("/") || name.split(separator: "/").contains("..") {
      throw StructuredError(
        "the archive has a member \"\(name)\", which leads out of it", at: path, expected: "names within the archive")
    }
    while name.hasPrefix("./") { name.removeFirst(2) }
    current = name
    let isLink = archive_entry_hardlink(entry) != nil || archive_entry_symlink(entry) != nil
    return Member(name: name, isRegularFile: !isLink && mode_t(archive_entry_filetype(entry)) == S_IFREG)
  }

  /// The contents of the member that ``next()`` returned.
  ///
  /// - Throws: `StructuredError` if they are longer than `limit` bytes, or the archive is damaged.
  public func contents(atMost limit: Int) throws -> [UInt8] {
    var bytes: [UInt8] = [], piece = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = archive_read_data(archive, &piece, piece.count)
      guard count >= 0 else { throw failure("the archive is damaged") }
      if count == 0 { return bytes }
      guard count <= limit - bytes.count else {
        throw StructuredError(
          "the member is longer than \(limit) bytes", at: location(of: current), expected: "at most as many")
      }
      bytes += piece[..<count]
    }
  }

  /// The place of a member, for errors.
  public func location(of member: String) -> String { "\(path), member \"\(member)\"" }

  /// Reads what follows the last member, so that the checksum of the file is compared.
  private func finish() throws { while try input.file.readAtMost(into: input.block) > 0 {} }

  /// The error of the file where there is one, otherwise that of the archive.
  private func failure(_ what: String) -> any Error {
    if let failure = input.failure { return failure }
    let reason = archive_error_string(archive).map { ": " + String(cString: $0) } ?? ""
    return StructuredError(
      what + reason, at: current.isEmpty ? path : "\(path), after member \"\(current)\"",
      action: "Copy or download the file again.")
  }
}
