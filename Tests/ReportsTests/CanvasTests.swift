import Foundation
import Reports
import TensorCore
import Testing

@Suite("Canvas")
struct CanvasTests {
  private let white = Canvas.Color.grey(1)

  @Test("a canvas starts white, and its PNG has its size")
  func empty() throws {
    let canvas = try Canvas(width: 7, height: 5)
    #expect(canvas.color(x: 6, y: 4) == white)
    let size = try #require(pngSize(try canvas.png()))
    #expect(size == (7, 5))
  }

  @Test("each pixel becomes a sharp square, and nothing else changes", arguments: [1, 3])
  func sharp(channels: Int) throws {
    let values: [Float] = (0..<(6 * channels)).map { Float($0) / Float(6 * channels) }
    let stack = try ImageStack(values, count: 1, height: 2, width: 3, channels: channels)
    let canvas = try Canvas(width: 12, height: 10)
    canvas.draw(stack, image: 0, x: 2, y: 1, enlargedBy: 3)
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

  @Test("values outside are clamped, what is not a number is magenta, and what lies outside the canvas is cut off")
  func extremes() throws {
    let stack = try ImageStack([-3, 7, .nan, .infinity], count: 1, height: 2, width: 2)
    let canvas = try Canvas(width: 2, height: 2)
    canvas.draw(stack, image: 0, x: 0, y: 0, enlargedBy: 1)
    #expect(canvas.color(x: 0, y: 0) == .grey(0))
    #expect(canvas.color(x: 1, y: 0) == white)
    #expect(canvas.color(x: 0, y: 1) == .notANumber)
    #expect(canvas.color(x: 1, y: 1) == white)
    for (x, y) in [(-1, -1), (1, 1), (-50, 0), (0, 50)] { canvas.draw(stack, image: 0, x: x, y: y, enlargedBy: 5) }
    #expect(throws: Never.self) { try canvas.png() }
  }

  @Test("text leaves ink where it stands, also in languages without a font here")
  func text() throws {
    let canvas = try Canvas(width: 120, height: 40)
    canvas.text("z3 −2 β 漢", x: 60, y: 20, size: 20, alignment: .center)
    func ink(_ columns: Range<Int>) -> Int {
      columns.map { x in (0..<40).filter { canvas.color(x: x, y: $0) != white }.count }.reduce(0, +)
    }
    // Whatever the font, half of a centred text lies on either side.
    #expect(ink(0..<60) > 10)
    #expect(ink(60..<120) > 10)
    #expect(canvas.textWidth("reconstruction", size: 20) > canvas.textWidth("data", size: 20))
    #expect(throws: Never.self) { try canvas.png() }
  }

  @Test("impossible sizes and shapes are errors")
  func impossible() {
    #expect(throws: StructuredError.self) { try Canvas(width: 0, height: 5) }
    #expect(throws: StructuredError.self) { try Canvas(width: 5, height: 40_000) }
    #expect(throws: StructuredError.self) { try ImageStack([1, 2, 3], count: 1, height: 2, width: 2) }
    #expect(throws: StructuredError.self) { try ImageStack([1, 2], count: 1, height: 1, width: 1, channels: 2) }
  }
}
