import Diagnostics
import Foundation

/// Standard output and standard error, written at once, so that lines of the two come in the order of their writing.
///
/// A reader that has gone away, as in `… | head -1`, is no error: the files of a run matter more than who watches, and
/// what would have been shown is dropped. The program must ignore `SIGPIPE`.
public struct StandardStream: Sendable {
  /// Results.
  public static let output = StandardStream(descriptor: STDOUT_FILENO, name: "standard output")
  /// Progress and errors.
  public static let error = StandardStream(descriptor: STDERR_FILENO, name: "standard error")

  private let descriptor: Int32
  private let name: String

  /// Points those of the three standard streams that are closed, as by `>&-`, to nowhere. Otherwise the next file that
  /// is opened would take the place of one, and be written to by everything meant to be shown.
  public static func fillGaps() {
    for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
      _ = open("/dev/null", O_RDWR)
    }
  }

  /// Writes text as it is.
  ///
  /// - Throws: `StructuredError` if the system refuses, as on a full disk.
  public func write(_ text: String) throws {
    var text = text
    let failure: Int32? = text.withUTF8 { bytes in
      var done = 0
      while done < bytes.count {
        let written = Foundation.write(descriptor, bytes.baseAddress! + done, bytes.count - done)
        if written < 0, errno != EINTR { return errno }
        done += max(0, written)
      }
      return nil
    }
    if let failure, failure != EPIPE {
      throw StructuredError("cannot write: \(String(cString: strerror(failure)))", at: name)
    }
  }

  /// Writes a line.
  ///
  /// - Throws: as ``write(_:)``.
  public func writeLine(_ line: String) throws { try write(line + "\n") }
}
