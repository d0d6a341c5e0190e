import Diagnostics
import FileFormats
import Foundation
import StrictConfiguration
import TensorCore

/// Cars3D: colour images of 128 × 128 pixels of 183 car models from four elevations and 24 azimuths (Reed, Zhang, Zhang & Lee
/// 2015, Deep Visual Analogy-Making; the models are of Fidler, Dickinson & Urtasun 2012).
///
/// The published archive `nips2015-analogy-data.tar.gz` has `data/cars/list.txt`, a name a line, and for each name a MATLAB
/// file with an array `im`, uint8 [128, 128, 3, 24, 4]: row, column, channel, azimuth, elevation. The number of an object is
/// that of its line. What else the archive holds is skipped; nothing is unpacked.
public struct Cars3D: FactorDataset {
  /// `cars3d`.
  public let name = "cars3d"
  /// In memory, one byte for each value: 863 MB.
  public let images: any ImageSource
  /// Elevation, azimuth and object, as a full grid.
  public let factors: Factors

  private static let elevations = 4, azimuths = 24, objects = 183
  private static let image = ImageShape(height: 128, width: 128, channels: 3)
  private static let archive = "nips2015-analogy-data.tar.gz"
  /// A MATLAB file has 7.9 MB where nothing is compressed.
  private static let longestFile = 1 << 26, longestList = 1 << 20

  /// Reads the published archive, or the folder into which it was unpacked.
  ///
  /// - Throws: `StructuredError` when a file is missing, damaged or not in this layout.
  public init(path: String) throws { try self.init(path: path, objects: Self.objects) }

  /// Reads an archive or a folder of any number of objects, where `objects` is nil.
  package init(path: String, objects: Int?) throws {
    var isFolder: ObjCBool = false
    let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
    let files: any CarFiles = exists && isFolder.boolValue ? try CarFolder(path) : CarArchive(path: path)
    let names = try Self.names(files.list(atMost: Self.longestList), files.location("list.txt"))
    if let objects, names.count != objects {
      throw StructuredError(
        "the list has \(names.count) objects", at: files.location("list.txt"), expected: "\(objects)")
    }
    let space = try FactorSpace([
      Factor("elevation", size: Self.elevations), Factor("azimuth", size: Self.azimuths, kind: .cyclic),
      Factor("object_type", size: names.count, kind: .categorical),
    ])
    let store = try ImageStore(count: space.count, shape: Self.image, format: .bytes)
    try files.forEach(names, atMost: Self.longestFile) { object, file, location in
      let array = try MATLABFile(file, location: location)
        .bytes("im", shape: [Self.image.height, Self.image.width, 3, Self.azimuths, Self.elevations])
      Self.fill(store, object, of: names.count, array)
    }
    images = store
    factors = .grid(space)
  }

  /// The names of the objects, a line each.
  private static func names(_ list: [UInt8], _ location: String) throws -> [String] {
    let lines = String(decoding: list, as: UTF8.self).split(whereSeparator: \.isNewline).map {
      $0.trimmingCharacters(in: .whitespaces)
    }
    let names = lines.filter { !$0.isEmpty }
    for name in names where !FileName.isValid(name) {
      throw StructuredError("the list names \"\(name)\"", at: location, expected: FileName.expectation)
    }
    guard !names.isEmpty else { throw StructuredError("the list is empty", at: location, expected: "a name a line") }
    if let repeated = names.firstRepeated {
      throw StructuredError("the list names \"\(repeated)\" twice", at: location, expected: "names that differ")
    }
    return names
  }

  /// Puts the images of an object, in column-major order on file, into their places of the grid.
  private static func fill(_ store: ImageStore, _ object: Int, of objects: Int, _ array: [UInt8]) {
    let side = image.height, plane = side * side
    array.withUnsafeBufferPointer { array in
      for view in 0..<azimuths * elevations {
        let index = view * objects + object, start = view * plane * 3
        store.readBytes(index..<index + 1) { target in
          for row in 0..<side {
            for column in 0..<side {
              let source = start + row + side * column, place = (row * side + column) * 3
              for channel in 0..<3 { target[place + channel] = array[source + plane * channel] }
            }
          }
        }
      }
    }
  }

  /// The settings.
  public struct Configuration: DatasetConfiguration {
    /// The archive, or the folder into which it was unpacked.
    public let path: String
    /// Reads `path`.
    public init(from section: inout ConfigurationSection) throws { path = try section.string("path") }
    /// Reads the files.
    public func open(on device: Device) throws -> any FactorDataset { try Cars3D(path: path) }
    /// The archive, or the list and the files that it names.
    public var files: [String] {
      guard let folder = try? CarFolder(path), let names = try? folder.list(atMost: longestList) else { return [path] }
      return [folder.location("list.txt")]
        + ((try? Cars3D.names(names, path)) ?? []).map { folder.location("\($0).mat") }
    }
  }

  static let entry = DatasetEntry(
    name: "cars3d",
    summary:
      "17,568 colour 128×128 images of 183 car models, from `path`, the published archive or its unpacked folder",
    paper: "Reed, Zhang, Zhang & Lee 2015, Deep Visual Analogy-Making, NIPS",
    configuration: Configuration.self,
    publication: Publication(
      address: "http://www.scottreed.info/files/nips2015-analogy-data.tar.gz", licence: "not stated there",
      size: "nips2015-analogy-data.tar.gz; 863 MB in memory",
      howToObtain: "Download the archive; it need not be unpacked."),
    publishedFile: PublishedFile(
      recognizes: { path in
        if let folder = try? CarFolder(path), let list = try? folder.list(atMost: longestList),
          let first = try? names(list, path).first
        {
          return FileManager.default.fileExists(atPath: folder.location("\(first).mat"))
        }
        // Its first members are the folders of the data; a file of arrays is no archive.
        guard path.hasSuffix(".tar.gz") || path.hasSuffix(".tar"), let archive = try? TarArchive(reading: path) else {
          return false
        }
        return (try? archive.next()?.name.hasPrefix("data/")) == true
      },
      open: { path, _ in try Cars3D(path: path) },
      verify: { path, _ in
        let data = try Cars3D(path: path, objects: nil), count = data.factors.sizes[2]
        let isAsPublished = count == objects
        return [
          .init(
            "objects", "\(count) in list.txt" + (isAsPublished ? "" : "; the published archive has \(objects)"),
            isAsPublished: isAsPublished),
          .init("images", "\(Format.grouped(data.count)) of \(image)", isAsPublished: isAsPublished),
        ]
      }))
}

/// Where the list and the MATLAB files come from.
private protocol CarFiles {
  /// The contents of the list.
  func list(atMost limit: Int) throws -> [UInt8]
  /// Calls `body` with the number, the contents and the place of the file of each object, in any order.
  func forEach(
    _ names: [String], atMost limit: Int, _ body: (_ object: Int, _ file: [UInt8], _ location: String) throws -> Void
  ) throws
  /// The place of a file, for errors.
  func location(_ file: String) -> String
}

/// The folder `data/cars` of the unpacked archive.
private struct CarFolder: CarFiles {
  let folder: String

  /// Looks for the list in a folder, and where it is in the archive.
  init(_ path: String) throws {
    let places = ["", "cars", "data/cars"].map { $0.isEmpty ? path : PathParts.join(path, $0) }
    guard
      let found = places.first(where: { FileManager.default.fileExists(atPath: PathParts.join($0, "list.txt")) })
    else {
      throw StructuredError(
        "the folder has no list of cars", at: path, expected: "data/cars/list.txt, as in the published archive")
    }
    folder = found
  }

  func location(_ file: String) -> String { PathParts.join(folder, file) }

  func list(atMost limit: Int) throws -> [UInt8] { try read("list.txt", atMost: limit) }

  func forEach(
    _ names: [String], atMost limit: Int, _ body: (_ object: Int, _ file: [UInt8], _ location: String) throws -> Void
  ) throws {
    for (object, name) in names.enumerated() {
      try body(object, read("\(name).mat", atMost: limit), location("\(name).mat"))
    }
  }

  private func read(_ file: String, atMost limit: Int) throws -> [UInt8] {
    try SequentialFile.contents(of: location(file), atMost: limit)
  }
}

/// The published archive. The list may come after the files that it names, so that the archive is read twice.
private struct CarArchive: CarFiles {
  let path: String

  private static let folder = "data/cars/"

  func location(_ file: String) -> String { "\(path), member \"\(Self.folder)\(file)\"" }

  func list(atMost limit: Int) throws -> [UInt8] {
    let archive = try TarArchive(reading: path), name = Self.folder + "list.txt"
    while let member = try archive.next() {
      guard member.name == name else { continue }
      try require(member)
      return try archive.contents(atMost: limit)
    }
    throw StructuredError(
      "the archive has no member \"\(name)\"", at: path, expected: "the published archive of Cars3D")
  }

  func forEach(
    _ names: [String], atMost limit: Int, _ body: (_ object: Int, _ file: [UInt8], _ location: String) throws -> Void
  ) throws {
    let archive = try TarArchive(reading: path)
    var missing = Dictionary(uniqueKeysWithValues: names.enumerated().map { ("\(Self.folder)\($1).mat", $0) })
    let wanted = Set(missing.keys)
    while let member = try archive.next() {
      guard wanted.contains(member.name) else { continue }
      try require(member)
      guard let object = missing.removeValue(forKey: member.name) else {
        throw StructuredError("the archive has the member \"\(member.name)\" twice", at: path, expected: "each once")
      }
      try body(object, archive.contents(atMost: limit), archive.location(of: member.name))
    }
    if let name = missing.min(by: { $0.value < $1.value })?.key {
      throw StructuredError(
        "the archive has no member \"\(name)\"", at: path, expected: "a file for each name in \(Self.folder)list.txt")
    }
  }

  private func require(_ member: TarArchive.Member) throws {
    guard member.isRegularFile else {
      throw StructuredError(
        "the member \"\(member.name)\" is a link or something else than a file", at: path, expected: "a file")
    }
  }
}
