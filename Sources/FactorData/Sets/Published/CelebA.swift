import Diagnostics
import FileFormats
import Foundation
import StrictConfiguration
import TensorCore

/// CelebA: colour photographs of 178 × 218 pixels of celebrities' faces, aligned, with forty attributes that are there or not
/// (Liu, Luo, Wang & Tang 2015, arXiv:1411.7766).
///
/// A folder holds `img_align_celeba/*.jpg` and `list_attr_celeba.txt`, as such or in the folders `Img` and `Anno` of the
/// published archives. The list has the number of images, the names of the attributes, and for each image the name of its file
/// and 1 or −1 for each attribute. The published set has 202,599 images; others load, too.
public struct CelebA: FactorDataset {
  /// `celeba`.
  public let name = "celeba"
  /// On disk: in memory they would take 23.6 GB.
  public let images: any ImageSource
  /// The attributes, 1 where they are there; no grid.
  public let factors: Factors

  private static let list = "list_attr_celeba.txt", folder = "img_align_celeba"
  private static let image = ImageShape(height: 218, width: 178, channels: 3)

  private struct Paths {
    let list: String
    let images: String

    init(_ path: String) {
      func first(_ places: [String]) -> String {
        let all = places.map { PathParts.join(path, $0) }
        return all.first { FileManager.default.fileExists(atPath: $0) } ?? all[0]
      }
      list = first([CelebA.list, "Anno/" + CelebA.list])
      images = first([CelebA.folder, "Img/" + CelebA.folder])
    }
  }

  /// Opens a folder.
  ///
  /// - Throws: `StructuredError` when a file is missing, damaged or not in this layout.
  public init(folder path: String) throws { try self.init(list: Paths(path).list, images: Paths(path).images) }

  /// Opens a list of attributes and the folder of the images that it names.
  package init(list: String, images folder: String) throws {
    let attributes = try AttributeList(reading: list), files = attributes.files
    let present = Set(try ImageFolder.unsortedNames(in: folder))
    if let missing = files.first(where: { !present.contains($0) }) {
      throw StructuredError("the list names \"\(missing)\"", at: list, expected: "files of the folder \(folder)")
    }
    let shape = try ImageHeader(reading: PathParts.join(folder, files[0])).shape
    images = ImageFolder(
      folder: folder, count: files.count, shape: ImageShape(height: shape.height, width: shape.width, channels: 3),
      name: { files[$0] })
    factors = .table(
      try FactorTable(
        attributes.names.map { Factor($0, size: 2, kind: .categorical) }, values: attributes.values, location: list))
  }

  /// The settings.
  public struct Configuration: DatasetConfiguration {
    /// The folder.
    public let path: String
    /// Reads `path`.
    public init(from section: inout ConfigurationSection) throws { path = try section.string("path") }
    /// Opens the folder.
    public func open(on device: Device) throws -> any FactorDataset { try CelebA(folder: path) }
    /// The list and the folder of images.
    public var files: [String] { [Paths(path).list, Paths(path).images] }
  }

  static let entry = DatasetEntry(
    name: "celeba",
    summary: "202,599 colour 218×178 photographs of faces with 40 attributes, from the published files in `path`",
    paper: "Liu, Luo, Wang & Tang 2015, arXiv:1411.7766", configuration: Configuration.self,
    publication: Publication(
      address: "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html", licence: "for non-commercial research only",
      size: "img_align_celeba.zip and list_attr_celeba.txt; a folder of 202,599 JPEG files; 23.6 GB in memory",
      howToObtain: "Download both into a folder and unpack img_align_celeba.zip there."),
    publishedFile: PublishedFile(
      recognizes: { FileManager.default.fileExists(atPath: Paths($0).list) },
      open: { path, _ in try CelebA(folder: path) },
      verify: { path, device in
        let data = try CelebA(folder: path), images = Paths(path).images
        let files = try AttributeList(reading: Paths(path).list).files
        let shape = try ImageFolder.commonShape(data.count, on: device) { PathParts.join(images, files[$0]) }
        let count = 202_599, attributes = data.factors.list.count
        return [
          .init(
            "images",
            Format.grouped(data.count) + (data.count == count ? "" : " of \(Format.grouped(count))") + ", \(shape)"
              + (shape == image ? "" : ", not \(image)"), isAsPublished: data.count == count && shape == image),
          .init(
            "attributes", "\(attributes)" + (attributes == 40 ? "" : " of 40") + ", −1 or 1",
            isAsPublished: attributes == 40),
        ]
      }))
}

/// The list of CelebA's attributes.
private struct AttributeList {
  /// The names of the attributes, [K].
  let names: [String]
  /// The names of the files, [N].
  let files: [String]
  /// 1 where an attribute is there, 0 where it is not, [N, K].
  let values: [Int32]

  /// Reads a list with lines that end with LF or CR LF.
  init(reading path: String) throws {
    let bytes = try SequentialFile.contents(of: path, atMost: 1 << 28)
    func words(_ line: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
      line.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\r") || $0 == UInt8(ascii: "\t") }
    }
    func text(_ word: ArraySlice<UInt8>) -> String { String(decoding: word, as: UTF8.self) }
    var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    while let last = lines.last, words(last).isEmpty { lines.removeLast() }
    guard lines.count >= 2, let count = Int(text(words(lines[0]).first ?? [])), !words(lines[1]).isEmpty else {
      throw StructuredError(
        "the list does not begin with the number of images and a line of attributes", at: path,
        expected: "the published list of CelebA")
    }
    guard lines.count - 2 == count, count > 0 else {
      throw StructuredError(
        "the list has \(lines.count - 2) images", at: path, expected: "\(count), as its first line says")
    }
    let names = words(lines[1]).map(text)
    var files: [String] = [], values: [Int32] = []
    files.reserveCapacity(count)
    values.reserveCapacity(count * names.count)
    for (number, line) in lines.enumerated().dropFirst(2) {
      let words = words(line), line = "\(path), line \(number + 1)"
      guard words.count == names.count + 1 else {
        throw StructuredError(
          "there are \(max(0, words.count - 1)) values", at: line, expected: "\(names.count), one for each attribute")
      }
      let file = text(words[0])
      guard FileName.isValid(file) else {
        throw StructuredError("the image is named \"\(file)\"", at: line, expected: FileName.expectation)
      }
      files.append(file)
      for (word, name) in zip(words.dropFirst(), names) {
        let isPresent = word.count == 1, isOne = word.last == UInt8(ascii: "1")
        guard isOne, isPresent || (word.count == 2 && word.first == UInt8(ascii: "-")) else {
          throw StructuredError("the value of \(name) is \(text(word))", at: line, expected: "1 or -1")
        }
        values.append(isPresent ? 1 : 0)
      }
    }
    if let repeated = files.firstRepeated {
      throw StructuredError("the list names \"\(repeated)\" twice", at: path, expected: "names that differ")
    }
    (self.names, self.files, self.values) = (names, files, values)
  }
}
