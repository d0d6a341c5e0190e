/// The speed over the last 20 seconds, and the remaining time at that speed.
///
/// The caller passes times, in seconds from any origin.
public struct ProgressMeter: Sendable {
  private static let window = 20.0

  private let total: Int
  private var samples: [(seconds: Double, step: Int)] = []

  /// A meter for a run of `total` steps.
  public init(total: Int) {
    self.total = total
  }

  /// Records that `step` steps were done at a time.
  public mutating func record(step: Int, at seconds: Double) {
    // At most about twelve samples per window are kept, whatever the speed of training.
    if samples.count > 1, let beforeLast = samples.dropLast().last, seconds - beforeLast.seconds < Self.window / 12 {
      samples.removeLast()
    }
    samples.append((seconds, step))
    while samples.count > 2, seconds - samples[1].seconds >= Self.window { samples.removeFirst() }
  }

  /// Steps per second; nil before there are two samples that differ.
  public var stepsPerSecond: Double? {
    guard let first = samples.first, let last = samples.last, last.seconds > first.seconds, last.step > first.step
    else { return nil }
    return Double(last.step - first.step) / (last.seconds - first.seconds)
  }

  /// Seconds until the last step at the current speed; nil while the speed is unknown.
  public var secondsLeft: Double? {
    guard let rate = stepsPerSecond, let last = samples.last else { return nil }
    return Double(max(0, total - last.step)) / rate
  }
}
