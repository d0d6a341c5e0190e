import FileFormats
import TensorCore

/// Changes sound files into hostile ones, in the ways in which files are damaged or forged.
///
/// The same stream gives the same file. Changes that a format's checksums would give away are, half of the time,
/// followed by making the checksums right again, so that what lies behind them is reached too.
public struct FileMutator: Sendable {
  /// The file that is changed.
  public let original: [UInt8]

  /// Blocks that end in a checksum of HDF5: where they begin, and where the checksum lies.
  private let checkedBlocks: [(start: Int, checksum: Int)]
  /// Where bytes are that are not zero: the fields rather than the room between them.
  private let places: [Int]
  /// Where structures begin: their signature, and what follows it.
  private let structures: [Int]
  /// Where numbers are in text, those of types included: in the headers of safetensors and of NumPy arrays.
  private let digits: [Int]
  /// The arrays of an NPZ file, so that an archive can be sound around a hostile array.
  private let arrays: [(name: String, file: FileMutator)]
  /// Makes the checksums of another format right again.
  private let repair: (@Sendable (inout [UInt8]) -> Void)?

  /// - Parameters:
  ///   - original: a sound file.
  ///   - arrays: for NPZ files, the array files in it.
  ///   - repair: makes the checksums of a changed file right, where they are not those of HDF5 or NPZ.
  public init(
    _ original: [UInt8], arrays: [(name: String, data: [UInt8])] = [],
    repair: (@Sendable (inout [UInt8]) -> Void)? = nil
  ) {
    self.original = original
    self.repair = repair
    self.arrays = arrays.map { ($0.name, FileMutator($0.data)) }
    places = original.indices.filter { original[$0] != 0 }
    structures = original.indices.dropLast(3).filter { Self.signatures.contains(Array(original[$0..<$0 + 4])) }
      .flatMap { Array($0..<min($0 + 64, original.count)) }
    let before = Set("FIUfiu,[( ".utf8)
    digits = original.indices.dropFirst().filter {
      (0x30...0x39).contains(original[$0]) && before.contains(original[$0 - 1])
    }
    checkedBlocks = Self.checkedBlocks(original)
  }

  /// What structures of HDF5 and zip archives begin with.
  private static let signatures: Set<[UInt8]> = Set(
    [
      "OHDR", "OCHK", "BTHD", "BTIN", "BTLF", "FRHP", "FHDB", "FHIB", "FAHD", "FADB", "EAHD", "EAIB", "EADB", "EASB",
      "TREE", "SNOD", "HEAP", "GCOL", "PK\u{1}\u{2}", "PK\u{3}\u{4}", "PK\u{5}\u{6}",
    ].map { Array($0.utf8) })

  /// Finds the blocks of HDF5 that carry checksums, by trying where the checksum could be.
  private static func checkedBlocks(_ bytes: [UInt8]) -> [(start: Int, checksum: Int)] {
    guard bytes.count > 16, bytes.starts(with: [0x89, 0x48, 0x44, 0x46]) else { return [] }
    var found: [(start: Int, checksum: Int)] = []
    for start in 0..<bytes.count - 8 where start == 0 || signatures.contains(Array(bytes[start..<start + 4])) {
      let end = (start + 8..<min(bytes.count - 3, start + 2048)).first { end in
        checksum(bytes, start, end).elementsEqual(bytes[end..<end + 4])
      }
      if let end { found.append((start, end)) }
    }
    return found
  }

  private static func checksum(_ bytes: [UInt8], _ start: Int, _ end: Int) -> [UInt8] {
    withUnsafeBytes(of: Checksum.lookup3(bytes[start..<end]).littleEndian) { Array($0) }
  }

  /// A changed file.
  public func mutated(_ random: inout RandomStream) -> [UInt8] {
    if !arrays.isEmpty, random.integer(below: 2) == 0 { return repackaged(&random) }
    var bytes = original
    for _ in 0..<[1, 1, 1, 2, 3, 8][random.integer(below: 6)] { change(&bytes, &random) }
    if bytes.count == original.count, random.integer(below: 4) > 0 {
      // From the last to the first, because blocks may lie in others.
      for (start, end) in checkedBlocks.reversed() {
        bytes.replaceSubrange(end..<end + 4, with: Self.checksum(bytes, start, end))
      }
    }
    if let repair, random.integer(below: 4) > 0 { repair(&bytes) }
    return bytes
  }

  /// A sound archive around arrays of which one is changed.
  private func repackaged(_ random: inout RandomStream) -> [UInt8] {
    var entries = arrays.map { (name: $0.name, data: $0.file.original) }
    let one = random.integer(below: arrays.count)
    entries[one].data = arrays[one].file.mutated(&random)
    return ZipSample(entries: entries, isDeflated: random.integer(below: 2) == 0).bytes
  }

  private func place(in bytes: [UInt8], _ random: inout RandomStream) -> Int {
    let kinds = [places, places, structures, structures, []]
    let known = kinds[random.integer(below: kinds.count)]
    let place = known.isEmpty ? bytes.count : known[random.integer(below: known.count)]
    return place < bytes.count ? place : random.integer(below: bytes.count)
  }

  private func range(in bytes: [UInt8], _ random: inout RandomStream) -> Range<Int> {
    let start = place(in: bytes, &random), length = 1 + random.integer(below: [8, 64, 512][random.integer(below: 3)])
    return start..<min(bytes.count, start + length)
  }

  private func change(_ bytes: inout [UInt8], _ random: inout RandomStream) {
    guard !bytes.isEmpty else { return }
    let at = place(in: bytes, &random)
    switch random.integer(below: 13) {
    case 0, 1: bytes[at] ^= 1 << UInt8(random.integer(below: 8))
    case 2: bytes[at] = [0, 1, 2, 0x7f, 0x80, 0xfe, 0xff][random.integer(below: 7)]
    case 3: bytes[at] = UInt8(random.integer(below: 256))
    case 4, 5, 6: changeNumber(&bytes, at, &random)
    case 7: bytes.removeLast(random.integer(below: bytes.count) + 1)
    case 8:
      let source = range(in: bytes, &random), count = min(source.count, bytes.count - at)
      bytes.replaceSubrange(at..<at + count, with: Array(bytes[source].prefix(count)))
    case 9: bytes.insert(contentsOf: Array(bytes[range(in: bytes, &random)]), at: at)
    case 10: bytes.removeSubrange(range(in: bytes, &random))
    case 11: for index in range(in: bytes, &random) { bytes[index] = random.integer(below: 2) == 0 ? 0 : 0xff }
    default: changeText(&bytes, &random)
    }
  }

  /// Sets a field of 1, 2, 4 or 8 bytes to a number at or beyond some limit.
  private func changeNumber(_ bytes: inout [UInt8], _ at: Int, _ random: inout RandomStream) {
    let size = [1, 2, 4, 8][random.integer(below: 4)]
    guard at + size <= bytes.count else { return }
    let old = (0..<size).reduce(UInt64(0)) { $0 | UInt64(bytes[at + $1]) << (8 * UInt64($1)) }
    let count = UInt64(bytes.count)
    let choices: [UInt64] = [
      0, 1, .max, 1 << 63, (1 << 63) - 1, 1 << 62, 1 << 61, 1 << 32, (1 << 32) - 1, 1 << 31, 0xffff, 0x8000, 0xff,
      count, count &- 1, count &+ 1, UInt64(random.integer(below: bytes.count)), old &+ 1, old &- 1, old &* 2,
      old &* 256, ~old, old &+ 8, old &- 8, random.next(),
    ]
    let new = choices[random.integer(below: choices.count)]
    for index in 0..<size { bytes[at + index] = UInt8(truncatingIfNeeded: new >> (8 * UInt64(index))) }
  }

  /// Replaces a number or word in text, with the length of safetensors' header set right.
  private func changeText(_ bytes: inout [UInt8], _ random: inout RandomStream) {
    guard !digits.isEmpty else { return }
    let at = digits[random.integer(below: digits.count)]
    guard at < bytes.count else { return }
    let end = bytes[at...].firstIndex { !(0x30...0x39).contains($0) } ?? bytes.count
    let texts = [
      "0", "-1", "1e400", "1.5", "18446744073709551616", "9223372036854775807", "4611686018427387904", "4294967296",
      "1000000007", "", "null", "\"a\"", "[", "]", "{", "}", "[[[[[[[[[[", ",", "(", ")", "True", "0x10", "٣", "\u{0}",
    ]
    let before = bytes.count
    bytes.replaceSubrange(at..<end, with: texts[random.integer(below: texts.count)].utf8)
    guard original.count > 9, original[8] == 0x7b, bytes.count >= 8, random.integer(below: 8) > 0 else { return }
    var length = (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[$1]) << (8 * UInt64($1)) }
    length = length &+ UInt64(bitPattern: Int64(bytes.count - before))
    for index in 0..<8 { bytes[index] = UInt8(truncatingIfNeeded: length >> (8 * UInt64(index))) }
  }
}
