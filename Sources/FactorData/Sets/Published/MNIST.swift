import Diagnostics
import FileFormats
import Foundation
import StrictConfiguration
import TensorCore

/// MNIST and data sets of its form: grey images of 28 × 28 pixels in ten classes (LeCun et al. 1998; Fashion-MNIST, Xiao et al.
/// 2017, arXiv:1708.07747).
///
/// A folder holds `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte` and
/// `t10k-labels-idx1-ubyte`, with or without `.gz`. The published sets have 60,000 and 10,000 images; others load, too.
public struct MNIST: FactorDataset {
  /// Which images.
  public enum Split: String, CaseIterable, Sendable {
    /// Those for training.
    case train
    /// Those for testing.
    case test
    /// Both, those for training first.
    case both

    fileprivate var prefixes: [String] {
      switch self {
      case .train: ["train"]
      case .test: ["t10k"]
      case .both: ["train", "t10k"]
      }
    }
  }

  /// The name of the registry entry.
  public let name: String
  /// In memory, one byte for each pixel.
  public let images: any ImageSource
  /// The class of each image.
  public let factors: Factors

  /// Reads the files of a folder.
  ///
  /// - Throws: `StructuredError` when a file is missing, damaged or not as it should be.
  public init(_ name: String, folder: String, split: Split) throws {
    self.name = name
    let parts = try split.prefixes.map { prefix in
      (
        images: try IDXFile(reading: Self.file("\(prefix)-images-idx3-ubyte", in: folder), rank: 3),
        labels: try Self.labels(Self.file("\(prefix)-labels-idx1-ubyte", in: folder)),
        location: PathParts.join(folder, "\(prefix)-labels-idx1-ubyte")
      )
    }
    let shape = parts[0].images.shape
    guard parts.allSatisfy({ $0.images.shape.dropFirst() == shape.dropFirst() }), !shape.contains(0) else {
      throw StructuredError(
        "the images have shapes \(parts.map(\.images.shape))", at: folder, expected: "images of one size, at least one")
    }
    for part in parts where part.images.shape[0] != part.labels.count {
      throw StructuredError(
        "there are \(part.labels.count) labels for \(part.images.shape[0]) images", at: part.location,
        expected: "a label for each image")
    }
    let store = try ImageStore(
      count: parts.reduce(0) { $0 + $1.labels.count }, shape: ImageShape(height: shape[1], width: shape[2]),
      format: .bytes)
    var first = 0
    for part in parts {
      let range = first..<first + part.labels.count
      try store.readBytes(range) { try part.images.read(into: $0) }
      first = range.upperBound
    }
    images = store
    factors = .table(
      try FactorTable(
        [Factor("class", size: 10, kind: .categorical)], values: parts.flatMap { $0.labels.map(Int32.init) },
        location: folder))
  }

  private static func labels(_ path: String) throws -> [UInt8] {
    let labels = try IDXFile(reading: path, rank: 1).bytes()
    if let bad = labels.firstIndex(where: { $0 > 9 }) {
      throw StructuredError("image \(bad) has the label \(labels[bad])", at: path, expected: "0 to 9")
    }
    return labels
  }

  /// The path of a file of a folder, with `.gz` where there is no other.
  static func file(_ name: String, in folder: String) -> String {
    let path = PathParts.join(folder, name)
    return FileManager.default.fileExists(atPath: path) ? path : path + ".gz"
  }

  private static func settings(_ section: inout ConfigurationSection) throws -> (path: String, split: Split) {
    (try section.string("path"), try section.choice("split", default: .both))
  }

  private static func files(_ folder: String, _ split: Split) -> [String] {
    split.prefixes.flatMap {
      [file("\($0)-images-idx3-ubyte", in: folder), file("\($0)-labels-idx1-ubyte", in: folder)]
    }
  }

  /// The settings of `mnist`.
  public struct Digits: DatasetConfiguration {
    private let path: String, split: Split
    /// Reads `path`, the folder, and `split`.
    public init(from section: inout ConfigurationSection) throws { (path, split) = try MNIST.settings(&section) }
    /// Reads the files.
    public func open(on device: Device) throws -> any FactorDataset {
      try MNIST("mnist", folder: path, split: split)
    }
    /// The files.
    public var files: [String] { MNIST.files(path, split) }
  }

  /// The settings of `fashion-mnist`.
  public struct Fashion: DatasetConfiguration {
    private let path: String, split: Split
    /// Reads `path`, the folder, and `split`.
    public init(from section: inout ConfigurationSection) throws { (path, split) = try MNIST.settings(&section) }
    /// Reads the files.
    public func open(on device: Device) throws -> any FactorDataset {
      try MNIST("fashion-mnist", folder: path, split: split)
    }
    /// The files.
    public var files: [String] { MNIST.files(path, split) }
  }

  private static func published(_ name: String) -> PublishedFile {
    PublishedFile(
      recognizes: { folder in
        name == "mnist" && FileManager.default.fileExists(atPath: file("train-images-idx3-ubyte", in: folder))
      },
      open: { path, _ in try MNIST(name, folder: path, split: .both) },
      verify: { path, _ in
        try [(Split.train, 60_000), (.test, 10_000)].map { split, count in
          let data = try MNIST(name, folder: path, split: split), shape = data.imageShape
          return .init(
            split.rawValue, "\(data.count) images of \(shape), labels 0 to 9",
            isAsPublished: data.count == count && shape == ImageShape(height: 28, width: 28))
        }
      })
  }

  static let entries = [
    DatasetEntry(
      name: "mnist", summary: "70,000 grey 28×28 images of digits, from the published IDX files in the folder `path`",
      paper: "LeCun, Bottou, Bengio & Haffner 1998, Gradient-Based Learning Applied to Document Recognition",
      configuration: Digits.self,
      publication: Publication(
        address: "http://yann.lecun.com/exdb/mnist/", licence: "not stated there",
        size: "four files, 11.6 MB; 55 MB in memory",
        howToObtain: "Download the four .gz files into a folder."), publishedFile: published("mnist")),
    DatasetEntry(
      name: "fashion-mnist",
      summary: "70,000 grey 28×28 images of clothes, from the published IDX files in the folder `path`",
      paper: "Xiao, Rasul & Vollgraf 2017, arXiv:1708.07747", configuration: Fashion.self,
      publication: Publication(
        address: "https://github.com/zalandoresearch/fashion-mnist", licence: "MIT",
        size: "four files, 31 MB; 55 MB in memory", howToObtain: "Download the four .gz files into a folder."),
      publishedFile: published("fashion-mnist")),
  ]
}
