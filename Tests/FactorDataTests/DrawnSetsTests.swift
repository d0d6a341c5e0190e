import FactorData
import Foundation
import StrictConfiguration
import TensorCore
import TestSupport
import Testing

/// Data sets that are drawn when they are read.
@Suite("Drawn data sets")
struct DrawnSetsTests {
  private let device = Device(threads: 2)

  private func open(_ yaml: String) throws -> any FactorDataset {
    let document = try ConfigurationDocument(yaml: yaml, source: "test.yaml")
    let choice: ResolvedConfiguration<DatasetChoice> = try document.decode()
    return try choice.value.open(on: device)
  }

  private func pixels(_ data: any FactorDataset, _ indices: [Int]) throws -> [Float] {
    var pixels = [Float](repeating: -1, count: indices.count * data.imageShape.count)
    try data.read(indices, into: &pixels)
    return pixels
  }

  @Test("XYSquares: a square a channel at its place, and all images of one brightness") func squares() throws {
    let data = try open("name: xy-squares")
    #expect(data.count == 262_144 && data.isBinary && data.factors.names == ["x_R", "y_R", "x_G", "y_G", "x_B", "y_B"])
    let space = try #require(data.factorSpace), places = [3, 1, 0, 7, 7, 0]
    let image = try pixels(data, [space.index(of: places)])
    for row in 0..<64 {
      for column in 0..<64 {
        for channel in 0..<3 {
          let isLit = column / 8 == places[2 * channel] && row / 8 == places[2 * channel + 1]
          #expect(image[(row * 64 + column) * 3 + channel] == (isLit ? 1 : 0))
        }
      }
    }
    var stream = RandomStream(seed: 1)
    for index in (0..<20).map({ _ in stream.integer(below: data.count) }) {
      #expect(try pixels(data, [index]).reduce(0, +) == 192)
    }
  }

  @Test("XYObject: side, place and shade of the square") func object() throws {
    let data = try open("name: xy-object"), space = try #require(data.factorSpace)
    #expect(data.count == 75_000 && space.sizes == [25, 25, 5, 24])
    // The largest square at the last place ends at the border; the smallest is centred in the largest's place.
    let cases: [(values: [Int], left: Int, top: Int, side: Int, color: [Float])] = [
      ([24, 24, 4, 18], 48, 48, 15, [1, 0, 0]), ([0, 24, 0, 3], 4, 52, 7, [0, 63.0 / 255, 63.0 / 255]),
      ([5, 2, 1, 13], 13, 7, 9, [191.0 / 255, 191.0 / 255, 0]),
    ]
    for (values, left, top, side, color) in cases {
      let image = try pixels(data, [space.index(of: values)])
      for row in 0..<64 {
        for column in 0..<64 {
          let isInside = (left..<left + side).contains(column) && (top..<top + side).contains(row)
          let found = Array(image[(row * 64 + column) * 3..<(row * 64 + column) * 3 + 3])
          #expect(found == (isInside ? color : [0, 0, 0]), "\(values) at \(row), \(column)")
        }
      }
    }
  }

  @Test("The colour of a sprite is one of U(½, 1)³, a function of seed and image") func color() throws {
    let data = try open("name: color-dsprites"), sprites = try DSprites(renderedOn: device)
    #expect(data.count == DSprites.count && data.factors == sprites.factors && data.imageShape.channels == 3)
    let indices = [0, 300_000, 700_001, 12]
    let images = try pixels(data, indices), binary = try pixels(sprites, indices)
    var colors: [[Float]] = []
    for position in indices.indices {
      var color: [Float]?
      for pixel in 0..<4096 {
        let found = Array(images[(position * 4096 + pixel) * 3..<(position * 4096 + pixel) * 3 + 3])
        guard binary[position * 4096 + pixel] == 1 else {
          #expect(found == [0, 0, 0])
          continue
        }
        #expect(color == nil || color == found)
        color = found
      }
      colors.append(try #require(color))
    }
    #expect(Set(colors).count == 4 && colors.allSatisfy { $0.allSatisfy { (0.5...1).contains($0) } })
    #expect(
      try pixels(data, [12, 0]) == pixels(open("name: color-dsprites"), [12, 0]), "reading again gives the same")
    #expect(try pixels(open("{name: color-dsprites, seed: 1}"), [12]) != pixels(data, [12]))
    // The mean of U(½, 1) over many images.
    let many = (0..<400).map { $0 * 1_800 + 7 }, sample = try pixels(data, many), plain = try pixels(sprites, many)
    let lit: [Float] = sample.indices.filter { plain[$0 / 3] == 1 }.map { sample[$0] }
    let mean = lit.reduce(0.0) { $0 + Double($1) } / Double(lit.count)
    #expect(abs(mean - 0.75) < 0.02)
  }

  @Test("Noise lies behind the sprite, independent of it, uniform, and the same each time") func noisy() throws {
    let data = try open("name: noisy-dsprites"), sprites = try DSprites(renderedOn: device)
    let images = try pixels(data, [5, 400_000]), binary = try pixels(sprites, [5, 400_000])
    var sum = 0.0, squares = 0.0, count = 0.0
    for index in images.indices {
      if binary[index / 3] == 1 {
        #expect(images[index] == 1)
      } else {
        #expect((0..<1).contains(images[index]))
        sum += Double(images[index])
        squares += Double(images[index] * images[index])
        count += 1
      }
    }
    // Means of U(0, 1) and its square, within five standard errors of some 24,000 values.
    #expect(abs(sum / count - 0.5) < 5 * (1 / 12 / count).squareRoot())
    #expect(abs(squares / count - 1.0 / 3) < 5 * (4.0 / 45 / count).squareRoot())
    #expect(try pixels(data, [400_000]) == Array(images[12_288...]))
    #expect(!data.isBinary && data.images.format == .floats)
  }
}
