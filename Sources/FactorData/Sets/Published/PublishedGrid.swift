import Diagnostics
import FileFormats
import TensorCore

/// A full grid of images in a file of arrays, in the order of its factors.
struct PublishedGrid {
  /// The name of the array of images.
  let array: String
  /// The factors, slowest first.
  let space: FactorSpace
  /// The extents of an image.
  let image: ImageShape

  var shape: [Int] { [space.count, image.height, image.width, image.channels] }

  /// Whether a file has such an array.
  func fits(_ file: any ArrayFile) -> Bool { (try? file.information(array).shape) == shape }

  /// Makes sure that a file has such an array.
  ///
  /// - Throws: `StructuredError` if it is missing, of another shape or type.
  func check(_ file: any ArrayFile) throws {
    let about = try file.information(array), location = "\(file.path), array \"\(array)\""
    guard about.shape == shape else {
      throw StructuredError(
        "the array has shape \(about.shape)", at: location, expected: "shape \(shape)",
        action: "Other image files load with the data set name \"file\".")
    }
    guard about.type == UInt8.elementType else {
      throw StructuredError("the array holds \(about.type)", at: location, expected: "uint8")
    }
  }

  /// The images, to be read from the file.
  ///
  /// - Throws: as ``check(_:)``.
  func images(of file: any ArrayFile) throws -> ArrayImages {
    try check(file)
    return try ArrayImages(file, array, count: space.count, shape: image, format: .bytes)
  }

  /// Makes sure that a table of values [N, K] of the factors is in the order of the grid: whatever the values are, each
  /// factor's are the same for the same position, to 1e-6, and grow with it.
  ///
  /// - Parameters:
  ///   - file: the file.
  ///   - table: the array.
  ///   - rows: the number of images, if they are only the first ones of the grid.
  /// - Throws: `StructuredError` that names the first image whose value is another.
  func checkOrder(_ file: any ArrayFile, _ table: String, rows: Int? = nil) throws {
    let location = file.location(table), width = space.factors.count, count = rows ?? space.count
    let about = try file.information(table)
    guard about.shape == [count, width] else {
      throw StructuredError(
        "the array has shape \(about.shape)", at: location, expected: "shape \([count, width])")
    }
    var values = space.sizes.map { [Double?](repeating: nil, count: $0) }
    try file.forEachSlab(of: table, as: Double.self, rows: 1 << 14) { range, rows in
      for (position, index) in range.enumerated() {
        for factor in 0..<width {
          let value = rows[position * width + factor], place = space.value(of: factor, at: index)
          let expected = values[factor][place] ?? value
          // Written so that NaN fails.
          guard abs(value - expected) <= 1e-6 else {
            throw StructuredError(
              "image \(index) has the value \(value) of \(space.factors[factor].name)", at: location,
              expected: value.isNaN ? "a number" : "\(expected), as other images at this place of the grid have",
              action: "A file in another order loads with the data set name \"file\".")
          }
          values[factor][place] = expected
        }
      }
    }
    for (factor, values) in zip(space.factors, values) {
      let known = values.compactMap { $0 }
      guard known.count == values.count || count < space.count,
        zip(known, known.dropFirst()).allSatisfy({ $0 < $1 })
      else {
        throw StructuredError(
          "the values of \(factor.name) are \(known.prefix(20))", at: location,
          expected: "\(factor.size) values that grow with their place in the grid")
      }
    }
  }
}
