import Diagnostics
import FileFormats
import Foundation

/// What tells whether a file is still the same: the checksum of all its bytes, or of a large file its size, the time of its last
/// change and the checksum of a part, so that nobody waits until 12 GB have been read. A folder is told by the names of what is
/// in it, with sizes and times.
package enum FileIdentity {
  /// Files of more bytes are not read as a whole.
  package static let largestWhole = 64 << 20
  /// The bytes and the number of the pieces of a large file, the first of which is its beginning and the last its end.
  private static let piece = 1 << 16, pieces = 256

  /// The identity as text.
  ///
  /// - Throws: `StructuredError` if the file or folder cannot be read.
  package static func text(of path: String, largestWhole: Int = largestWhole) throws -> String {
    func unreadable() -> StructuredError { StructuredError("the file cannot be read", at: path) }
    if let names = try? FileManager.default.contentsOfDirectory(atPath: path) { return text(ofFolder: path, names) }
    guard let file = FileHandle(forReadingAtPath: path) else { throw unreadable() }
    defer { try? file.close() }
    var status = stat()
    guard fstat(file.fileDescriptor, &status) == 0 else { throw unreadable() }
    let size = Int(status.st_size)
    var crc: UInt32 = 0
    func add(_ offset: Int, _ count: Int) throws {
      guard (try? file.seek(toOffset: UInt64(offset))) != nil, let data = try? file.read(upToCount: count),
        data.count == count
      else { throw unreadable() }
      data.withUnsafeBytes { crc = Checksum.crc32($0, continuing: crc) }
    }
    guard size > largestWhole else {
      for offset in stride(from: 0, to: size, by: 1 << 20) { try add(offset, min(1 << 20, size - offset)) }
      return "\(crc)"
    }
    let length = min(piece, size)
    for index in 0..<pieces { try add((size - length) / (pieces - 1) * index, length) }
    try add(size - length, length)
    let changed = "\(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
    return "\(size) bytes, changed \(changed), parts \(crc)"
  }

  private static func text(ofFolder path: String, _ names: [String]) -> String {
    var crc: UInt32 = 0
    for name in names.sorted() {
      var status = stat()
      stat(PathParts.join(path, name), &status)
      var text = "\(name)\0\(status.st_size) \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)\n"
      text.withUTF8 { crc = Checksum.crc32(UnsafeRawBufferPointer($0), continuing: crc) }
    }
    return "\(names.count) files, names and times \(crc)"
  }
}
