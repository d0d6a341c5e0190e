import CommandLine
import Testing

@Suite("Stage display")
struct StageDisplayTests {
  private func shown(isInteractive: Bool, width: Int = 60) -> String {
    var text = ""
    let terminal = ProgressTerminal(
      isInteractive: isInteractive, usesColor: false, width: { width }, write: { text += $0 })
    let display = StageDisplay(total: 2, terminal: terminal)
    display.update(stage: 1, name: "encoding", fraction: 0, at: 0)
    display.update(stage: 1, name: "encoding", fraction: 0.5, at: 0.01)
    display.update(stage: 1, name: "encoding", fraction: 0.6, at: 62)
    display.update(stage: 2, name: "drawing", fraction: 2, at: 62.01)
    display.finish()
    return text
  }

  @Test("without a terminal there is one line per stage")
  func plain() {
    #expect(shown(isInteractive: false) == "[1/2] encoding\n[2/2] drawing\n")
  }

  @Test("on a terminal one line is overwritten, at most ten times a second, and cleared at the end")
  func interactive() {
    let lines = shown(isInteractive: true).split(separator: "\r").map(String.init)
    #expect(lines.count == 4)
    #expect(lines[1].hasPrefix("[1/2] encoding  ━") && lines[1].contains(" 60%  1:02"))
    #expect(lines[2].hasPrefix("[2/2] drawing") && lines[2].contains("100%"))
    #expect(lines[3] == "\u{1B}[K")
    for line in shown(isInteractive: true, width: 20).split(separator: "\r").dropLast() {
      #expect(line.replacing("\u{1B}[K", with: "").count < 20)
    }
  }
}
