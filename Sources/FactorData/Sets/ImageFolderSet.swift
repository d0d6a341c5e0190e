import Diagnostics
import FileFormats
import Foundation
import TensorCore

/// Images that are the PNG and JPEG files of a folder, with factors from a table of text.
///
/// All images have one size; they are grey if all are, otherwise RGB. Without a table the images are in the order of their names,
/// and no factors are known. A table, CSV, has the name of an image's file in its first column and a factor in each
/// other one; the images are in the order of its rows, and each image of the folder has one.
public struct ImageFolderSet: FactorDataset {
  /// The folder's path.
  public let name: String
  /// On disk, decoded when they are read.
  public let images: any ImageSource
  /// The factors: none without a table, a grid where the table is exactly one in its order, or the table.
  public let factors: Factors

  /// The table that is used where none is named.
  static let table = "factors.csv"

  /// Opens a folder.
  ///
  /// - Parameters:
  ///   - path: the folder.
  ///   - table: a file of the folder or elsewhere; by default `factors.csv` of the folder where there is one.
  ///   - bins: how continuous factors are put into bins; nil refuses them.
  ///   - device: gives the threads.
  /// - Throws: `StructuredError` when there are no images, one is damaged or of another size, or the table does not fit.
  public init(
    folder path: String, factors table: String? = nil, bins: FactorBinning? = nil, on device: Device
  ) throws {
    name = path
    let present = try ImageFolder.names(in: path)
    guard !present.isEmpty else {
      throw StructuredError("the folder has no images", at: path, expected: "PNG or JPEG files")
    }
    guard let tablePath = Self.tablePath(table, in: path) else {
      images = try Self.source(path, present, on: device)
      factors = .none
      return
    }
    let table = try CSVTable(reading: tablePath)
    guard table.names.count > 1 else {
      throw StructuredError(
        "the table has \(table.names.count) column", at: tablePath,
        expected: "the names of the files, and a column for each factor")
    }
    var rest = Set(present), names: [String] = []
    for (row, line) in zip(table.rows, table.lines) {
      let name = row[0], place = "\(tablePath), line \(line)"
      guard FileName.isValid(name) else {
        throw StructuredError("the image is named \"\(name)\"", at: place, expected: FileName.expectation)
      }
      guard rest.remove(name) != nil else {
        throw StructuredError(
          present.contains(name) ? "the image \"\(name)\" has two rows" : "there is no image \"\(name)\"", at: place,
          expected: "a row for each PNG or JPEG file of the folder \(path)")
      }
      names.append(name)
    }
    if let without = present.first(where: rest.contains) {
      throw StructuredError(
        "the image \"\(without)\" has no row", at: tablePath,
        expected: "a row for each PNG or JPEG file of the folder \(path)")
    }
    let factors = try FactorTable(table, bins: bins)
    images = try Self.source(path, names, on: device)
    self.factors = factors.grid().map(Factors.grid) ?? .table(factors)
  }

  /// Where the table is: in the folder or at its path; nil if none is named and the folder has none.
  static func tablePath(_ name: String?, in folder: String) -> String? {
    let inner = PathParts.join(folder, name ?? table)
    if FileManager.default.fileExists(atPath: inner) { return inner }
    return name
  }

  private static func source(_ folder: String, _ names: [String], on device: Device) throws -> ImageFolder {
    let shape = try ImageFolder.commonShape(names.count, on: device) { PathParts.join(folder, names[$0]) }
    return ImageFolder(folder: folder, count: names.count, shape: shape, name: { names[$0] })
  }

  /// Whether a path is that of a folder.
  static func isFolder(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
  }
}
