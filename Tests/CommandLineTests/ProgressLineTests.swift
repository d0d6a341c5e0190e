import CommandLine
import Diagnostics
import Experiment
import Testing

@Suite("Progress line")
struct ProgressLineTests {
  private let line = ProgressLine(
    step: 2_500, total: 10_000, imagesPerSecond: 4321.4, secondsLeft: 3725,
    terms: [.init("loss", 61.234), .init("mi", 9.8765), .init("tc", 0.0001234)])

  @Test("a plain line has all parts")
  func plain() {
    #expect(
      line.plain == " 2,500/10,000  25%  4,321 images/s  1:02:05 left  loss 61.23  mi 9.877  tc 1.23e-04")
  }

  @Test("a wide terminal gets a bar, filled in proportion")
  func wide() {
    let text = line.bar(width: 200, color: false)
    #expect(text.count == line.plain.count + 32)
    #expect(text.filter { $0 == "━" }.count == 7)  // a quarter of 30, rounded down
    #expect(text.filter { $0 == "─" }.count == 23)
    #expect(text.hasSuffix("tc 1.23e-04"))
  }

  @Test("no line is wider than the terminal, and more width never shows less", arguments: [false, true])
  func widths(color: Bool) {
    var shown = 0
    for width in 0...200 {
      var text = line.bar(width: width, color: color)
      for code in ["\u{1B}[36m", "\u{1B}[0;2m", "\u{1B}[0m"] { text = text.split(separator: code).joined() }
      #expect(text.count <= width)
      let words = text.split(whereSeparator: { " ━─".contains($0) }).count
      #expect(words >= shown || width < 16)
      shown = words
    }
  }

  @Test("terms are left out first, then the time left, then the speed")
  func narrow() {
    #expect(line.bar(width: 70, color: false).hasSuffix("1:02:05 left  loss 61.23"))
    #expect(line.bar(width: 69, color: false).hasSuffix("1:02:05 left"))
    #expect(line.bar(width: 60, color: false).hasSuffix("4,321 images/s  1:02:05 left"))
    #expect(line.bar(width: 50, color: false).hasSuffix("4,321 images/s"))
    #expect(line.bar(width: 30, color: false).hasPrefix(" 2,500/10,000  25%  ━"))
  }

  @Test("only a coloured line has escape codes")
  func color() {
    #expect(line.bar(width: 100, color: true).contains("\u{1B}["))
    #expect(!line.bar(width: 100, color: false).contains("\u{1B}"))
    #expect(!line.plain.contains("\u{1B}"))
  }

  @Test("extreme states keep the format")
  func extremes() {
    #expect(ProgressLine(step: 0, total: 0).plain == "0/0   0%")
    #expect(ProgressLine(step: 7, total: 5).plain == "7/5 100%")
    #expect(ProgressLine(step: 1, total: 5, imagesPerSecond: .infinity, secondsLeft: .nan).plain.hasSuffix("? left"))
  }

  @Test(
    "durations",
    arguments: [
      (0, "0:00"), (59.4, "0:59"), (59.6, "1:00"), (3600, "1:00:00"), (86400 * 2 + 3600 * 5, "2 d 5 h"), (-3, "0:00"),
    ] as [(Double, String)])
  func durations(seconds: Double, text: String) {
    #expect(Format.duration(seconds) == text)
  }

  @Test(
    "numbers",
    arguments: [
      (0, "0.000"), (-1.23456, "-1.235"), (12.345, "12.35"), (123.45, "123.5"), (12345.6, "12346"), (1e7, "1.00e+07"),
      (.nan, "nan"), (-.infinity, "-inf"),
    ] as [(Double, String)])
  func numbers(value: Double, text: String) {
    #expect(Format.significant(value) == text)
  }
}
