import Experiment
import Foundation

/// An output for progress, and its capabilities.
public struct ProgressTerminal {
  /// Whether a line can be overwritten.
  public var isInteractive: Bool
  /// Whether colours are used.
  public var usesColor: Bool
  /// The current number of columns.
  public var width: () -> Int
  /// Writes text in one call.
  public var write: (String) -> Void

  /// Makes an output.
  public init(
    isInteractive: Bool, usesColor: Bool, width: @escaping () -> Int, write: @escaping (String) -> Void
  ) {
    self.isInteractive = isInteractive
    self.usesColor = usesColor
    self.width = width
    self.write = write
  }

  /// An output that shows nothing.
  public static var silent: ProgressTerminal {
    ProgressTerminal(isInteractive: false, usesColor: false, width: { 80 }, write: { _ in })
  }

  /// The standard error of this process. Colours are used on a terminal unless `NO_COLOR` (no-color.org) is set or
  /// `TERM` is `dumb`.
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
      // Training continues if progress cannot be written.
      write: { try? StandardStream.error.write($0) })
  }
}

/// Shows the progress of training: one line that is updated on a terminal, plain lines at intervals elsewhere.
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
  ///   - terminal: The output.
  ///   - interval: Seconds between two lines; by default a tenth on a terminal, ten elsewhere.
  public init(total: Int, imagesPerStep: Int, terminal: ProgressTerminal, interval: Double? = nil) {
    self.total = total
    self.imagesPerStep = imagesPerStep
    self.terminal = terminal
    self.interval = interval ?? (terminal.isInteractive ? 0.1 : 10)
    meter = ProgressMeter(total: total)
  }

  /// Whether an update at this time would be shown, so that the caller collects terms only if needed.
  public func isDue(at seconds: Double) -> Bool { seconds - lastShown >= interval }

  /// Records a step and shows it, unless the last line is too recent.
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
      // One column stays free, so that the terminal does not wrap; the rest of the line is erased after the text, to
      // avoid flicker.
      terminal.write("\r" + line.bar(width: terminal.width() - 1, color: terminal.usesColor) + "\u{1B}[K")
      lineIsOpen = true
    } else {
      terminal.write(line.plain + "\n")
    }
  }

  /// Prints a line above the progress, such as "checkpoint written".
  public func message(_ text: String) {
    terminal.write((lineIsOpen ? "\r\u{1B}[K" : "") + text + "\n")
    lineIsOpen = false
    if terminal.isInteractive { lastShown = -Double.infinity }
  }

  /// Ends the progress line.
  public func finish() {
    if lineIsOpen { terminal.write("\n") }
    lineIsOpen = false
  }
}
