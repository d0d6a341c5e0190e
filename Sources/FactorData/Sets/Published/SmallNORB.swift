import Diagnostics
import FileFormats
import Foundation
import StrictConfiguration
import TensorCore

/// SmallNORB: grey images of 96 × 96 pixels of fifty toys in five categories, under six lightings, from nine elevations and
/// eighteen azimuths, by two cameras (LeCun, Huang & Bottou 2004, Learning Methods for Generic Object Recognition).
///
/// A folder holds `smallnorb-5x46789x9x18x6x2x96x96-training-{dat,cat,info}.mat` and
/// `smallnorb-5x01235x9x18x6x2x96x96-testing-{dat,cat,info}.mat`, with or without `.gz`; a split has 24,300 pairs of images in
/// no order. Sorted by their factors those of one split, and of both, are a full grid.
public struct SmallNORB: FactorDataset {
  /// Which images.
  public enum Split: String, CaseIterable, Sendable {
    /// The instances 4, 6, 7, 8 and 9 of each category.
    case training
    /// The instances 0, 1, 2, 3 and 5.
    case testing
    /// Both.
    case both

    fileprivate var parts: [Part] {
      switch self {
      case .training: [.training]
      case .testing: [.testing]
      case .both: [.training, .testing]
      }
    }

    /// The instances of a category, ascending.
    fileprivate var instances: [Int32] { parts.flatMap(\.instances).sorted() }
  }

  /// Which camera.
  public enum Camera: String, CaseIterable, Sendable {
    /// The left one.
    case left
    /// The right one.
    case right
  }

  /// The order of the images.
  public enum Order: String, CaseIterable, Sendable {
    /// By category, instance, elevation, azimuth and lighting.
    case sorted
    /// As in the files, those for training first.
    case file
  }

  fileprivate struct Part {
    let prefix: String
    let instances: [Int32]

    static let training = Part(prefix: "smallnorb-5x46789x9x18x6x2x96x96-training", instances: [4, 6, 7, 8, 9])
    static let testing = Part(prefix: "smallnorb-5x01235x9x18x6x2x96x96-testing", instances: [0, 1, 2, 3, 5])
  }

  /// `small-norb`.
  public let name = "small-norb"
  /// In memory, one byte for each pixel.
  public let images: any ImageSource
  /// Category, instance, elevation, azimuth and lighting: a grid where the images are one, or a table.
  public let factors: Factors

  /// Reads the files of a folder.
  ///
  /// - Throws: `StructuredError` when a file is missing, damaged or not as it should be.
  public init(folder: String, split: Split = .both, camera: Camera = .left, order: Order = .sorted) throws {
    let rows = try split.parts.map { try Self.rows($0, split.instances, in: folder) }
    let all = rows.flatMap { $0 }
    let place = order == .file ? Array(all.indices) : Self.ranks(all)
    let store = try ImageStore(count: all.count, shape: ImageShape(height: 96, width: 96), format: .bytes)
    var first = 0
    for (part, rows) in zip(split.parts, rows) {
      try Self.readImages(Self.path(part, "dat", folder), rows.count, camera) { row, bytes in
        let target = place[first + row]
        store.readBytes(target..<target + 1) { $0.copyBytes(from: bytes) }
      }
      first += rows.count
    }
    var values = [Int32](repeating: 0, count: all.count * 5)
    for (row, factors) in all.enumerated() {
      values.replaceSubrange(place[row] * 5..<place[row] * 5 + 5, with: factors)
    }
    let table = try FactorTable(
      [
        Factor("category", size: 5, kind: .categorical),
        Factor("instance", size: split.instances.count, kind: .categorical), Factor("elevation", size: 9),
        Factor("azimuth", size: 18, kind: .cyclic), Factor("lighting", size: 6, kind: .categorical),
      ], values: values, location: folder)
    images = store
    factors = table.grid().map(Factors.grid) ?? .table(table)
  }

  private static func path(_ part: Part, _ kind: String, _ folder: String) -> String {
    MNIST.file("\(part.prefix)-\(kind).mat", in: folder)
  }

  /// The factors of the images of a part, in the order of the file: category, instance, elevation, azimuth, lighting.
  private static func rows(_ part: Part, _ instances: [Int32], in folder: String) throws -> [[Int32]] {
    let categoryPath = path(part, "cat", folder), infoPath = path(part, "info", folder)
    let categories = try NORBMatrix(reading: categoryPath, of: .int32, rank: 1)
    let info = try NORBMatrix(reading: infoPath, of: .int32, rank: 2), count = categories.shape[0]
    guard info.shape == [count, 4] else {
      throw StructuredError(
        "the matrix has shape \(info.shape)", at: infoPath, expected: "shape \([count, 4]), a row for each category")
    }
    let category = try categories.integers(count), values = try info.integers(4 * count)
    try categories.requireEnd()
    try info.requireEnd()
    return try (0..<count).map { row in
      func require(_ isRight: Bool, _ name: String, _ value: Int32, _ expected: String, _ path: String) throws {
        guard isRight else {
          throw StructuredError("row \(row) has the \(name) \(value)", at: path, expected: expected)
        }
      }
      let v = Array(values[4 * row..<4 * row + 4])
      try require(0..<5 ~= category[row], "category", category[row], "0 to 4", categoryPath)
      guard let instance = instances.firstIndex(of: v[0]), part.instances.contains(v[0]) else {
        throw StructuredError("row \(row) has the instance \(v[0])", at: infoPath, expected: "one of \(part.instances)")
      }
      try require(0..<9 ~= v[1], "elevation", v[1], "0 to 8", infoPath)
      try require(0...34 ~= v[2] && v[2] % 2 == 0, "azimuth", v[2], "an even number from 0 to 34", infoPath)
      try require(0..<6 ~= v[3], "lighting", v[3], "0 to 5", infoPath)
      return [category[row], Int32(instance), v[1], v[2] / 2, v[3]]
    }
  }

  /// Where each row comes when all are sorted; equal rows keep their order.
  private static func ranks(_ rows: [[Int32]]) -> [Int] {
    let order = rows.indices.sorted { a, b in
      rows[a] == rows[b] ? a < b : rows[a].lexicographicallyPrecedes(rows[b])
    }
    var ranks = [Int](repeating: 0, count: rows.count)
    for (rank, row) in order.enumerated() { ranks[row] = rank }
    return ranks
  }

  private static func readImages(
    _ path: String, _ count: Int, _ camera: Camera, _ body: (_ row: Int, _ bytes: ArraySlice<UInt8>) throws -> Void
  ) throws {
    let matrix = try NORBMatrix(reading: path, of: .byte, rank: 4)
    guard matrix.shape == [count, 2, 96, 96] else {
      throw StructuredError(
        "the matrix has shape \(matrix.shape)", at: path,
        expected: "shape \([count, 2, 96, 96]), as there are categories")
    }
    for row in 0..<count {
      let both = try matrix.read(2 * 9216)
      try body(row, camera == .left ? both[..<9216] : both[9216...])
    }
    try matrix.requireEnd()
  }

  /// The settings.
  public struct Configuration: DatasetConfiguration {
    private let path: String, split: Split, camera: Camera, order: Order

    /// Reads `path`, the folder, `split`, `camera` and `order`.
    public init(from section: inout ConfigurationSection) throws {
      path = try section.string("path")
      split = try section.choice("split", default: .both)
      camera = try section.choice("camera", default: .left)
      order = try section.choice("order", default: .sorted)
    }

    /// Reads the files.
    public func open(on device: Device) throws -> any FactorDataset {
      try SmallNORB(folder: path, split: split, camera: camera, order: order)
    }
    /// The files.
    public var files: [String] {
      split.parts.flatMap { part in ["dat", "cat", "info"].map { SmallNORB.path(part, $0, path) } }
    }
    /// What of them, in which order.
    public var variant: String { "\(camera.rawValue), \(order.rawValue)" }
  }

  static let entry = DatasetEntry(
    name: "small-norb",
    summary: "48,600 grey 96×96 images of toys (one of two cameras), from the six published files in the folder `path`",
    paper: "LeCun, Huang & Bottou 2004, Learning Methods for Generic Object Recognition, CVPR",
    configuration: Configuration.self,
    publication: Publication(
      address: "https://cs.nyu.edu/~ylclab/data/norb-v1.0-small/", licence: "for research, not to be sold",
      size: "six files; 448 MB in memory", howToObtain: "Download the six .mat.gz files into a folder."),
    publishedFile: PublishedFile(
      recognizes: { FileManager.default.fileExists(atPath: path(.training, "cat", $0)) },
      open: { path, _ in try SmallNORB(folder: path) },
      verify: { folder, _ in
        try [Split.training, .testing].map { split in
          let data = try SmallNORB(folder: folder, split: split)
          return .init(
            split.rawValue,
            "\(data.count) images; factors " + (data.factorSpace == nil ? "no full grid" : "a full grid"),
            isAsPublished: data.count == 24_300 && data.factorSpace != nil)
        }
      }))
}
