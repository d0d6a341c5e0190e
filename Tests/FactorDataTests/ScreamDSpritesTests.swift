import Diagnostics
import FileFormats
import StrictConfiguration
import TensorCore
import TestSupport
import Testing

@testable import FactorData

/// dSprites before pieces of a picture.
@Suite("Scream dSprites")
struct ScreamDSpritesTests {
  private let device = Device(threads: 2)
  private let picture = Golden.path("datasets/celeba/img_align_celeba/000002.jpg")

  private func pixels(_ data: any FactorDataset, _ indices: [Int]) throws -> [Float] {
    var pixels = [Float](repeating: -1, count: indices.count * data.imageShape.count)
    try data.read(indices, into: &pixels)
    return pixels
  }

  @Test("The background is a piece of the picture mixed with a colour, inverted at the sprite") func pieces() throws {
    let sprites = try DSprites(renderedOn: device), data = try ScreamDSprites(of: sprites, picture: picture, seed: 3)
    #expect(data.count == DSprites.count && data.imageShape == ImageShape(height: 64, width: 64, channels: 3))
    #expect(data.factors == sprites.factors && data.images.format == .floats)
    let shape = ImageShape(height: 218, width: 178, channels: 3)
    var whole = [UInt8](repeating: 0, count: shape.count)
    try ImageDecoder().decode(picture, shape: shape, into: &whole)
    var places: Set<[Int]> = []
    for index in [0, 7, 123_456, 700_000] {
      let image = try pixels(data, [index]), mask = try pixels(sprites, [index])
      // Twice the background is piece + colour: at the right place the difference to the piece is constant.
      func color(_ top: Int, _ left: Int, _ position: Int, _ channel: Int) -> Float {
        let value = image[position * 3 + channel], background = mask[position] == 1 ? 1 - value : value
        let place = (top + position / 64) * 178 + left + position % 64
        return 2 * background - Float(whole[place * 3 + channel]) / 255
      }
      func fits(_ top: Int, _ left: Int, _ positions: some Sequence<Int>) -> Bool {
        (0..<3).allSatisfy { channel in
          let first = color(top, left, 0, channel)
          return (-1e-5...1 + 1e-5).contains(first)
            && positions.allSatisfy { abs(color(top, left, $0, channel) - first) < 1e-5 }
        }
      }
      let found = (0..<154).flatMap { top in (0..<114).map { (top, $0) } }.filter { top, left in
        fits(top, left, stride(from: 0, to: 4096, by: 37)) && fits(top, left, 0..<4096)
      }
      #expect(found.count == 1)
      if let place = found.first { places.insert([place.0, place.1]) }
    }
    #expect(places.count > 2)
    #expect(try pixels(data, [7, 0]) == pixels(data, [7]) + pixels(data, [0]))
    let other = try ScreamDSprites(of: sprites, picture: picture, seed: 4)
    #expect(try pixels(other, [7]) != pixels(data, [7]))
  }

  @Test("A large picture is made to fit, with its proportions") func fitting() {
    func fitted(_ height: Int, _ width: Int) -> [Int] {
      let shape = ScreamDSprites.fitted(ImageShape(height: height, width: width, channels: 3))
      return [shape.height, shape.width]
    }
    // As Pillow's thumbnail((350, 274)) gives them.
    #expect(fitted(274, 350) == [274, 350] && fitted(100, 100) == [100, 100])
    #expect(fitted(1200, 952) == [274, 217] && fitted(275, 350) == [274, 349] && fitted(300, 3000) == [35, 350])
    #expect(fitted(548, 700) == [274, 350] && fitted(8, 7000) == [1, 350] && fitted(7000, 8) == [274, 1])
  }

  @Test("A picture that is too small or too large, and one that is missing") func extents() throws {
    let sprites = try DSprites(renderedOn: device),
      small = Golden.path("datasets_second/generic/png_folder/img_019.png")
    GoldenSets.expectError("the picture has 32×40 pixels", at: small) {
      _ = try ScreamDSprites(of: sprites, picture: small, seed: 0)
    }
    let large = Golden.path("datasets_second/bad/isaac3d_huge.png")
    GoldenSets.expectError("the image declares 100000×100000 pixels", at: large) {
      _ = try ScreamDSprites(of: sprites, picture: large, seed: 0)
    }
    let document = try ConfigurationDocument(yaml: "name: scream-dsprites", source: "test.yaml")
    let error = #expect(throws: StructuredError.self) {
      let choice: ResolvedConfiguration<DatasetChoice> = try document.decode()
      _ = choice
    }
    #expect(error?.what == "the key picture is missing")
  }
}
