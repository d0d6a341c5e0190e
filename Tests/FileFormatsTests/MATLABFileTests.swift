import Diagnostics
import FileFormats
import TestSupport
import Testing

/// Small files of MATLAB's format, put together by hand.
@Suite("MATLAB files")
struct MATLABFileTests {
  private static func word(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }

  private static func element(_ kind: Int, _ bytes: [UInt8]) -> [UInt8] {
    word(kind) + word(bytes.count) + bytes + [UInt8](repeating: 0, count: -bytes.count & 7)
  }

  private static func array(_ name: String, _ shape: [Int], _ bytes: [UInt8], kind: UInt8 = 9, flags: UInt8 = 0)
    -> [UInt8]
  {
    // A name of up to four letters is in its tag.
    let label =
      name.utf8.count <= 4
      ? [1, 0, UInt8(name.utf8.count), 0] + Array(name.utf8) + [UInt8](repeating: 0, count: 4 - name.utf8.count)
      : element(1, Array(name.utf8))
    return element(
      14, element(6, [kind, flags, 0, 0, 0, 0, 0, 0]) + element(5, shape.flatMap(word)) + label + element(2, bytes))
  }

  private static func compressed(_ array: [UInt8]) throws -> [UInt8] {
    let data = try #require(ZlibEncoder(level: 6)), packed = array.withUnsafeBytes { data.encode($0) }
    return word(15) + word(packed.count) + packed
  }

  static let header = [UInt8](repeating: 0x20, count: 124) + [0, 1] + Array("IM".utf8)

  /// A file with `mask`, a long name and `im`, [3, 2] with the values 1 to 6.
  static func sample(isCompressed: Bool) throws -> [UInt8] {
    let arrays = [
      array("mask", [2, 2], [0, 1, 1, 0]), array("a longer name", [1, 1], [7]),
      array("im", [3, 2], [1, 2, 3, 4, 5, 6]),
    ]
    return header + (isCompressed ? try arrays.flatMap { try compressed($0) } : arrays.flatMap { $0 })
  }

  private func read(_ bytes: [UInt8], shape: [Int] = [3, 2]) throws -> [UInt8] {
    try MATLABFile(bytes, location: "f.mat").bytes("im", shape: shape)
  }

  @Test("An array of bytes among others", arguments: [false, true]) func arrays(isCompressed: Bool) throws {
    let file = try Self.sample(isCompressed: isCompressed)
    #expect(try read(file) == [1, 2, 3, 4, 5, 6])
    #expect(try MATLABFile(file, location: "f.mat").bytes("a longer name", shape: [1, 1]) == [7])
    let shape = #expect(throws: StructuredError.self) { try read(file, shape: [2, 3]) }
    #expect(shape?.what == "the array has shape [3, 2]" && shape?.location == "f.mat, array \"im\"")
    let missing = #expect(throws: StructuredError.self) {
      try MATLABFile(file, location: "f.mat").bytes("x", shape: [1])
    }
    #expect(missing?.action == "The file holds: mask, a longer name, im.")
    for count in 0..<file.count {
      #expect(throws: StructuredError.self, "\(count) bytes") { try read(Array(file[..<count])) }
    }
  }

  @Test("Other types, byte orders and versions are named") func others() throws {
    func what(_ bytes: [UInt8]) -> String? { #expect(throws: StructuredError.self) { try read(bytes) }?.what }
    let kinds: [(UInt8, UInt8, String)] = [
      (6, 0, "the array holds double"), (8, 0, "the array holds int8"), (9, 8, "the array holds complex uint8"),
      (4, 0, "the array holds something that is no number"),
    ]
    for (kind, flags, message) in kinds {
      #expect(what(Self.header + Self.array("im", [3, 2], [1, 2, 3, 4, 5, 6], kind: kind, flags: flags)) == message)
    }
    var file = try Self.sample(isCompressed: false)
    file.replaceSubrange(126..<128, with: Array("MI".utf8))
    #expect(what(file) == "the MATLAB file is big-endian")
    file.replaceSubrange(126..<128, with: Array("??".utf8))
    #expect(what(file) == "this is not a MATLAB file")
    file.replaceSubrange(124..<128, with: [0, 2] + Array("IM".utf8))
    #expect(what(file) == "the MATLAB file is of version 512")
    #expect(what(Self.header) == "there is no array \"im\" in the file")
    #expect(what(Self.header + Self.element(2, [1])) == "the MATLAB file has an element of type 2, which is no array")
    #expect(
      what(Self.header + Self.array("im", [3, 2], [1, 2, 3, 4, 5]))
        == "the MATLAB file has not the 6 bytes of the array \"im\"")
  }

  @Test("A wrong checksum of a compressed array is an error") func checksum() throws {
    let packed = try Self.compressed(Self.array("im", [3, 2], [1, 2, 3, 4, 5, 6]))
    #expect(try read(Self.header + packed) == [1, 2, 3, 4, 5, 6])
    for place in 8..<packed.count {
      var bytes = packed
      bytes[place] ^= 1
      #expect(throws: StructuredError.self, "byte \(place)") { try read(Self.header + bytes) }
    }
  }
}
