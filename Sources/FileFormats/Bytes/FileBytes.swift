import Diagnostics
import Foundation

/// A file opened for reading at any offset.
///
/// It is not mapped into memory, so that a file that is truncated while it is read causes an error and not a signal.
/// Several threads may read at a time.
final class FileBytes: Sendable {
  /// The file's path, as given.
  let path: String
  /// The size of the file in bytes when it was opened.
  let count: Int
  private let descriptor: Int32

  /// Opens a file.
  ///
  /// - Throws: `StructuredError` as ``FileProbe/requireReadableFile(_:)``, or if the file cannot be opened.
  init(reading path: String) throws {
    try FileProbe.requireReadableFile(path)
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw StructuredError("cannot open the file: \(String(cString: strerror(errno)))", at: path)
    }
    var status = stat()
    fstat(descriptor, &status)
    (self.path, self.descriptor, count) = (path, descriptor, Int(status.st_size))
  }

  deinit { close(descriptor) }

  /// Whether a range of bytes lies in the file.
  func contains(_ offset: Int, _ length: Int) -> Bool {
    offset >= 0 && length >= 0 && offset <= count && length <= count - offset
  }

  /// Fills a buffer with the bytes at an offset; returns false if the file ends before or cannot be read.
  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) -> Bool {
    guard contains(offset, buffer.count) else { return false }
    guard let start = buffer.baseAddress else { return true }
    var done = 0
    while done < buffer.count {
      let read = pread(descriptor, start + done, buffer.count - done, off_t(offset + done))
      if read < 0 && errno == EINTR { continue }
      if read <= 0 { return false }
      done += read
    }
    return true
  }

  /// Tells the system that bytes will be read soon.
  func announce(_ offset: Int, _ length: Int) {
    #if canImport(Glibc)
      posix_fadvise(descriptor, off_t(offset), off_t(length), POSIX_FADV_WILLNEED)
    #endif
  }

  /// The bytes at an offset; nil if the file ends before or cannot be read.
  func bytes(at offset: Int, _ length: Int) -> [UInt8]? {
    guard contains(offset, length) else { return nil }
    if length == 0 { return [] }
    var complete = false
    let bytes = [UInt8](unsafeUninitializedCapacity: length) { buffer, count in
      let room = UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: buffer[..<length]))
      complete = read(into: room, at: offset)
      count = complete ? length : 0
    }
    return complete ? bytes : nil
  }
}
