import Experiment
import Foundation

/// Where progress is shown, and what the place can do.
public struct ProgressTerminal {
  /// Whether a line can be drawn over.
  public var isInteractive: Bool
  /// Whether colours are wanted.
  public var usesColor: Bool
  /// The number of columns now.
  public var width: () -> Int
  /// Puts text there, in one piece.
  public var write: (String) -> Void

  /// Makes a place to show progress.
  public init(
    isInteractive: Bool, usesColor: Bool, width: @escaping () -> Int, write: @escaping (String) -> Void
  ) {
    self.isInteractive = isInteractive
    self.usesColor = usesColor
    self.width = width
    self.write = write
  }

  /// The standard error of this process; colours unless `NO_COLOR` (no-color.org) or a dumb terminal says otherwise.
  public static func standardError(
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) -> ProgressTerminal {
    let isInteractive = isatty(STDERR_FILENO) == 1 && environment["TERM"] != "dumb"
    let noColor = environment["NO_COLOR"].map { !$0.isEmpty } ?? false
    return ProgressTerminal(
      isInteractive: isInteractive, usesColor: isInteractive && !noColor,
      width: {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
      },
      // Nobody stops training because it cannot be watched.
      write: { try? StandardStream.error.write($0) })
  }
}

/// Shows training as it goes: one line that updates itself on a terminal, a plain line now and then elsewhere.
public final class ProgressDisplay {
  private let terminal: ProgressTerminal
  private let total: Int
  private let imagesPerStep: Int
  private let interval: Double
  private var meter: ProgressMeter
  private var lastShown = -Double.infinity
  private var lineIsOpen = false

  /// Makes a display.
  ///
  /// - Parameters:
  ///   - total: The number of steps of the whole run.
  ///   - imagesPerStep: The batch size.
  ///   - terminal: Where to show.
  ///   - interval: Seconds between two lines; by default a tenth on a terminal, ten elsewhere.
  public init(total: Int, imagesPerStep: Int, terminal: ProgressTerminal, interval: Double? = nil) {
    self.total = total
    self.imagesPerStep = imagesPerStep
    self.terminal = terminal
    self.interval = interval ?? (terminal.isInteractive ? 0.1 : 10)
    meter = ProgressMeter(total: total)
  }

  /// Whether an update at this time would be shown; lets the caller spare itself the work of collecting terms.
  public func isDue(at seconds: Double) -> Bool { seconds - lastShown >= interval }

  /// Notes a step and shows it, unless the last line is too recent.
  ///
  /// - Parameters:
  ///   - step: Steps done.
  ///   - seconds: A monotonic time.
  ///   - terms: Names and values to show.
  public func update(step: Int, at seconds: Double, terms: [EventLog.Row.Value]) {
    meter.record(step: step, at: seconds)
    guard isDue(at: seconds) || step >= total else { return }
    lastShown = seconds
    let line = ProgressLine(
      step: step, total: total, imagesPerSecond: meter.stepsPerSecond.map { $0 * Double(imagesPerStep) },
      secondsLeft: meter.secondsLeft, terms: terms)
    if terminal.isInteractive {
      // One column stays free, lest the terminal wrap; the rest of the line is erased after, not before, the text.
      terminal.write("\r" + line.bar(width: terminal.width() - 1, color: terminal.usesColor) + "\u{1B}[K")
      lineIsOpen = true
    } else {
      terminal.write(line.plain + "\n")
    }
  }

  /// Prints a line of its own above the progress, as "checkpoint written".
  public func message(_ text: String) {
    terminal.write((lineIsOpen ? "\r\u{1B}[K" : "") + text + "\n")
    lineIsOpen = false
    if terminal.isInteractive { lastShown = -Double.infinity }
  }

  /// Ends the line, so that what follows begins a new one.
  public func finish() {
    if lineIsOpen { terminal.write("\n") }
    lineIsOpen = false
  }
}
