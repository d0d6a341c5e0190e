import Diagnostics
import Figures
import Foundation
import TestSupport
import Testing

@Suite("Figures")
struct FigureTests {
  private let white = Color.grey(1)

  /// A figure with something of everything.
  private static func example() throws -> Figure {
    var figure = Figure(name: "example", title: "Nats & <bits>", caption: "I(x; z) ≤ H", width: 120, height: 60)
    figure.rectangle(10, 10, 40, 20, fill: .color(Color(0x0072B2)), opacity: 0.5)
    figure.line(0, 50, 120, 50, .init(.ink, dash: [3, 2]))
    figure.circle(90, 20, radius: 5, fill: .secondary)
    figure.text("H − D ≤ I < \"R\"", 60, 40, anchor: .middle)
    figure.text("nats", 8, 30, paint: .secondary, anchor: .middle, isUpright: true)
    figure.image(try ImageStack([0, 1, 1, 0], count: 1, height: 2, width: 2), 0, 70, 5, width: 10, height: 10)
    return figure
  }

  @Test("SVG is XML whose text is the figure's text, standing alone or on a page")
  func svg() throws {
    let figure = try Self.example()
    for isInline in [false, true] {
      let reader = XMLTexts(Data(try figure.svg(isInline: isInline).utf8))
      #expect(reader.isWhole)
      #expect(reader.texts["text"] == ["H − D ≤ I < \"R\"", "nats"])
      #expect(reader.counts["image"] == 1 && reader.counts["circle"] == 1)
    }
    let alone = try figure.svg()
    #expect(alone.contains("width=\"120pt\"") && alone.contains("<title>Nats &amp; &lt;bits&gt;</title>"))
    #expect(alone.contains("class=\"fill-ink\"") && alone.contains("data:image/png;base64,"))
  }

  @Test("PDF is a page of the figure's size, equal every time, with text to select")
  func pdf() throws {
    let figure = try Self.example()
    let first = try figure.pdf(), same = try figure.pdf() == first
    #expect(same)
    #expect(first.starts(with: Data("%PDF".utf8)))
    let text = String(decoding: first, as: UTF8.self)
    #expect(!text.contains("CreationDate") && !text.contains("ModDate"))
    let folder = try TemporaryFolder(), path = try folder.write(first, as: "figure.pdf")
    let (status, output) = try PythonScript.run(
      "import subprocess, sys; print(subprocess.run(['pdftotext', sys.argv[1], '-'], capture_output=True, text=True).stdout)",
      path)
    // Where poppler is not installed there is nothing to read it with.
    if status == 0 { #expect(output.contains("H − D ≤ I") && output.contains("nats"), "\(output)") }
  }

  @Test("PNG has the figure's size times the scale, and is equal every time", arguments: [1.0, 2.5, 3.0])
  func png(scale: Double) throws {
    let figure = try Self.example(), data = try figure.png(scale: scale), same = try figure.png(scale: scale) == data
    #expect(same)
    let size = try #require(pngSize(data))
    #expect(size == (Int(120 * scale), Int(60 * scale)))
  }

  @Test("each pixel of an image becomes a sharp square, and nothing else changes", arguments: [1, 3])
  func sharp(channels: Int) throws {
    let values: [Float] = (0..<(6 * channels)).map { Float($0) / Float(6 * channels) }
    let stack = try ImageStack(values, count: 1, height: 2, width: 3, channels: channels)
    var figure = Figure(name: "image", title: "", width: 12, height: 10)
    figure.image(stack, 0, 2, 1, width: 9, height: 6)
    let canvas = try Canvas(figure, scale: 1)
    for y in 0..<10 {
      for x in 0..<12 {
        var expected = white
        if (2..<11).contains(x), (1..<7).contains(y) {
          let start = ((y - 1) / 3 * 3 + (x - 2) / 3) * channels
          // A byte for each component.
          func level(_ channel: Int) -> Double { (Double(values[start + channel % channels]) * 255).rounded() / 255 }
          expected = .init(red: level(0), green: level(channels == 3 ? 1 : 0), blue: level(channels == 3 ? 2 : 0))
        }
        #expect(canvas.color(x: x, y: y) == expected, "x \(x), y \(y)")
      }
    }
  }

  @Test("values outside are clamped, and what is not a number is magenta")
  func extremes() throws {
    var figure = Figure(name: "image", title: "", width: 2, height: 2)
    figure.image(
      try ImageStack([-3, 7, .nan, .infinity], count: 1, height: 2, width: 2), 0, 0, 0, width: 2, height: 2)
    let canvas = try Canvas(figure, scale: 1)
    #expect(canvas.color(x: 0, y: 0) == .grey(0))
    #expect(canvas.color(x: 1, y: 0) == white)
    #expect(canvas.color(x: 0, y: 1) == .notANumber)
    #expect(canvas.color(x: 1, y: 1) == white)
  }

  @Test("text leaves ink on both sides of its middle, also in languages without a font here")
  func text() throws {
    var figure = Figure(name: "text", title: "", width: 120, height: 40)
    figure.text("z3 −2 β 漢", 60, 20, size: 20, anchor: .middle)
    let canvas = try Canvas(figure, scale: 1)
    func ink(_ columns: Range<Int>) -> Int {
      columns.map { x in (0..<40).filter { canvas.color(x: x, y: $0) != white }.count }.reduce(0, +)
    }
    #expect(ink(0..<60) > 10)
    #expect(ink(60..<120) > 10)
  }

  @Test("impossible sizes and shapes are errors")
  func impossible() {
    for (width, height) in [(0.0, 5.0), (5, 40_000), (.infinity, 5)] {
      let figure = Figure(name: "none", title: "", width: width, height: height)
      #expect(throws: StructuredError.self) { try Canvas(figure, scale: 1) }
    }
    #expect(throws: StructuredError.self) { try ImageStack([1, 2, 3], count: 1, height: 2, width: 2) }
    #expect(throws: StructuredError.self) { try ImageStack([1, 2], count: 1, height: 1, width: 1, channels: 2) }
  }

  @Test("amounts become darker evenly, so that they can be told apart in grey")
  func amounts() {
    let levels = (0...20).map { Palette.amount(Double($0) / 20).luminance }
    #expect(zip(levels, levels.dropFirst()).allSatisfy { $0 > $1 })
    #expect(levels[0] > 0.9 && levels[20] < 0.03)
    #expect(Palette.amount(-1) == Palette.amount(0) && Palette.amount(2) == Palette.amount(1))
    #expect(Palette.amount(.nan) == .notANumber)
    #expect(Set(Palette.categories.map { "\($0)" }).count == Palette.categories.count)
  }

  @Test("an animation has its size, its frames and no end")
  func animation() throws {
    let frames = (0..<3).map { frame in (0..<12).map { UInt8(20 * frame + $0) } }
    let gif = GIF(palette: (0..<256).map { .grey(Double($0) / 255) }, frames: frames, width: 4, height: 3, delay: 10)
    let data = try gif.data(), again = try gif.data() == data
    #expect(again)
    let bytes = [UInt8](data)
    #expect(data.starts(with: Data("GIF89a".utf8)) && bytes.last == 0x3B)
    #expect(bytes[6...9] == [4, 0, 3, 0])
    #expect(data.range(of: Data("NETSCAPE2.0".utf8)) != nil)
    // A graphic control extension before each frame: 21 F9 04, disposal, delay.
    var position = data.startIndex, count = 0
    while let found = data.range(of: Data([0x21, 0xF9, 0x04, 0x04, 10, 0]), in: position..<data.endIndex) {
      (position, count) = (found.upperBound, count + 1)
    }
    #expect(count == 3)
    #expect(throws: StructuredError.self) {
      try GIF(palette: [], frames: [], width: 70_000, height: 1, delay: 1).data()
    }
  }
}
