import Diagnostics
import Experiment

/// The state of training as one line of text, formatted for a log or a terminal.
public struct ProgressLine: Sendable {
  /// Steps done.
  public var step: Int
  /// The number of steps of the run.
  public var total: Int
  /// Images per second, once known.
  public var imagesPerSecond: Double?
  /// Seconds left, once known.
  public var secondsLeft: Double?
  /// Names and values of the loss and its terms, in order of importance.
  public var terms: [EventLog.Row.Value]

  /// Makes a line.
  public init(
    step: Int, total: Int, imagesPerSecond: Double? = nil, secondsLeft: Double? = nil,
    terms: [EventLog.Row.Value] = []
  ) {
    self.step = step
    self.total = total
    self.imagesPerSecond = imagesPerSecond
    self.secondsLeft = secondsLeft
    self.terms = terms
  }

  /// The line for a log: all parts, without a bar.
  public var plain: String { ([counter] + measures + shownTerms).joined(separator: "  ") }

  /// The line for a terminal: at most `width` columns wide, with a bar if there is room.
  ///
  /// Parts that do not fit are left out from the end: first the last terms, then the time left, then the speed.
  public func bar(width: Int, color: Bool) -> String {
    let shortest = 8
    var after = measures + shownTerms
    func length(_ parts: [String]) -> Int { parts.reduce(0) { $0 + 2 + $1.count } }
    while !after.isEmpty, counter.count + 2 + shortest + length(after) > width { after.removeLast() }
    let room = min(30, width - counter.count - 2 - length(after))
    guard room >= shortest else { return String(counter.prefix(max(0, width))) }
    return ([counter, drawBar(room, color: color)] + after).joined(separator: "  ")
  }

  private var fraction: Double { total > 0 ? min(1, max(0, Double(step) / Double(total))) : 0 }

  private var counter: String {
    let all = Format.grouped(total), done = Format.grouped(step)
    let percent = "\(Int(fraction * 100))%"
    return pad(done, all.count) + "/" + all + " " + pad(percent, 4)
  }

  private var measures: [String] {
    [
      imagesPerSecond.map { "\(Format.grouped(Int(min($0, 1e15).rounded()))) images/s" },
      secondsLeft.map { "\(Format.duration($0)) left" },
    ].compactMap { $0 }
  }

  private var shownTerms: [String] { terms.map { "\($0.name) \(Format.significant($0.value))" } }

  private func drawBar(_ width: Int, color: Bool) -> String { Self.bar(fraction, width: width, color: color) }

  /// A progress bar of `width` columns.
  static func bar(_ fraction: Double, width: Int, color: Bool) -> String {
    let full = Int(min(1, max(0, fraction)) * Double(width))
    let done = String(repeating: "━", count: full), rest = String(repeating: "─", count: width - full)
    return color ? "\u{1B}[36m\(done)\u{1B}[0;2m\(rest)\u{1B}[0m" : done + rest
  }

  private func pad(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }
}
