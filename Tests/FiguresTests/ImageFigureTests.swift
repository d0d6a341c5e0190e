import Diagnostics
import Figures
import Foundation
import TestSupport
import Testing

@Suite("Figures of images")
struct ImageFigureTests {
  /// A stack of images, each of a single grey, so that every tile can be told from every other.
  private func flat(_ levels: [Float], size: Int = 8) throws -> ImageStack {
    try ImageStack(
      levels.flatMap { [Float](repeating: $0, count: size * size) }, count: levels.count, height: size, width: size)
  }

  /// The greys met on the way down through a column of images; frames, labels and gaps are narrower than an image.
  private func levels(_ canvas: Canvas, x: Int, among expected: [Float]) -> [Float] {
    var found: [Float] = [], run = 0
    for y in 1..<canvas.height {
      run = canvas.color(x: x, y: y) == canvas.color(x: x, y: y - 1) ? run + 1 : 0
      guard run == 20 else { continue }
      found += expected.filter { canvas.color(x: x, y: y) == .grey((Double($0) * 255).rounded() / 255) }
    }
    return found
  }

  @Test("originals stand above their reconstructions, column by column")
  func reconstructions() throws {
    let data: [Float] = [0.02, 0.12, 0.22, 0.32], model = data.map { $0 + 0.5 }
    let canvas = try Canvas(ReconstructionFigure(data: flat(data), reconstructions: flat(model)).draw(), scale: 1)
    // Tiles of 44 points, 2 apart, within a margin of 6.
    for column in 0..<4 {
      let x = canvas.width - 6 - 22 - 46 * (3 - column)
      #expect(levels(canvas, x: x, among: data + model) == [data[column], model[column]])
    }
    #expect(canvas.height == 6 + 44 + 2 + 44 + 6)
  }

  @Test("more images than a row holds go on below")
  func manyReconstructions() throws {
    let short = try ReconstructionFigure(data: discs(10), reconstructions: discs(10, softness: 4)).draw()
    let long = try ReconstructionFigure(data: discs(11), reconstructions: discs(11, softness: 4)).draw()
    #expect(long.width == short.width)
    #expect(long.height > 1.8 * short.height)
  }

  @Test("latents stand in the order of their KL, ties by index, what is not a number last")
  func traversalOrder() throws {
    let shades: [Float] = [0.02, 0.12, 0.22, 0.32, 0.42]
    func row(_ latent: Int, _ kl: Double) throws -> TraversalFigure.Row {
      .init(
        latent: latent, kl: kl, values: [-2, 0.25, 2],
        images: try flat([Float](repeating: shades[latent], count: 3)))
    }
    let figure = try TraversalFigure(rows: [row(0, .nan), row(1, 0.5), row(2, 2.25), row(3, 0), row(4, 0.5)]).draw()
    let canvas = try Canvas(figure, scale: 1)
    #expect(
      levels(canvas, x: canvas.width - 6 - 22, among: shades) == [2, 1, 4, 3, 0].map { shades[$0] })
    let texts = XMLTexts(Data(try figure.svg().utf8)).texts["text"] ?? []
    #expect(texts.filter { $0.hasPrefix("z") } == ["z2", "z1", "z4", "z3", "z0"])
    #expect(texts.contains("2.25 nats") && texts.contains("−2.00") && texts.contains("0.25"))
  }

  @Test("figures of images that do not fit together are errors")
  func impossible() throws {
    let three = try discs(3, size: 8), two = try discs(2, size: 8), colored = try discs(3, size: 8, channels: 3)
    let none = try ImageStack([], count: 0, height: 8, width: 8)
    #expect(throws: StructuredError.self) { try ReconstructionFigure(data: three, reconstructions: two) }
    #expect(throws: StructuredError.self) { try ReconstructionFigure(data: three, reconstructions: colored) }
    #expect(throws: StructuredError.self) { try ReconstructionFigure(data: none, reconstructions: none) }
    #expect(throws: StructuredError.self) { try TraversalFigure(rows: []) }
    #expect(throws: StructuredError.self) {
      try TraversalFigure(rows: [.init(latent: 0, kl: 1, values: [0], images: two)])
    }
  }
}
