import Diagnostics
import Foundation

/// A file that grows by whole pieces: each is written by one system call where the system allows, and a piece that the
/// system refuses is taken back.
package final class AppendedFile {
  private let path: String
  private let contents: String
  private let descriptor: Int32

  /// Opens a file for appending, and makes it if it is not there.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - contents: what messages call its contents, "the metrics".
  /// - Throws: `StructuredError` if it cannot be opened.
  package init(path: String, contents: String) throws {
    (self.path, self.contents) = (path, contents)
    descriptor = uninterrupted { open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666) }
    guard descriptor >= 0 else {
      throw StructuredError("cannot open \(contents): \(String(cString: strerror(errno)))", at: path)
    }
  }

  deinit { close(descriptor) }

  /// Whether there is nothing in it.
  package var isEmpty: Bool { lseek(descriptor, 0, SEEK_END) == 0 }

  /// Appends a piece; other programs see it at once.
  ///
  /// - Throws: `StructuredError` if the system refuses, as on a full disk; the file is then as it was.
  package func append(_ piece: some ContiguousBytes) throws {
    let before = lseek(descriptor, 0, SEEK_END)
    let failure: Int32? = piece.withUnsafeBytes { bytes in
      var done = 0
      while done < bytes.count {
        let written = write(descriptor, bytes.baseAddress! + done, bytes.count - done)
        if written < 0, errno != EINTR { return errno }
        done += max(0, written)
      }
      return nil
    }
    if let failure {
      if before >= 0 { _ = uninterrupted { ftruncate(descriptor, before) } }
      throw StructuredError("cannot write \(contents): \(String(cString: strerror(failure)))", at: path)
    }
  }

  /// Forces everything onto the disk, as before a checkpoint that presumes it.
  package func synchronize() throws {
    guard uninterrupted({ fsync(descriptor) }) == 0 else {
      throw StructuredError("cannot write \(contents): \(String(cString: strerror(errno)))", at: path)
    }
  }
}
