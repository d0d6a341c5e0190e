import Diagnostics

/// An HDF5 file and the contents of its superblock.
struct HDF5Source: Sendable {
  /// The file.
  let file: FileBytes
  /// The offset of address 0 in the file, after the user block.
  private(set) var base = 0
  /// The number of bytes of an address and of a length.
  private(set) var offsetSize = 8, lengthSize = 8
  /// The address of the root group's header.
  private(set) var root = 0

  private static let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]

  /// The offset of the signature: 0, or the size of the user block, 512 bytes times a power of two.
  static func signatureOffset(in file: FileBytes) -> Int? {
    var offset = 0
    while file.contains(offset, signature.count) {
      if file.bytes(at: offset, signature.count) == signature { return offset }
      offset = max(512, 2 * offset)
    }
    return nil
  }

  /// Reads the superblock, of any version from 0 to 3.
  init(_ file: FileBytes) throws {
    self.file = file
    guard let start = Self.signatureOffset(in: file) else {
      throw StructuredError("this is not an HDF5 file", at: file.path, expected: "the HDF5 signature at its beginning")
    }
    let end = try locatingProblems(at: file.path) { try readSuperblock(at: start) }
    guard end <= file.count else {
      throw StructuredError(
        "the file is truncated: it has \(file.count) bytes", at: file.path, expected: "\(end)",
        action: "Copy or download the file again.")
    }
  }

  /// Reads the superblock and returns the end of the file that it declares, relative to address 0.
  private mutating func readSuperblock(at start: Int) throws -> Int {
    let available = min(256, file.count - start)
    guard let bytes = file.bytes(at: start, available), available >= 24 else {
      throw HDF5Problem.damaged("the superblock is truncated")
    }
    let version = Int(bytes[8])
    guard (0...3).contains(version) else {
      throw HDF5Problem.unsupported(
        "the file has a superblock of version \(version)",
        action: "Rewrite the file with \"h5repack --high=1 IN OUT\", or save its arrays again with h5py.")
    }
    (offsetSize, lengthSize) = version < 2 ? (Int(bytes[13]), Int(bytes[14])) : (Int(bytes[9]), Int(bytes[10]))
    guard [2, 4, 8].contains(offsetSize), [2, 4, 8].contains(lengthSize) else {
      throw HDF5Problem.damaged("the superblock has addresses of \(offsetSize) and lengths of \(lengthSize) bytes")
    }
    var fields = HDF5Fields(bytes[...], "the superblock", offsetSize: offsetSize, lengthSize: lengthSize)
    let end: Int
    if version < 2 {
      try fields.skip(version == 0 ? 24 : 28)
      // The base address and the address of free-space information.
      try fields.skip(2 * offsetSize)
      end = try fields.requiredAddress()
      guard try fields.address() == nil else {
        throw HDF5Problem.unsupported("the file is split over several files", action: HDF5Problem.repack)
      }
      _ = try fields.address()
      root = try fields.requiredAddress()
    } else {
      try fields.skip(12)
      // The base address and the address of the superblock extension.
      try fields.skip(2 * offsetSize)
      end = try fields.requiredAddress()
      root = try fields.requiredAddress()
      let length = 12 + 4 * offsetSize
      guard try fields.bits(4) == UInt64(Checksum.lookup3(bytes[..<length])) else {
        throw HDF5Problem.damaged("the superblock's checksum does not match")
      }
    }
    // The stored base address is wrong if the user block was added or removed afterwards.
    base = start
    return end
  }

  /// A new budget for reading the blocks of one object.
  func readBudget() -> HDF5ReadBudget { HDF5ReadBudget(self) }
}

/// Reads the blocks of one object within a budget of bytes.
///
/// The blocks of a valid file do not overlap, so those of an object together are no longer than the file. If more is
/// read, the file's addresses form a cycle, and reading fails: every loop over blocks terminates, and its memory is
/// bounded.
final class HDF5ReadBudget {
  let source: HDF5Source
  private var left: Int

  init(_ source: HDF5Source) {
    self.source = source
    // Twice the file, because some blocks are read twice: their beginning contains their length.
    left = 2 * source.file.count + 65_536
  }

  /// The block of `count` bytes at an address.
  func block(at address: Int, _ count: Int, _ what: String) throws -> HDF5Fields {
    guard address <= HDF5Fields.largest, count <= left, let bytes = source.file.bytes(at: source.base + address, count)
    else {
      let isCycle = source.file.contains(source.base + address, count)
      throw HDF5Problem.damaged("\(what) \(isCycle ? "contains a cycle" : "lies beyond the end of the file")")
    }
    // Empty blocks count too, so that cycles of them end.
    left -= count + 1
    return HDF5Fields(bytes[...], what, offsetSize: source.offsetSize, lengthSize: source.lengthSize)
  }

  /// The block of `count` bytes at an address, the last four of which are the checksum of the others.
  func checkedBlock(at address: Int, _ count: Int, _ what: String) throws -> HDF5Fields {
    guard count >= 4 else { throw HDF5Problem.damaged("\(what) is damaged") }
    let whole = try block(at: address, count, what)
    return try Self.verified(whole)
  }

  /// Verifies the checksum in the last four bytes of a block and returns the rest of the block.
  static func verified(_ whole: HDF5Fields) throws -> HDF5Fields {
    var rest = whole
    let content = try rest.fields(max(0, whole.count - 4))
    guard try rest.bits(4) == UInt64(Checksum.lookup3(content.bytes)) else {
      throw whole.damaged("is damaged: its checksum does not match")
    }
    return content
  }
}
