import Diagnostics

/// Shows how far work of several stages has come: one line that updates itself on a terminal, a line for each stage
/// elsewhere.
public final class StageDisplay {
  private let terminal: ProgressTerminal
  private let total: Int
  private let interval = 0.1
  private var lastShown = -Double.infinity
  private var lastStage = 0
  private var lineIsOpen = false

  /// Makes a display.
  ///
  /// - Parameters:
  ///   - total: The number of stages.
  ///   - terminal: Where to show.
  public init(total: Int, terminal: ProgressTerminal) {
    self.total = total
    self.terminal = terminal
  }

  /// Notes progress and shows it, unless the last line is too recent.
  ///
  /// - Parameters:
  ///   - stage: The stage at work, counted from 1.
  ///   - name: What it does.
  ///   - fraction: How much of it is done, from 0 to 1.
  ///   - seconds: A monotonic time, 0 when work began.
  public func update(stage: Int, name: String, fraction: Double, at seconds: Double) {
    let isNew = stage != lastStage
    guard isNew || terminal.isInteractive && seconds - lastShown >= interval else { return }
    (lastStage, lastShown) = (stage, seconds)
    let counter = "[\(stage)/\(total)] \(name)"
    guard terminal.isInteractive else {
      terminal.write("\(counter)\n")
      return
    }
    let percent = "\(Int(min(1, max(0, fraction)) * 100))%"
    let text = "  \(String(repeating: " ", count: 4 - percent.count))\(percent)  \(Format.duration(seconds))"
    let room = terminal.width() - 1, width = min(30, room - counter.count - 2 - text.count)
    let line =
      width < 8
      ? counter
      : counter + "  " + ProgressLine.bar(fraction, width: width, color: terminal.usesColor)
        + text
    terminal.write("\r" + (width < 8 ? String(line.prefix(max(0, room))) : line) + "\u{1B}[K")
    lineIsOpen = true
  }

  /// Ends the line, so that what follows begins a new one.
  public func finish() {
    if lineIsOpen { terminal.write("\r\u{1B}[K") }
    lineIsOpen = false
  }
}
