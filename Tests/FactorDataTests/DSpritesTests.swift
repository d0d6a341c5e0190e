import FactorData
import FileFormats
import Foundation
import TensorCore
import TestSupport
import Testing

/// The drawn images, once for all tests.
enum Drawn {
  static let dSprites = Result { try DSprites(renderedOn: Device()) }
}

@Suite struct DSpritesTests {
  @Test("As many pixels are lit as the published shapes have") func litPixels() throws {
    let data = try Drawn.dSprites.get()
    let lit = (0..<3).map { shape in
      (shape * 245_760..<(shape + 1) * 245_760).reduce(0) { sum, image in
        (0..<64).reduce(sum) { $0 + data.store.rows(at: image)[$1].nonzeroBitCount }
      }
    }
    #expect(lit == [53_612_886, 42_070_950, 32_645_028])
  }

  @Test("715,706 images are distinct, and the entropy follows") func multiplicities() throws {
    let result = try Drawn.dSprites.get().multiplicities(on: Device())
    #expect(result.count == 737_280 && result.distinct == 715_706)
    // The reference is given to five decimals.
    #expect(abs(result.entropy - 13.46988) < 5e-6)
  }

  @Test("The last orientation shows the same as the first") func fullTurn() throws {
    let data = try Drawn.dSprites.get(), space = try #require(data.factorSpace)
    for shape in 0..<3 {
      for scale in 0..<6 {
        let first = try space.index(of: [shape, scale, 0, 0, 0]), last = try space.index(of: [shape, scale, 39, 0, 0])
        for position in 0..<1024 {
          #expect(
            data.store.bytes(at: first + position).elementsEqual(data.store.bytes(at: last + position)))
        }
      }
    }
  }

  @Test("A pixel is lit where its centre is inside the outline, asked pixel by pixel") func pointInPolygon() throws {
    let data = try Drawn.dSprites.get(), space = try #require(data.factorSpace)
    var stream = RandomStream(seed: 11)
    for _ in 0..<90 {
      let index = stream.integer(below: data.count)
      var pixels = [Float](repeating: -1, count: 4096)
      try data.read([index], into: &pixels)
      let outline = Self.outline(space.values(at: index))
      for y in 0..<64 {
        for x in 0..<64 {
          let inside = Self.isInside(Double(x) + 0.5, Double(y) + 0.5, outline)
          #expect(pixels[y * 64 + x] == (inside ? 1 : 0), "image \(index), pixel (\(x), \(y))")
        }
      }
    }
  }

  @Test("Every published frame (golden set real) is drawn without a wrong pixel")
  func publishedFrames() throws {
    let data = try Drawn.dSprites.get(), space = try #require(data.factorSpace)
    let file = try HDF5File(reading: Golden.path("real/dsprites_frames.h5"))
    let frames = try file.read("images", as: UInt8.self), factors = try file.read("factors", as: Int.self)
    var wrong = 0
    for frame in 0..<frames.shape[0] {
      let index = try space.index(of: Array(factors.values[frame * 5..<frame * 5 + 5]))
      var pixels = [Float](repeating: -1, count: 4096)
      try data.read([index], into: &pixels)
      wrong += zip(pixels, frames.values[frame * 4096..<(frame + 1) * 4096]).count { $0 != Float($1) }
    }
    #expect(frames.shape == [320, 64, 64] && wrong == 0)
  }

  @Test("The number of threads does not change the images") func threads() throws {
    let one = try DSprites(renderedOn: Device(threads: 1)), other = try Drawn.dSprites.get()
    #expect((0..<one.count).allSatisfy { memcmp(one.store.rows(at: $0), other.store.rows(at: $0), 512) == 0 })
  }

  @Test("A changed image is found by the comparison") func comparison() throws {
    let data = try DSprites(renderedOn: Device())
    #expect(try DSpritesComparison(data, on: Device()).differingImages.isEmpty)
    data.store.rows(at: 12_345)[7] ^= 5
    data.store.rows(at: 700_000)[0] ^= 1
    let comparison = try DSpritesComparison(data, on: Device())
    #expect(comparison.differingImages == [12_345, 700_000] && comparison.differingPixels == 3)
  }

  /// The vertices of a sprite, straight from the recipe.
  private static func outline(_ factors: [Int]) -> [(x: Double, y: Double)] {
    let q = 9.6, sigma = 0.5 + 0.1 * Double(factors[1]), theta = 2 * Double.pi * Double(factors[2]) / 39
    let centre = (x: 16 + 32 * Double(factors[3]) / 31, y: 16 + 32 * Double(factors[4]) / 31)
    var local: [(Double, Double)] = [(-q, -q), (q, -q), (q, q), (-q, q)]
    if factors[0] == 1 {
      local = (0..<100).map { n in
        let t = 2 * Double.pi * Double(n) / 100
        return (1.33 * q * cos(t), q / 1.33 * sin(t))
      }
    } else if factors[0] == 2 {
      local = (0..<150).map { n in
        let t = 2 * Double.pi * Double(n) / 150
        let height = 13 * cos(t) - 5 * cos(2 * t) - 2 * cos(3 * t) - cos(4 * t)
        return (q * pow(sin(t), 3), q * (-0.15 - height / 14.5))
      }
    }
    return local.map { u, v in
      let x = centre.x + sigma * (u * cos(theta) + v * sin(theta))
      let y = centre.y + sigma * (-u * sin(theta) + v * cos(theta))
      return ((x * 256).rounded() / 256, (y * 256).rounded() / 256)
    }
  }

  private static func isInside(_ x: Double, _ y: Double, _ outline: [(x: Double, y: Double)]) -> Bool {
    var crossings = 0
    for (a, b) in zip(outline, outline.dropFirst() + outline.prefix(1)) where (a.y < y) != (b.y < y) {
      if a.x + (y - a.y) * (b.x - a.x) / (b.y - a.y) <= x { crossings += 1 }
    }
    return crossings % 2 == 1
  }
}
