import FileFormats

/// A NumPy array file made by hand, so that it can be wrong.
public struct NPYSample {
  /// The Python dictionary.
  public var header: String
  /// The elements.
  public var data: [UInt8]

  /// An array of these floats; `shape` is Python text.
  public init(values: [Float], shape: String) {
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': \(shape), }"
    data = values.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) } }
  }

  /// An array of any header and bytes.
  public init(header: String, data: [UInt8]) { (self.header, self.data) = (header, data) }

  /// The file, version 1, its header padded to 128 bytes.
  public var bytes: [UInt8] {
    let padded = header + String(repeating: " ", count: max(0, 117 - header.utf8.count)) + "\n"
    let length = padded.utf8.count
    return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(length & 255), UInt8(length >> 8)] + Array(padded.utf8) + data
  }
}

/// A zip archive made by hand, so that it can be wrong.
public struct ZipSample {
  /// The files in it.
  public var entries: [(name: String, data: [UInt8])]
  /// Whether the entries are deflated.
  public var isDeflated = false
  /// The size that the directory declares for every entry; its real size where nil.
  public var declaredSize: UInt32?

  /// Puts files together.
  public init(entries: [(name: String, data: [UInt8])], isDeflated: Bool = false) {
    (self.entries, self.isDeflated) = (entries, isDeflated)
  }

  /// A zlib stream without its header and checksum.
  private static func deflated(_ data: [UInt8]) -> [UInt8] {
    guard let encoder = ZlibEncoder(level: 6) else { return [] }
    return Array(data.withUnsafeBytes { encoder.encode($0) }.dropFirst(2).dropLast(4))
  }

  /// The archive.
  public var bytes: [UInt8] {
    func little(_ number: Int, _ size: Int) -> [UInt8] { (0..<size).map { UInt8(number >> (8 * $0) & 255) } }
    var file: [UInt8] = [], directory: [UInt8] = []
    for (name, data) in entries {
      let crc = little(Int(Checksum.crc32(data)), 4), content = isDeflated ? Self.deflated(data) : data
      let size = little(Int(declaredSize ?? UInt32(data.count)), 4), stored = little(content.count, 4)
      let common = little(20, 2) + little(0, 2) + little(isDeflated ? 8 : 0, 2) + little(0, 4) + crc + stored + size
      let offset = file.count
      file += [80, 75, 3, 4] + common + little(name.utf8.count, 2) + little(0, 2) + Array(name.utf8) + content
      directory += [80, 75, 1, 2] + little(20, 2) + common + little(name.utf8.count, 2) + little(0, 12)
      directory += little(offset, 4) + Array(name.utf8)
    }
    let end = little(0, 4) + little(entries.count, 2) + little(entries.count, 2) + little(directory.count, 4)
    return file + directory + [80, 75, 5, 6] + end + little(file.count, 4) + little(0, 2)
  }
}
