import Diagnostics

/// Shows the progress of work in several stages: one line that is updated on a terminal, one line per stage elsewhere.
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
  ///   - terminal: The output.
  public init(total: Int, terminal: ProgressTerminal) {
    self.total = total
    self.terminal = terminal
  }

  /// Records progress and shows it, unless the last line is too recent.
  ///
  /// - Parameters:
  ///   - stage: The current stage, counted from 1.
  ///   - name: The stage's name.
  ///   - fraction: The fraction of the stage that is done, from 0 to 1.
  ///   - seconds: The time since the start of the work.
  public func update(stage: Int, name: String, fraction: Double, at seconds: Double) {
    let isNew = stage != lastStage
    guard isNew || terminal.isInteractive && seconds - lastShown >= interval else { return }
    (lastStage, lastShown) = (stage, seconds)
    let counter = "[\(stage)/\(total)] \(name.escapingControls())"
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

  /// Erases the progress line.
  public func finish() {
    if lineIsOpen { terminal.write("\r\u{1B}[K") }
    lineIsOpen = false
  }
}
