import Diagnostics
import FactorData
import FileFormats
import Foundation
import TensorCore
import TestSupport
import Testing

/// Mutated images, archives and tables: each is read or rejected.
@Suite(.serialized) struct ImagesFuzzingTests {
  private static func bytes(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: Golden.path(name))))
  }

  private func corpus(
    _ names: [String], repair: (@Sendable (inout [UInt8]) -> Void)? = nil
  ) throws -> [FileMutator] {
    try names.map { FileMutator(try Self.bytes($0), repair: repair) }
  }

  private func check(_ outcome: Fuzzing.Outcome, of fuzzing: Fuzzing) {
    #expect(outcome.others.isEmpty, "\(outcome.others.prefix(5))")
    #expect(outcome.values + outcome.refused == fuzzing.count)
    #expect(outcome.values > 0 && outcome.refused > 0)
  }

  /// Sets the checksums of the chunks of a PNG image.
  private static func repairPNG(_ bytes: inout [UInt8]) {
    var offset = 8
    while bytes.count - offset >= 12 {
      let length = bytes[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) }
      guard length <= bytes.count - offset - 12 else { return }
      let end = offset + 8 + length, checksum = Checksum.crc32(bytes[offset + 4..<end])
      for index in 0..<4 { bytes[end + index] = UInt8(truncatingIfNeeded: checksum >> (24 - 8 * UInt32(index))) }
      offset = end + 4
    }
  }

  /// Sets the checksums of the headers in a tar archive.
  private static func repairTar(_ bytes: inout [UInt8]) {
    for start in stride(from: 0, to: bytes.count - 511, by: 512)
    where bytes[start + 257..<start + 262].elementsEqual("ustar".utf8) {
      bytes.replaceSubrange(start + 148..<start + 156, with: [UInt8](repeating: 0x20, count: 8))
      let sum = bytes[start..<start + 512].reduce(0) { $0 + Int($1) }, text = String(sum, radix: 8)
      let digits = String(repeating: "0", count: max(0, 6 - text.count)) + text
      bytes.replaceSubrange(start + 148..<start + 156, with: Array(digits.utf8) + [0, 0x20])
    }
  }

  private static func decode(_ path: String) throws {
    let shape = try ImageHeader(reading: path).shape
    guard shape.count <= 1 << 21 else { throw StructuredError("the image is too large for this test", at: path) }
    var bytes = [UInt8](repeating: 0, count: shape.count)
    try ImageDecoder().decode(path, shape: shape, into: &bytes)
  }

  @Test("Mutated PNG images are decoded or rejected") func png() throws {
    let fuzzing = Fuzzing(few: 1500, share: 0.05), folder = "datasets_second/generic/png_folder/"
    let files = try corpus(
      [folder + "img_019.png", folder + "img_165.png", "datasets/isaac3d/Isaac3D_down128/images/000001.png"],
      repair: Self.repairPNG)
    check(try fuzzing.run("png", files, read: Self.decode), of: fuzzing)
  }

  @Test("Mutated JPEG images are decoded or rejected") func jpeg() throws {
    let fuzzing = Fuzzing(few: 1000, share: 0.05), folder = "datasets/celeba/img_align_celeba/"
    let files = try corpus([folder + "000001.jpg", folder + "000002.jpg", folder + "000003.jpg"])
    check(try fuzzing.run("jpeg", files, read: Self.decode), of: fuzzing)
  }

  @Test("Mutated arrays of Cars3D are read or rejected") func matlab() throws {
    let fuzzing = Fuzzing(few: 1500, share: 0.05)
    let archive = try TarArchive(reading: Golden.path("datasets/cars3d/nips2015-analogy-data.tar.gz"))
    var packed: [UInt8] = []
    while let member = try archive.next() {
      if member.name.hasSuffix("car_007_mesh.mat") { packed = try archive.contents(atMost: 1 << 20) }
    }
    // The same arrays in small and as they are, with shapes of their own.
    func word(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
    func array(_ name: String, _ shape: [Int]) -> [UInt8] {
      let bytes = [UInt8](repeating: 7, count: (shape.reduce(1, *) + 7) / 8 * 8), extents = shape.flatMap(word)
      let label = [1, 0, UInt8(name.utf8.count), 0] + (Array(name.utf8) + [0, 0, 0]).prefix(4)
      let body: [UInt8] =
        word(6) + word(8) + [9, 0, 0, 0, 0, 0, 0, 0] + word(5) + word(extents.count) + extents + label + word(2)
        + word(shape.reduce(1, *)) + bytes
      return word(14) + word(body.count) + body
    }
    let header = Array(packed.prefix(128)), plain = array("mask", [2, 3, 4, 4]) + array("im", [3, 2, 1, 4])
    let encoder = try #require(ZlibEncoder(level: 6)), deflated = plain.withUnsafeBytes { encoder.encode($0) }
    let files = [
      FileMutator(header + plain), FileMutator(header + plain + word(15) + word(deflated.count) + deflated),
      FileMutator(packed),
    ]
    check(
      try fuzzing.run("matlab", files) { path in
        let file = try MATLABFile(SequentialFile.contents(of: path, atMost: 1 << 20), location: path)
        do { _ = try file.bytes("mask", shape: [2, 3, 4, 4]) } catch let error as StructuredError {
          guard error.what.hasPrefix("the array has shape") else { throw error }
          _ = try file.bytes("im", shape: [128, 128, 3, 24, 4])
        }
      }, of: fuzzing)
  }

  @Test("Mutated archives are read or rejected, and so is Cars3D in them") func tar() throws {
    let fuzzing = Fuzzing(few: 1000, share: 0.03), name = "datasets_second/cars3d/nips2015-analogy-data.tar.gz"
    let plain = try SequentialFile.contents(of: Golden.path(name), atMost: 1 << 22)
    let files = [FileMutator(plain, repair: Self.repairTar), try FileMutator(Self.bytes(name))]
    check(
      try fuzzing.run("tar", files) { path in
        let archive = try TarArchive(reading: path)
        while let member = try archive.next() {
          if member.isRegularFile { _ = try archive.contents(atMost: 1 << 20) }
        }
      }, of: fuzzing)
    // Nearly every change is one to compressed pixels, which are refused.
    let few = Fuzzing(few: 40, share: 0.001)
    let cars = try few.run("cars3d", files) { _ = try Cars3D(path: $0, objects: nil) }
    #expect(cars.others.isEmpty && cars.values + cars.refused == few.count && cars.refused > 0)
  }

  @Test("Mutated NumPy arrays are read or rejected") func npy() throws {
    let fuzzing = Fuzzing(few: 1500, share: 0.05)
    let files = try corpus([
      "datasets/isaac3d/Isaac3D_down128/labels.npy", "datasets_second/falcor3d/Falcor3D_down128/train-rec.labels",
    ])
    check(try fuzzing.run("npy", files) { _ = try NPYFile(reading: $0).read(as: Double.self) }, of: fuzzing)
  }

  @Test("Mutated tables and lists of attributes are read or rejected") func tables() throws {
    let fuzzing = Fuzzing(few: 1000, share: 0.03), device = Device(threads: 1)
    let set = Golden.path("datasets_second/generic/png_folder")
    check(
      try fuzzing.run("csv", corpus(["datasets_second/generic/png_folder/factors.csv"])) { path in
        _ = try ImageFolderSet(folder: set, factors: path, on: device)
      }, of: fuzzing)
    let images = Golden.path("datasets/celeba/img_align_celeba")
    let lists = try corpus(["datasets/celeba/list_attr_celeba.txt", "datasets/celeba/list_attr_celeba_crlf.txt"])
    check(try fuzzing.run("celeba", lists) { _ = try CelebA(list: $0, images: images) }, of: fuzzing)
  }
}
