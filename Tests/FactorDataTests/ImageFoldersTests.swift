import Diagnostics
import FactorData
import FileFormats
import Foundation
import TensorCore
import TestSupport
import Testing

/// Published data sets that are folders of images, against both golden sets, and damaged ones.
@Suite("Published folders of images")
struct ImageFoldersTests {
  private let folder: TemporaryFolder
  private let device = Device(threads: 2)

  init() throws { folder = try TemporaryFolder() }

  /// Opens one of two sets with the first images of the grid.
  private func open(_ name: String, _ path: String) throws -> any FactorDataset {
    name == "isaac3d"
      ? try Isaac3D(folder: path, isComplete: false) : try Falcor3D(folder: path, isComplete: false)
  }

  private func published(_ name: String) throws -> PublishedFile {
    try #require(try Registry<DatasetEntry>.standard.entry(named: name, at: "test").publishedFile)
  }

  /// A copy of a golden folder, some files of which are replaced by others.
  private func copy(_ name: String, replacing files: [String: String] = [:]) throws -> String {
    let target = folder.file("set"), manager = FileManager.default
    try? manager.removeItem(atPath: target)
    try manager.copyItem(atPath: Golden.path(name), toPath: target)
    for (file, source) in files {
      try? manager.removeItem(atPath: "\(target)/\(file)")
      try manager.copyItem(atPath: Golden.path(source), toPath: "\(target)/\(file)")
    }
    return target
  }

  // MARK: Isaac3D and Falcor3D

  @Test(
    "Isaac3D and Falcor3D: the first images of the grid",
    arguments: [
      ("isaac3d", "datasets", 10), ("falcor3d", "datasets", 10), ("isaac3d", "datasets_second", 6),
      ("falcor3d", "datasets_second", 6),
    ])
  func grids(name: String, golden: String, count: Int) throws {
    let path = "\(golden)/\(name)/expected.h5", folder = name == "isaac3d" ? "Isaac3D_down128" : "Falcor3D_down128"
    for place in ["", "/" + folder] {
      let data = try open(name, Golden.path("\(golden)/\(name)") + place)
      #expect(data.count == count && data.imageShape == ImageShape(height: 128, width: 128, channels: 3))
      #expect(try GoldenSets.bytes(data, Array(0..<count)) == GoldenSets.golden(path, "images"))
      #expect(try GoldenSets.factors(data) == GoldenSets.integers(path, "factors"))
      #expect(data.factors.sizes == (name == "isaac3d" ? [3, 8, 5, 4, 4, 4, 6, 4, 4] : [5, 6, 6, 6, 6, 6, 6]))
      // Out of order, in parts, and on several threads.
      let source = try #require(data.images as? any DiskImages), size = data.imageShape.count
      let order = [4, 0, 5, 4], all = try GoldenSets.bytes(data, Array(0..<count))
      #expect(try GoldenSets.bytes(data, order) == order.flatMap { all[$0 * size..<($0 + 1) * size] })
      let store = try ImageStore(loading: source, on: device)
      #expect((0..<count).flatMap { store.bytes(at: $0) } == all)
    }
  }

  @Test("The official sets have all images; verifying says what is missing", arguments: ["isaac3d", "falcor3d"])
  func reduced(name: String) throws {
    let path = Golden.path("datasets/\(name)"), published = try published(name)
    let number = name == "isaac3d" ? "737,280" : "233,280"
    let error = #expect(throws: StructuredError.self) { try published.open(path, device) }
    #expect(error?.what == "there are 10 images" && error?.expected == number)
    #expect(published.recognizes(path) && !published.recognizes(Golden.path("datasets/celeba")))
    let findings = try published.verify(path, device)
    #expect(findings.map(\.isAsPublished) == [false, false])
    #expect(findings.first?.text == "10 of \(number), 128×128×3")
    // Small images at the place of one.
    let other = try copy(
      "datasets/isaac3d",
      replacing: [
        "Isaac3D_down128/images/000002.png": "datasets/bad/isaac3d_wrong_size/Isaac3D_down128/images/000002.png"
      ])
    GoldenSets.expectError("the image has 64×64 pixels", at: other + "/Isaac3D_down128/images/000002.png") {
      _ = try self.published("isaac3d").verify(other, device)
    }
  }

  private static let label = "Isaac3D_down128/labels.npy", image = "Isaac3D_down128/images/000003.png"

  @Test(
    "A damaged file of Isaac3D is one error that names it",
    arguments: [
      ("datasets/bad/isaac3d_png_crc.png", image, "the image is damaged"),
      ("datasets/bad/isaac3d_wrong_size/Isaac3D_down128/images/000002.png", image, "the image has 64×64 pixels"),
      ("datasets/bad/isaac3d_labels_nan.npy", label, "image 4 has the value nan of wall_color"),
      ("datasets/bad/isaac3d_labels_short.npy", label, "the array has shape [9, 9]"),
      ("datasets_second/bad/isaac3d_range-labels.npy", label, "has the value 1.5 of"),
      ("datasets_second/bad/isaac3d_rows-labels.npy", label, "the array has shape [5, 9]"),
      ("datasets_second/bad/isaac3d_position-labels.npy", label, "has the value"),
      ("datasets_second/bad/isaac3d_text.png", image, "this is not an image"),
      ("datasets_second/bad/isaac3d_truncated.png", image, "the image is damaged: it ends early"),
      ("datasets_second/bad/isaac3d_huge.png", image, "the image declares 100000×100000 pixels"),
    ])
  func damaged(file: String, replaced: String, message: String) throws {
    let set = file.hasPrefix("datasets/") ? "datasets/isaac3d" : "datasets_second/isaac3d"
    let path = try copy(set, replacing: [replaced: file])
    GoldenSets.expectError(message, at: "\(path)/\(replaced)") {
      let data = try Isaac3D(folder: path, isComplete: false)
      _ = try GoldenSets.bytes(data, Array(0..<data.count))
    }
  }

  @Test("A gap among the images, and a folder without images") func gaps() throws {
    let path = try copy("datasets/falcor3d"), images = path + "/Falcor3D_down128/images"
    try FileManager.default.removeItem(atPath: images + "/000004.png")
    GoldenSets.expectError("there is no file 000004.png", at: images) {
      _ = try Falcor3D(folder: path, isComplete: false)
    }
    GoldenSets.expectError("there is no such folder", at: folder.path) {
      _ = try Falcor3D(folder: folder.path, isComplete: false)
    }
  }

  // MARK: CelebA

  @Test("CelebA, lists with both line ends") func celeba() throws {
    let path = "datasets/celeba/expected.h5", images = Golden.path("datasets/celeba/img_align_celeba")
    for list in ["list_attr_celeba.txt", "list_attr_celeba_crlf.txt"] {
      let data = try CelebA(list: Golden.path("datasets/celeba/\(list)"), images: images)
      #expect(data.count == 6 && data.imageShape == ImageShape(height: 218, width: 178, channels: 3))
      #expect(data.factors.names == ["5_o_Clock_Shadow", "Bald", "Eyeglasses", "Male", "Smiling"])
      #expect(try GoldenSets.factors(data) == GoldenSets.integers(path, "factors"))
      #expect(try GoldenSets.bytes(data, [0, 1, 2]) == GoldenSets.golden(path, "images"))
      #expect(try GoldenSets.checksums(data) == GoldenSets.integers(path, "crc32"))
    }
    let second = try CelebA(folder: Golden.path("datasets_second/celeba")), other = "datasets_second/celeba/expected.h5"
    #expect(try GoldenSets.factors(second) == GoldenSets.integers(other, "factors"))
    #expect(
      try GoldenSets.bytes(second, GoldenSets.integers(other, "index")) == GoldenSets.golden(other, "images"))
    #expect(try GoldenSets.checksums(second) == GoldenSets.integers(other, "crc32_libjpeg_turbo"))
  }

  @Test("Verifying CelebA counts images and attributes") func verifyingCelebA() throws {
    let published = try published("celeba"), path = Golden.path("datasets/celeba")
    #expect(published.recognizes(path) && !published.recognizes(Golden.path("datasets/isaac3d")))
    let findings = try published.verify(path, device)
    #expect(findings.map(\.text) == ["6 of 202,599, 218×178×3", "5 of 40, −1 or 1"])
    #expect(findings.map(\.isAsPublished) == [false, false])
    let second = try published.verify(Golden.path("datasets_second/celeba"), device)
    #expect(second.map(\.isAsPublished) == [false, true])
    // The folders of the published archives.
    let nested = folder.file("nested"), manager = FileManager.default
    for (name, inner) in [("img_align_celeba", "Img"), ("list_attr_celeba.txt", "Anno")] {
      try manager.createDirectory(atPath: "\(nested)/\(inner)", withIntermediateDirectories: true)
      try manager.copyItem(atPath: "\(path)/\(name)", toPath: "\(nested)/\(inner)/\(name)")
    }
    #expect(published.recognizes(nested))
    #expect(try CelebA(folder: nested).count == 6)
  }

  @Test(
    "A damaged list of CelebA is one error",
    arguments: [
      ("datasets/bad/celeba_count_differs-list_attr_celeba.txt", "the list has 6 images", ""),
      ("datasets/bad/celeba_value-list_attr_celeba.txt", "the value of Bald is 2", ", line 5"),
      ("datasets/bad/celeba_short_line-list_attr_celeba.txt", "there are 4 values", ", line 5"),
      ("datasets/bad/celeba_path-list_attr_celeba.txt", "the image is named \"../../x.jpg\"", ", line 7"),
      ("datasets_second/bad/celeba_count-list_attr_celeba.txt", "the list has 6 images", ""),
      ("datasets_second/bad/celeba_short-list_attr_celeba.txt", "there are 39 values", ", line"),
      ("datasets_second/bad/celeba_value-list_attr_celeba.txt", "is 2", ", line"),
    ])
  func damagedList(file: String, message: String, line: String) throws {
    let images = Golden.path("datasets/celeba/img_align_celeba")
    GoldenSets.expectError(message, at: Golden.path(file) + line) {
      _ = try CelebA(list: Golden.path(file), images: images)
    }
  }

  @Test("A JPEG image that ends early is an error, not grey") func truncatedJPEG() throws {
    let path = try copy(
      "datasets/celeba", replacing: ["img_align_celeba/000003.jpg": "datasets/bad/celeba_truncated.jpg"])
    let data = try CelebA(folder: path)
    GoldenSets.expectError("the image is damaged", at: path + "/img_align_celeba/000003.jpg") {
      _ = try GoldenSets.bytes(data, [2])
    }
    try FileManager.default.removeItem(atPath: path + "/img_align_celeba/000006.jpg")
    GoldenSets.expectError("the list names \"000006.jpg\"", at: path + "/list_attr_celeba.txt") {
      _ = try CelebA(folder: path)
    }
  }
}
