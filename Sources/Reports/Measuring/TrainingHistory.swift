import Diagnostics
import Experiment
import Foundation

/// What training logged: `metrics.jsonl` as columns.
public struct TrainingHistory: Sendable, Equatable, Codable {
  /// One quantity over steps.
  public struct Series: Sendable, Equatable, Codable {
    /// Its key in the log.
    public var name: String
    /// Updates made when each value was logged.
    public var steps: [Int]
    /// The values; what was not finite is left out, with its step.
    public var values: [Double]

    /// Gathers a series.
    public init(name: String, steps: [Int], values: [Double]) {
      (self.name, self.steps, self.values) = (name, steps, values)
    }
  }

  /// All quantities but those about time, in the order of the log.
  public var series: [Series]

  /// Reads a log.
  ///
  /// - Returns: nil where there is no log, or nothing in it.
  /// - Throws: `StructuredError` if a line other than a torn last one is not a row.
  public init?(reading folder: RunFolder) throws {
    guard folder.contains(.metrics) else { return nil }
    let lines = try folder.read(.metrics).split(separator: UInt8(ascii: "\n"))
    var order: [String] = [], columns: [String: Series] = [:]
    for (number, line) in lines.enumerated() {
      guard let row = (try? JSONSerialization.jsonObject(with: line)) as? [String: Any],
        let step = (row["step"] as? NSNumber)?.intValue
      else {
        if number == lines.count - 1 { break }
        throw StructuredError(
          "this line is not a row of metrics", at: "\(folder.path(of: .metrics)):\(number + 1)",
          expected: "a JSON object with a step", action: "Remove the line.")
      }
      for name in Self.keys(of: line) where !["step", "seconds", "images_per_second"].contains(name) {
        guard let value = (row[name] as? NSNumber)?.doubleValue, value.isFinite else { continue }
        if columns[name] == nil { order.append(name) }
        columns[name, default: Series(name: name, steps: [], values: [])].steps.append(step)
        columns[name]?.values.append(value)
      }
    }
    series = order.compactMap { columns[$0] }
    if series.isEmpty { return nil }
  }

  /// The keys of a row in their order, which a dictionary does not keep.
  private static func keys(of line: Data) -> [String] {
    let parts = String(decoding: line, as: UTF8.self).split(separator: "\"", omittingEmptySubsequences: false)
    // Between quotes stands every second part; keys are those followed by a colon.
    return parts.indices.filter { $0 % 2 == 1 && $0 + 1 < parts.count && parts[$0 + 1].hasPrefix(":") }
      .map { String(parts[$0]) }
  }

  /// A series by its name.
  public subscript(_ name: String) -> Series? { series.first { $0.name == name } }
}
