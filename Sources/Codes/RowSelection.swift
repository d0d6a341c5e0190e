import Diagnostics
import FileFormats
import TensorCore

/// Which images of a data set, counted from 0.
public enum RowSelection: Sendable, Equatable {
  /// All of them, in order.
  case all
  /// Those of a slice.
  case slice(RowSlice)
  /// So many different ones, drawn at random, in rising order.
  case random(Int, seed: UInt64)
  /// Those that the array `index` of an HDF5 or NPZ file lists, in its order; files of codes have such an array.
  case file(String)

  /// The numbers of the images, among `count`.
  ///
  /// - Throws: `StructuredError` if there are none, not as many as asked for, or a number is out of range.
  public func indices(of count: Int) throws -> [Int] {
    switch self {
    case .all: return Array(0..<count)
    case .slice(let slice): return try slice.indices(of: count)
    case .random(let chosen, let seed):
      guard (1...count).contains(chosen) else {
        throw StructuredError(
          "\(chosen) images are to be chosen", at: "--random", expected: "from 1 to \(count), as many as there are")
      }
      var stream = RandomStream(seed: seed).split("random rows")
      return stream.distinct(chosen, below: count).sorted()
    case .file(let path):
      let (indices, shape) = try openArrayFile(path).read("index", as: Int.self)
      let location = "\(path), array \"index\""
      guard shape.count == 1, !indices.isEmpty else {
        throw StructuredError("the array has shape \(shape)", at: location, expected: "[N], with at least one number")
      }
      if let row = indices.firstIndex(where: { !(0..<count).contains($0) }) {
        throw StructuredError(
          "index[\(row)] is \(indices[row])", at: location, expected: "numbers of images from 0 to \(count - 1)")
      }
      return indices
    }
  }
}

/// Rows as Python slices have them: `start:stop` or `start:stop:step`, without `stop` itself.
public struct RowSlice: Sendable, Equatable {
  /// The first row.
  public var start: Int
  /// The row before which it ends; nil for the end of the data.
  public var stop: Int?
  /// From one row to the next.
  public var step: Int

  /// Reads a slice; nil where the text is none. What is left out is the beginning, the end, and 1; nothing is negative.
  public init?(_ text: String) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard (2...3).contains(parts.count) else { return nil }
    var numbers: [Int?] = []
    for part in parts {
      guard part.isEmpty || part.allSatisfy({ ("0"..."9").contains($0) }) else { return nil }
      let number = Int(part)
      guard part.isEmpty || number != nil else { return nil }
      numbers.append(number)
    }
    (start, stop, step) = (numbers[0] ?? 0, numbers[1], numbers.count == 3 ? numbers[2] ?? 1 : 1)
    guard step > 0 else { return nil }
  }

  /// The rows, among `count`.
  ///
  /// - Throws: `StructuredError` if there are none, or the slice goes beyond the end.
  func indices(of count: Int) throws -> [Int] {
    let stop = stop ?? count
    guard stop <= count, start < stop else {
      throw StructuredError(
        "the rows from \(start) before \(stop) are not there", at: "--rows",
        expected: "a part of 0:\(count) that is not empty")
    }
    return Array(stride(from: start, to: stop, by: step))
  }
}
