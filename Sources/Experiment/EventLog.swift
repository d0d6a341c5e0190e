import Diagnostics
import FileFormats
import Foundation

/// `metrics.jsonl`: one JSON object for each logged step, appended as training goes.
///
/// A row is written by one system call, so that a killed process leaves whole rows and at most one torn line at the
/// end. On resuming, `truncate(afterStep:)` drops what the checkpoint does not know of, and the rows that training
/// then appends are those of an undisturbed run.
public final class EventLog {
  /// One row.
  public struct Row: Sendable, Equatable {
    /// The number of updates made so far.
    public var step: Int
    /// Names and values, in the order in which they are printed.
    public var values: [Value]

    /// A named value.
    public struct Value: Sendable, Equatable {
      /// The key in the JSON object.
      public var name: String
      /// The value, finite or not.
      public var value: Double

      /// Makes a named value.
      public init(_ name: String, _ value: Double) {
        self.name = name
        self.value = value
      }
    }

    /// Makes a row.
    public init(step: Int, _ values: [Value]) {
      self.step = step
      self.values = values
    }

    /// The JSON object, on one line. Numbers are the shortest that read back exactly; what JSON cannot say is null,
    /// with a further key: `"loss":null,"loss_not_finite":"nan"`.
    public var json: String {
      var text = "{\"step\":\(step)"
      for value in values {
        let key = quoted(value.name)
        if value.value.isFinite {
          text += ",\(key):\(value.value)"
        } else {
          text += ",\(key):null,\(quoted(value.name + "_not_finite")):\"\(value.value)\""
        }
      }
      return text + "}"
    }

    private func quoted(_ name: String) -> String {
      var text = "\""
      for scalar in name.unicodeScalars {
        switch scalar {
        case "\"", "\\": text += "\\\(scalar)"
        case _ where scalar.value < 32: text += "\\u" + String(0x10000 + scalar.value, radix: 16).dropFirst()
        default: text.unicodeScalars.append(scalar)
        }
      }
      return text + "\""
    }
  }

  private let file: AppendedFile

  /// Opens the log for appending, and makes it if it is not there.
  ///
  /// - Throws: `StructuredError` if it cannot be opened.
  public init(path: String) throws { file = try AppendedFile(path: path, contents: "the metrics") }

  /// Appends a row; other programs see it at once.
  ///
  /// - Throws: `StructuredError` if the system refuses, as on a full disk; the log is then as it was.
  public func append(_ row: Row) throws { try file.append(Data((row.json + "\n").utf8)) }

  /// Forces all rows onto the disk, as before a checkpoint that presumes them.
  public func synchronize() throws { try file.synchronize() }

  /// Drops the rows beyond a step, and a torn line at the end; rewrites the file atomically if there is anything to
  /// drop. A log that is not there has nothing to drop.
  ///
  /// - Throws: `StructuredError` if a line before the last is not a row, or the file cannot be rewritten.
  public static func truncate(path: String, afterStep step: Int) throws {
    guard let data = FileManager.default.contents(atPath: path) else { return }
    var kept = Data()
    let lines = data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() where !(line.isEmpty && index == lines.count - 1) {
      guard let row = try? JSONDecoder().decode(Step.self, from: line) else {
        if index == lines.count - 1 { break }
        throw StructuredError(
          "this line is not a row of metrics", at: "\(path):\(index + 1)", expected: "a JSON object with a step",
          action: "Remove the line.")
      }
      if row.step <= step {
        kept += line
        kept.append(UInt8(ascii: "\n"))
      }
    }
    if kept != data { try AtomicFile.write(kept, to: path) }
  }

  private struct Step: Decodable {
    var step: Int
  }
}
