import Foundation
import Reports
import TensorCore
import Testing

@Suite("Pictures")
struct PicturesTests {
  /// Where, from the left, each column of images begins: the first pixel after a run of frame or paper.
  private func firstInkedColumn(_ canvas: Canvas, y: Int) -> Int? {
    (0..<canvas.width).first { canvas.color(x: $0, y: y) == .grey(0) }
  }

  @Test("originals stand above their reconstructions, column by column")
  func reconstructions() throws {
    // Image n is all n/10, its reconstruction 0.5 + n/10: every tile can be told from every other.
    func flat(_ offset: Float) throws -> ImageStack {
      try ImageStack(
        (0..<4).flatMap { n in [Float](repeating: offset + Float(n) / 10, count: 64) }, count: 4, height: 8, width: 8)
    }
    let canvas = try ReconstructionsPicture(data: flat(0), reconstructions: flat(0.5)).draw()
    // Tiles are 128 pixels, 3 apart, within a margin of 12.
    let left = canvas.width - 12 - 4 * 131 + 3
    for n in 0..<4 {
      func level(_ value: Double) -> Canvas.Color { .grey((Double(Float(value)) * 255).rounded() / 255) }
      #expect(canvas.color(x: left + 131 * n + 64, y: 12 + 64) == level(Double(n) / 10))
      #expect(canvas.color(x: left + 131 * n + 64, y: 12 + 131 + 64) == level(0.5 + Double(n) / 10))
    }
    #expect(canvas.height == 12 + 2 * 131 - 3 + 12)
  }

  @Test("more images than a row holds go on below")
  func manyReconstructions() throws {
    let short = try ReconstructionsPicture(data: discs(12), reconstructions: discs(12, softness: 4)).draw()
    let long = try ReconstructionsPicture(data: discs(13), reconstructions: discs(13, softness: 4)).draw()
    #expect(long.width == short.width)
    #expect(long.height == 2 * short.height - 2 * 12 + 3 + 16)  // one pair of margins, a gap, a group's gap
  }

  @Test("latents stand in the order of their KL, ties by index, what is not a number last")
  func traversalOrder() throws {
    func row(_ latent: Int, _ kl: Double) throws -> TraversalsPicture.Row {
      let level = Float(latent) / 10
      return .init(
        latent: latent, kl: kl,
        images: try ImageStack([Float](repeating: level, count: 3 * 64), count: 3, height: 8, width: 8))
    }
    let picture = try TraversalsPicture(
      rows: [row(0, .nan), row(1, 0.5), row(2, 2.25), row(3, 0), row(4, 0.5)], columnLabels: ["−2", "0", "2"])
    let canvas = try picture.draw()
    let top = canvas.height - 12 - 5 * 131 + 3
    for (place, latent) in [2, 1, 4, 3, 0].enumerated() {
      let level = (Double(Float(latent) / 10) * 255).rounded() / 255
      #expect(canvas.color(x: canvas.width - 12 - 64, y: top + 131 * place + 64) == .grey(level))
    }
  }

  @Test("column labels are short and have a true minus sign")
  func labels() {
    #expect(TraversalsPicture.labels(for: [-2, -1.5, -0.001, 0, 0.333, 10]) == ["−2", "−1.5", "0", "0", "0.33", "10"])
    #expect(TraversalsPicture.labels(for: [-3, 3], unit: "σ") == ["−3σ", "3σ"])
  }

  @Test("pictures that cannot be are errors")
  func impossible() throws {
    let three = try discs(3, size: 8), two = try discs(2, size: 8), colored = try discs(3, size: 8, channels: 3)
    let none = try ImageStack([], count: 0, height: 8, width: 8)
    #expect(throws: StructuredError.self) { try ReconstructionsPicture(data: three, reconstructions: two) }
    #expect(throws: StructuredError.self) { try ReconstructionsPicture(data: three, reconstructions: colored) }
    #expect(throws: StructuredError.self) { try ReconstructionsPicture(data: none, reconstructions: none) }
    #expect(throws: StructuredError.self) { try TraversalsPicture(rows: [], columnLabels: ["0"]) }
    #expect(throws: StructuredError.self) {
      try TraversalsPicture(rows: [.init(latent: 0, kl: 1, images: two)], columnLabels: ["0"])
    }
  }

  @Test("pictures are written as PNG files, and are the same bytes each time")
  func files() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("pictures-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let picture = try ReconstructionsPicture(
      data: discs(5, channels: 3), reconstructions: discs(5, channels: 3, softness: 4))
    let path = folder.appendingPathComponent("reconstructions.png").path
    try picture.write(to: path)
    let first = try #require(FileManager.default.contents(atPath: path))
    let canvas = try picture.draw()
    let size = try #require(pngSize(first))
    #expect(size == (canvas.width, canvas.height))
    try picture.write(to: path)
    #expect(FileManager.default.contents(atPath: path) == first)
    #expect(throws: StructuredError.self) { try picture.write(to: folder.path) }
  }
}
