import CommandLine
import Experiment
import Testing

@Suite("Progress display")
struct ProgressDisplayTests {
  /// Collects what a display writes.
  private final class Screen {
    var writes: [String] = []
    var columns = 100

    func terminal(interactive: Bool) -> ProgressTerminal {
      ProgressTerminal(isInteractive: interactive, usesColor: false, width: { self.columns }) { self.writes.append($0) }
    }
  }

  @Test("without a terminal, plain lines are printed at intervals and at the end")
  func plain() {
    let screen = Screen()
    let display = ProgressDisplay(
      total: 100, imagesPerStep: 64, terminal: screen.terminal(interactive: false), interval: 10)
    for step in 1...100 { display.update(step: step, at: Double(step) / 4, terms: [.init("loss", 1)]) }
    display.finish()
    #expect(screen.writes.count == 4)  // steps 1, 41 and 81, ten seconds apart, and 100
    #expect(screen.writes.first == "  1/100   1%  loss 1.000\n")
    #expect(screen.writes.last == "100/100 100%  256 images/s  0:00 left  loss 1.000\n")
    #expect(screen.writes.allSatisfy { !$0.contains("\r") && !$0.contains("\u{1B}") })
  }

  @Test("on a terminal one line is overwritten, in one write each time, at most once per interval")
  func interactive() {
    let screen = Screen()
    let display = ProgressDisplay(total: 1000, imagesPerStep: 1, terminal: screen.terminal(interactive: true))
    for step in 1...999 { display.update(step: step, at: Double(step) / 1000, terms: []) }
    #expect(screen.writes.count == 10)
    #expect(screen.writes.allSatisfy { $0.hasPrefix("\r") && $0.hasSuffix("\u{1B}[K") && !$0.contains("\n") })
    display.finish()
    #expect(screen.writes.last == "\n")
    display.finish()
    #expect(screen.writes.count == 11)
  }

  @Test("the line follows the terminal's width")
  func resize() throws {
    let screen = Screen()
    let display = ProgressDisplay(total: 10, imagesPerStep: 1, terminal: screen.terminal(interactive: true))
    for (step, columns) in [(1, 100), (2, 20), (3, 60)] {
      screen.columns = columns
      display.update(step: step, at: Double(step), terms: [.init("loss", 1), .init("kl", 2)])
      #expect(try #require(screen.writes.last).count - 4 < columns)  // the escape code has three characters, \r one
    }
  }

  @Test("a message has its own line, and the progress is shown again immediately")
  func message() {
    let screen = Screen()
    let display = ProgressDisplay(total: 10, imagesPerStep: 1, terminal: screen.terminal(interactive: true))
    display.update(step: 1, at: 0, terms: [])
    display.message("checkpoint written")
    display.update(step: 2, at: 0.01, terms: [])
    #expect(screen.writes.count == 3)
    #expect(screen.writes[1] == "\r\u{1B}[Kcheckpoint written\n")
    #expect(screen.writes[2].hasPrefix("\r"))
  }

  @Test("NO_COLOR and a dumb terminal are respected")
  func environment() {
    #expect(!ProgressTerminal.standardError(environment: ["NO_COLOR": "1", "TERM": "xterm"]).usesColor)
    #expect(!ProgressTerminal.standardError(environment: ["TERM": "dumb"]).isInteractive)
    #expect(ProgressTerminal.standardError(environment: [:]).width() > 0)
  }
}
