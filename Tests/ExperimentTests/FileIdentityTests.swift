import Diagnostics
import Experiment
import FileFormats
import Foundation
import TestSupport
import Testing

@Suite("Identity of files")
struct FileIdentityTests {
  private let folder: TemporaryFolder
  private let bytes: [UInt8]

  init() throws {
    folder = try TemporaryFolder()
    bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 7) }
  }

  private func identity(_ bytes: [UInt8], largestWhole: Int = FileIdentity.largestWhole, date: TimeInterval = 1e9)
    throws
    -> String
  {
    let path = folder.file("file")
    _ = try folder.write(bytes, as: "file")
    try FileManager.default.setAttributes([.modificationDate: Date(timeIntervalSince1970: date)], ofItemAtPath: path)
    return try FileIdentity.text(of: path, largestWhole: largestWhole)
  }

  @Test("A small file is told by all of its bytes, whenever it was written") func small() throws {
    let first = try identity(bytes)
    #expect(first == "\(Checksum.crc32(bytes))")
    #expect(try identity(bytes, date: 2e9) == first)
    for place in [0, 1_500_001, 2_999_999] {
      var other = bytes
      other[place] ^= 1
      #expect(try identity(other) != first)
    }
    #expect(try identity([]) != first)
  }

  @Test("A large file by its size, its time and a part of its bytes, the first and the last among them") func large()
    throws
  {
    let first = try identity(bytes, largestWhole: 1 << 20)
    #expect(try identity(bytes, largestWhole: 1 << 20) == first)
    #expect(try identity(bytes, largestWhole: 1 << 20, date: 2e9) != first)
    #expect(try identity(Array(bytes.dropLast()), largestWhole: 1 << 20) != first)
    for place in [0, 2_999_999] {
      var other = bytes
      other[place] ^= 1
      #expect(try identity(other, largestWhole: 1 << 20) != first)
    }
  }

  @Test("A folder by the names, sizes and times of its files") func folders() throws {
    func write(_ bytes: [UInt8], _ name: String, date: TimeInterval = 1e9) throws {
      let path = try folder.write(bytes, as: name)
      try FileManager.default.setAttributes([.modificationDate: Date(timeIntervalSince1970: date)], ofItemAtPath: path)
    }
    try write([1, 2], "a.png")
    try write([3], "b.png")
    let first = try FileIdentity.text(of: folder.path)
    #expect(first.hasPrefix("2 files"))
    #expect(try FileIdentity.text(of: folder.path) == first)
    try write([3], "b.png", date: 2e9)
    #expect(try FileIdentity.text(of: folder.path) != first)
    try write([3, 4], "b.png")
    #expect(try FileIdentity.text(of: folder.path) != first)
    try write([3], "b.png")
    #expect(try FileIdentity.text(of: folder.path) == first)
    try write([3], "c.png")
    #expect(try FileIdentity.text(of: folder.path) != first)
  }

  @Test("A file that cannot be read is an error") func missing() {
    let path = folder.file("none")
    let error = #expect(throws: StructuredError.self) { try FileIdentity.text(of: path) }
    #expect(error?.what == "the file cannot be read" && error?.location == path)
  }
}
