/// Durations of one task, in seconds.
struct Series: Encodable {
  /// All of them, in order.
  var seconds: [Double] = []

  /// The median; of an even number of durations, the larger of the two middle ones.
  var median: Double { seconds.isEmpty ? .nan : seconds.sorted()[seconds.count / 2] }
  /// The shortest.
  var minimum: Double { seconds.min() ?? .nan }

  private enum CodingKeys: String, CodingKey { case median, minimum, count }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(median, forKey: .median)
    try container.encode(minimum, forKey: .minimum)
    try container.encode(seconds.count, forKey: .count)
  }
}

/// The result of one benchmark.
struct Row: Encodable {
  /// A peer's time for the same task.
  struct Comparison: Encodable {
    /// The peer's mode.
    var mode: String
    /// Its durations.
    var series: Series
    /// Its median divided by ours: the speed-up.
    var ratio: Double
  }

  /// The task.
  var name: String
  /// Our durations.
  var series: Series
  /// Floating-point operations in one repetition, where they are counted.
  var operations: Double?
  /// The times of the peer's modes; empty without a peer.
  var comparisons: [Comparison] = []
  /// Remarks, such as why there is no comparison.
  var notes: [String] = []
  /// Further figures, by name with their unit.
  var figures: [String: Double] = [:]

  /// GFLOP/s at the median.
  var gigaflops: Double? { operations.map { $0 / series.median * 1e-9 } }

  /// The row as lines of text; `peak` in floating-point operations per second.
  func text(peak: Double) -> String {
    var line = "\(name.padded(52)) \(milliseconds(series.median)) ms  min \(milliseconds(series.minimum))"
    if let gigaflops {
      line += "  \(fixed(gigaflops, 0)) GFLOP/s  \(fixed(100 * gigaflops * 1e9 / peak, 1)) % of peak"
    }
    var lines = [line]
    for comparison in comparisons {
      lines.append(
        "  \(comparison.mode.padded(50)) \(milliseconds(comparison.series.median)) ms  min "
          + "\(milliseconds(comparison.series.minimum))  ratio \(fixed(comparison.ratio, 2))")
    }
    for (name, value) in figures.sorted(by: { $0.key < $1.key }) {
      lines.append("  \(name.padded(50)) \(fixed(value, value < 100 ? 3 : 0))")
    }
    return (lines + notes.map { "  \($0)" }).joined(separator: "\n")
  }

  /// The row in Markdown: its time, share of the peak, and ratio to each of the peer's modes.
  func cells(peak: Double, modes: [String]) -> String {
    let share = gigaflops.map { "\(fixed(100 * $0 * 1e9 / peak, 0)) %" } ?? ""
    let ratios = modes.map { mode in comparisons.first { $0.mode == mode }.map { fixed($0.ratio, 2) } ?? "" }
    return "| " + ([name, "\(milliseconds(series.median)) ms", share] + ratios).joined(separator: " | ") + " |"
  }
}

private func milliseconds(_ seconds: Double) -> String { fixed(1000 * seconds, 2) }

/// A number with `decimals` decimals.
func fixed(_ value: Double, _ decimals: Int) -> String {
  guard value.isFinite, abs(value) < 1e15 else { return "\(value)" }
  var scale = 1.0
  for _ in 0..<decimals { scale *= 10 }
  let whole = (value * scale).rounded()
  let digits = "\(Int64(whole.magnitude))"
  let filled = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
  let point = decimals == 0 ? "" : "." + filled.suffix(decimals)
  return (whole < 0 ? "-" : "") + filled.dropLast(decimals) + point
}

extension String {
  func padded(_ width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
  func leftPadded(_ width: Int) -> String { String(repeating: " ", count: max(0, width - count)) + self }
}
