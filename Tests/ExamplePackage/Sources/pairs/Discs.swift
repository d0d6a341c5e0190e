import FactorData
import StrictConfiguration
import TensorCore

/// Discs of several sizes at the places of a grid, drawn when they are read.
struct Discs: FactorDataset, ImageSource {
  struct Configuration: DatasetConfiguration {
    /// The side of an image in pixels.
    var side = 32

    init(from section: inout ConfigurationSection) throws {
      side = try section.integer("side", default: 32, in: .within(16...256))
    }

    var files: [String] { [] }
    var variant: String { "side \(side)" }
    func open(on device: Device) throws -> any FactorDataset { try Discs(side: side) }
  }

  static let entry = DatasetEntry(
    name: "discs", summary: "discs of 4 sizes at 8 × 8 places", configuration: Configuration.self)

  let name = "discs"
  let shape: ImageShape
  let format = PixelFormat.bits
  let factors: Factors
  private let space: FactorSpace

  init(side: Int) throws {
    shape = ImageShape(height: side, width: side)
    space = try FactorSpace([Factor("size", size: 4), Factor("row", size: 8), Factor("column", size: 8)])
    factors = .grid(space)
  }

  var count: Int { space.count }
  var images: any ImageSource { self }

  func read(_ indices: UnsafeBufferPointer<Int>, into destination: UnsafeMutablePointer<Float>) {
    let unit = Float(shape.width) / 16
    for (position, index) in indices.enumerated() {
      let values = space.values(at: index), radius = unit * Float(values[0] + 2)
      let centre = (y: unit * (Float(values[1]) + 4), x: unit * (Float(values[2]) + 4))
      for pixel in 0..<shape.count {
        let y = Float(pixel / shape.width) + 0.5 - centre.y, x = Float(pixel % shape.width) + 0.5 - centre.x
        destination[position * shape.count + pixel] = y * y + x * x < radius * radius ? 1 : 0
      }
    }
  }
}
