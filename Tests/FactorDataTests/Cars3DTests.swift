import Diagnostics
import FactorData
import FileFormats
import Foundation
import TensorCore
import TestSupport
import Testing

/// Cars3D against both golden sets, and damaged archives.
@Suite("Cars3D")
struct Cars3DTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test(
    "The archive, with compressed arrays and others, numbered by its list",
    arguments: [
      ("datasets/cars3d", "datasets/cars3d"), ("datasets_second/cars3d", "datasets_second/cars3d"),
      ("datasets_second/cars3d/uncompressed", "datasets_second/cars3d"),
    ])
  func archive(name: String, expected: String) throws {
    let data = try Cars3D(path: Golden.path("\(name)/nips2015-analogy-data.tar.gz"), objects: nil)
    let path = "\(expected)/expected.h5"
    #expect(data.count == 192 && data.imageShape == ImageShape(height: 128, width: 128, channels: 3))
    #expect(data.factorSpace?.sizes == [4, 24, 2])
    let index = try GoldenSets.integers(path, "index")
    #expect(try GoldenSets.bytes(data, index) == GoldenSets.golden(path, "images"))
    #expect(try GoldenSets.checksums(data) == GoldenSets.integers(path, "crc32"))
    let factors = GoldenSets.factors(data), known = try GoldenSets.integers(path, "factors")
    #expect(known.count == 192 * 3 ? factors == known : index.flatMap { factors[3 * $0..<3 * $0 + 3] } == known)
  }

  /// A folder with what an archive holds.
  private func unpacked(_ name: String) throws -> String {
    let archive = try TarArchive(reading: Golden.path(name))
    try FileManager.default.createDirectory(atPath: folder.file("data/cars"), withIntermediateDirectories: true)
    while let member = try archive.next() {
      guard member.isRegularFile, member.name.hasPrefix("data/cars/") else { continue }
      _ = try folder.write(archive.contents(atMost: 1 << 23), as: member.name)
    }
    return folder.path
  }

  @Test("The unpacked folder gives the same, from any of its levels") func unpacked() throws {
    let path = try unpacked("datasets/cars3d/nips2015-analogy-data.tar.gz")
    for place in [path, path + "/data", path + "/data/cars"] {
      let data = try Cars3D(path: place, objects: nil)
      #expect(
        try GoldenSets.checksums(data) == GoldenSets.integers("datasets/cars3d/expected.h5", "crc32"))
    }
    try FileManager.default.removeItem(atPath: path + "/data/cars/car_002_mesh.mat")
    GoldenSets.expectError("there is no such file", at: path + "/data/cars/car_002_mesh.mat") {
      _ = try Cars3D(path: path, objects: nil)
    }
    GoldenSets.expectError("the folder has no list of cars", at: Golden.path("datasets")) {
      _ = try Cars3D(path: Golden.path("datasets"))
    }
  }

  @Test("Two objects are not the published 183") func reduced() throws {
    let path = Golden.path("datasets/cars3d/nips2015-analogy-data.tar.gz")
    GoldenSets.expectError("the list has 2 objects", at: path) { _ = try Cars3D(path: path) }
    let entry = try Registry<DatasetEntry>.standard.entry(named: "cars3d", at: "test")
    let published = try #require(entry.publishedFile), device = Device(threads: 1)
    #expect(published.recognizes(path) && !published.recognizes(Golden.path("datasets/cars3d/expected.h5")))
    #expect(!published.recognizes(Golden.path("datasets")))
    let findings = try published.verify(path, device)
    #expect(findings.map(\.isAsPublished) == [false, false])
    #expect(findings.first?.text == "2 in list.txt; the published archive has 183")
    #expect(published.recognizes(try unpacked("datasets/cars3d/nips2015-analogy-data.tar.gz")))
  }

  @Test(
    "A damaged or hostile archive is one error, and nothing is unpacked",
    arguments: [
      ("datasets/bad/cars3d_missing_member", "the archive has no member \"data/cars/car_002_mesh.mat\""),
      ("datasets/bad/cars3d_path_traversal", "the archive has a member \"../x\", which leads out of it"),
      ("datasets/bad/cars3d_list_traversal", "the list names \"../../../../etc/passwd\""),
      ("datasets/bad/cars3d_symlink", "the member \"data/cars/car_001_mesh.mat\" is a link"),
      ("datasets/bad/cars3d_wrong_shape", "the array has shape [128, 128, 3, 24, 3]"),
      ("datasets/bad/cars3d_wrong_dtype", "the array holds double"),
      ("datasets/bad/cars3d_no_im", "there is no array \"im\" in the file"),
      ("datasets/bad/cars3d_mat_truncated", "the MATLAB file"),
      ("datasets/bad/cars3d_mat_dims_overflow", "the array has shape [2147483647, 2147483647, 3, 24, 4]"),
      ("datasets/bad/cars3d_tar_truncated", "the archive is damaged"),
      ("datasets/bad/cars3d_tar_checksum", "this is not a tar archive, or it is damaged"),
      ("datasets_second/bad/cars3d_missing_member", "the archive has no member \"data/cars/"),
      ("datasets_second/bad/cars3d_no_list", "the archive has no member \"data/cars/list.txt\""),
      ("datasets_second/bad/cars3d_dotdot", "the archive has a member \"../x\""),
      ("datasets_second/bad/cars3d_absolute", "the archive has a member \"/tmp/golden-datasets-x\""),
      ("datasets_second/bad/cars3d_symlink", "the member \"data/cars/car_186_mesh.mat\" is a link"),
      ("datasets_second/bad/cars3d_list_dotdot", "the list names \"../"),
      ("datasets_second/bad/cars3d_endian", "the MATLAB file is big-endian"),
      ("datasets_second/bad/cars3d_mat_truncated", "the MATLAB file ends after 23233 bytes"),
      ("datasets_second/bad/cars3d_dtype", "the array holds double"),
      ("datasets_second/bad/cars3d_shape", "the array has shape [128, 128, 3, 23, 4]"),
      ("datasets_second/bad/cars3d_truncated", "the gzip stream ends early"),
    ])
  func damaged(name: String, message: String) throws {
    let path = Golden.path(name + ".tar.gz")
    GoldenSets.expectError(message, at: path) { _ = try Cars3D(path: path, objects: nil) }
    #expect(!FileManager.default.fileExists(atPath: Golden.path("datasets/x")))
    #expect(!FileManager.default.fileExists(atPath: "/tmp/golden-datasets-x"))
  }

  @Test("A member that occurs twice, and a wrong checksum of an archive") func twice() throws {
    let archive = try TarArchive(reading: Golden.path("datasets/cars3d/nips2015-analogy-data.tar.gz"))
    var names: [String] = []
    while let member = try archive.next() { names.append(member.name) }
    #expect(names.count == 8 && names.firstIndex(of: "data/cars/list.txt") == 4)
    let file = try SequentialFile.contents(
      of: Golden.path("datasets_second/cars3d/nips2015-analogy-data.tar.gz"), atMost: 1 << 22)
    // The first of the two members again, before the zeros at the end.
    let name = Array("data/cars/car_117_mesh.mat".utf8)
    let start = try #require(
      (0..<file.count / 512).first { file[$0 * 512..<$0 * 512 + name.count].elementsEqual(name) })
    let first = start * 512, end = first + 512 + (56_245 + 511) / 512 * 512
    let path = try folder.write(file.prefix(end) + file.dropFirst(first), as: "twice.tar")
    GoldenSets.expectError("the archive has the member \"data/cars/car_117_mesh.mat\" twice", at: path) {
      _ = try Cars3D(path: path, objects: nil)
    }
    var packed = [UInt8](
      try Data(contentsOf: URL(fileURLWithPath: Golden.path("datasets/cars3d/nips2015-analogy-data.tar.gz"))))
    packed[packed.count - 8] ^= 1
    let wrong = try folder.write(packed, as: "wrong.tar.gz")
    GoldenSets.expectError("its checksum does not match", at: wrong) { _ = try Cars3D(path: wrong, objects: nil) }
  }
}
