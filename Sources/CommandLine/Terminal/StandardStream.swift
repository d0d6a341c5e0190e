import Diagnostics
import Foundation

/// Standard output and standard error, unbuffered, so that the lines of both appear in the order of writing.
///
/// A closed pipe, as in `… | head -1`, is not an error: the text is dropped and the run continues. The program must
/// ignore `SIGPIPE`.
public struct StandardStream: Sendable {
  /// Standard output, for results.
  public static let output = StandardStream(descriptor: STDOUT_FILENO, name: "standard output")
  /// Standard error, for progress and errors.
  public static let error = StandardStream(descriptor: STDERR_FILENO, name: "standard error")

  private let descriptor: Int32
  private let name: String

  /// Opens `/dev/null` for each standard stream that is closed, as by `>&-`. Otherwise the next file that is opened
  /// would get its descriptor, and receive the output of the stream.
  public static func openClosedStreams() {
    for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
      _ = open("/dev/null", O_RDWR)
    }
  }

  /// Writes text as it is, which must hold nothing that came from a file.
  ///
  /// - Throws: `StructuredError` if the text cannot be written, as on a full disk.
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

  /// Writes a line of text, or several. Their control characters but line feeds and tabs are escaped, since names in them
  /// may come from files.
  ///
  /// - Throws: as ``write(_:)``.
  public func writeLine(_ line: String) throws { try write(line.escapingControls(keepsLines: true) + "\n") }
}
