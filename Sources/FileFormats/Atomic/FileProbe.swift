import Diagnostics
import Foundation

/// What can be said about a file before it is opened.
public enum FileProbe {
  /// The formats that arrays come in.
  public enum Format: Sendable {
    /// HDF5.
    case hdf5
    /// A zip archive of NumPy arrays.
    case npz
    /// Anything else.
    case unknown
  }

  /// Makes sure that there is a file and that it can be read.
  ///
  /// - Throws: `StructuredError` when it is missing, a directory, not a regular file, empty or not readable.
  public static func requireReadableFile(_ path: String) throws {
    var status = stat()
    guard stat(path, &status) == 0 else {
      let code = errno
      if code == ENOENT { throw StructuredError("there is no such file", at: path) }
      throw StructuredError("cannot look at the file: \(String(cString: strerror(code)))", at: path)
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG: break
    case S_IFDIR: throw StructuredError("this is a directory", at: path, expected: "a file")
    default: throw StructuredError("this is not a regular file", at: path, expected: "a file")
    }
    guard access(path, R_OK) == 0 else {
      throw StructuredError("cannot read the file: \(String(cString: strerror(errno)))", at: path)
    }
    if status.st_size == 0 { throw StructuredError("the file is empty", at: path) }
  }

  /// Tells the format by the first bytes.
  ///
  /// - Throws: as ``requireReadableFile(_:)``.
  public static func format(of path: String) throws -> Format {
    let file = try FileBytes(reading: path), start = file.bytes(at: 0, min(4, file.count)) ?? []
    if start == [0x50, 0x4b, 0x03, 0x04] || start == [0x50, 0x4b, 0x05, 0x06] { return .npz }
    return HDF5Source.signatureOffset(in: file) == nil ? .unknown : .hdf5
  }
}
