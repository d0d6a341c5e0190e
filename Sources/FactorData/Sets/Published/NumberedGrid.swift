import Diagnostics
import FileFormats
import Foundation
import TensorCore

/// A published folder of images that are a full grid: `images/%06d.png`, numbered in the order of the grid, and a NumPy array
/// with the values of the factors of each, float64 [N, K].
struct NumberedGrid {
  /// The name of the published folder.
  let folder: String
  /// The name of the array of values.
  let labels: String
  /// The factors, slowest first.
  let factors: [Factor]

  static let image = ImageShape(height: 128, width: 128, channels: 3)

  /// The name of the file of an image.
  static func name(_ index: Int) -> String {
    let digits = String(index)
    return String(repeating: "0", count: max(0, 6 - digits.count)) + digits + ".png"
  }

  /// The published folder: the path, or what is in it.
  func root(_ path: String) -> String {
    let inner = PathParts.join(path, folder)
    return FileManager.default.fileExists(atPath: PathParts.join(inner, labels)) ? inner : path
  }

  /// Whether a folder has such files.
  func recognizes(_ path: String) -> Bool {
    let root = root(path)
    return [labels, "images/" + Self.name(0)].allSatisfy {
      FileManager.default.fileExists(atPath: PathParts.join(root, $0))
    }
  }

  /// The files that decide which images these are.
  func files(_ path: String) -> [String] { ["images", labels].map { PathParts.join(root(path), $0) } }

  /// The number of images, which are numbered from 0 without gaps.
  func imageCount(_ path: String) throws -> Int {
    let images = PathParts.join(root(path), "images"), names = Set(try ImageFolder.unsortedNames(in: images))
    if let gap = (0..<names.count).first(where: { !names.contains(Self.name($0)) }) {
      throw StructuredError(
        "there is no file \(Self.name(gap))", at: images, expected: "images numbered from 0 without gaps")
    }
    return names.count
  }

  /// Opens the images and checks the order of the labels.
  ///
  /// - Parameters:
  ///   - path: the folder.
  ///   - isComplete: whether all images of the grid must be there, or some of the first will do.
  /// - Throws: `StructuredError` when a file is missing or damaged, or labels are not in the order of the grid.
  func open(_ path: String, isComplete: Bool) throws -> (images: any ImageSource, factors: Factors) {
    let root = root(path), space = try FactorSpace(factors), count = try imageCount(path)
    guard count == space.count || (!isComplete && 1..<space.count ~= count) else {
      throw StructuredError(
        "there are \(Format.grouped(count)) images", at: PathParts.join(root, "images"),
        expected: Format.grouped(space.count))
    }
    let grid = PublishedGrid(array: NPYFile.array, space: space, image: Self.image)
    try grid.checkOrder(try NPYFile(reading: PathParts.join(root, labels)), NPYFile.array, rows: count)
    let images = ImageFolder(
      folder: PathParts.join(root, "images"), count: count, shape: Self.image, name: { Self.name($0) })
    guard count < space.count else { return (images, .grid(space)) }
    let values = (0..<count).flatMap { space.values(at: $0).map { Int32($0) } }
    return (images, .table(try FactorTable(factors, values: values, location: root)))
  }

  /// Says how a folder differs from the published one: in its count, the sizes of all images, and the labels.
  func verify(_ path: String, on device: Device) throws -> [PublishedFile.Finding] {
    let (images, table) = try open(path, isComplete: false), total = try FactorSpace(factors).count
    let root = root(path), count = images.count
    let shape = try ImageFolder.commonShape(count, on: device) {
      PathParts.join(PathParts.join(root, "images"), Self.name($0))
    }
    let number = Format.grouped(count) + (count == total ? "" : " of \(Format.grouped(total))")
    return [
      .init(
        "images", "\(number), \(shape)" + (shape == Self.image ? "" : ", not \(Self.image)"),
        isAsPublished: count == total && shape == Self.image),
      .init(
        "labels", "values of \(table.list.count) factors in the order of the grid", isAsPublished: count == total),
    ]
  }

  /// What can be done with such a folder.
  func published(_ open: @escaping @Sendable (String) throws -> any FactorDataset) -> PublishedFile {
    PublishedFile(
      recognizes: { recognizes($0) }, open: { path, _ in try open(path) }, verify: { try verify($0, on: $1) })
  }
}
