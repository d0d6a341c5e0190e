import Diagnostics

/// Writes a file of arrays row by row, so that only the rows being written are in memory.
///
/// The numbers of an array lie in one piece, neither compressed nor chunked, at a place that is known before the first
/// of them. The same contents give the same bytes.
public final class ArrayFileWriter {
  /// A file format.
  public enum Format: Sendable {
    /// HDF5, for names ending in `.h5` or `.hdf5`.
    case hdf5
    /// A zip archive of NumPy arrays, for names ending in `.npz`.
    case npz

    /// What a file of this format is.
    public var kind: FileKind { self == .hdf5 ? .hdf5 : .zip }

    /// The format of a file name's extension; nil if it has none of these.
    public init?(path: String) {
      let path = path.lowercased()
      if path.hasSuffix(".h5") || path.hasSuffix(".hdf5") {
        self = .hdf5
      } else if path.hasSuffix(".npz") {
        self = .npz
      } else {
        return nil
      }
    }
  }

  /// The place of an array in the file, and how much of it is written.
  private struct Place {
    let type: ArrayElementType
    let end: Int
    var next: Int
    var checksum: UInt32
  }

  private let output: AtomicFile.Output
  private var places: [String: Place] = [:]

  private init(_ output: AtomicFile.Output) { self.output = output }

  /// Writes a file atomically (``AtomicFile``).
  ///
  /// - Parameters:
  ///   - path: the file; its extension determines the format, ``Format/init(path:)``.
  ///   - contents: the contents of the file.
  ///   - overwrite: whether an existing file is replaced.
  ///   - body: appends the rows of every array; the arrays may come in any order.
  /// - Precondition: the body fills every array.
  /// - Throws: `StructuredError` if the name has no known extension, or as ``AtomicFile/write(to:overwrite:_:)``; and
  ///   any error of `body`.
  public static func write(
    _ contents: ArrayFileContents, to path: String, overwrite: Bool = true,
    _ body: (_ file: ArrayFileWriter) throws -> Void
  ) throws {
    try write(contents, to: path, overwrite: overwrite, zip64From: 0xffff_ffff, body)
  }

  /// The same, with the size from which on a zip archive uses zip64 fields.
  package static func write(
    _ contents: ArrayFileContents, to path: String, overwrite: Bool = true, zip64From limit: Int,
    _ body: (_ file: ArrayFileWriter) throws -> Void
  ) throws {
    let layout: ArrayFileLayout
    switch Format(path: path) {
    case .hdf5: layout = try ArrayFileLayout(hdf5: contents)
    case .npz: layout = ArrayFileLayout(npz: contents, zip64From: limit)
    case nil:
      throw StructuredError(
        "the name does not tell the format of the file", at: path, expected: "a name that ends in .h5 or .npz")
    }
    try AtomicFile.write(to: path, overwrite: overwrite) { output in
      func put(_ piece: ArrayFileLayout.Piece) throws {
        try piece.bytes.withUnsafeBytes { try output.write($0, at: piece.offset) }
      }
      for piece in layout.pieces { try put(piece) }
      let file = ArrayFileWriter(output)
      for (plan, slot) in zip(contents.arrays, layout.slots) {
        file.places[plan.name] = Place(
          type: plan.type, end: slot.offset + plan.byteCount, next: slot.offset, checksum: slot.checksum)
      }
      try body(file)
      let checksums = contents.arrays.map { plan in
        let place = file.places[plan.name]
        precondition(place?.next == place?.end, "the array \(plan.name) is not filled")
        return place?.checksum ?? 0
      }
      for piece in layout.ending(checksums) { try put(piece) }
    }
  }

  /// Appends elements to an array, the last index changing fastest.
  ///
  /// - Precondition: there is such an array of this type, with room for them.
  /// - Throws: `StructuredError` with the system's reason, such as a full disk.
  public func append<Element: ArrayElement>(_ elements: [Element], to name: String) throws {
    guard var place = places[name], place.type == Element.elementType else {
      preconditionFailure("there is no array \(name) of \(Element.elementType)")
    }
    try elements.withUnsafeBytes { bytes in
      precondition(place.next + bytes.count <= place.end, "the array \(name) is full")
      try output.write(bytes, at: place.next)
      place.next += bytes.count
      place.checksum = Checksum.crc32(bytes, continuing: place.checksum)
    }
    places[name] = place
  }
}

/// The bytes of a file of arrays without its numbers, and the places of the numbers.
struct ArrayFileLayout {
  /// Bytes and their offset in the file.
  struct Piece {
    var offset: Int
    var bytes: [UInt8]
  }

  /// The offset of an array's numbers, and the CRC-32 of the preceding bytes that share their checksum.
  struct Slot {
    var offset: Int
    var checksum: UInt32 = 0
  }

  /// The pieces that are written first.
  var pieces: [Piece]
  /// The places of the numbers, one for each array.
  var slots: [Slot]
  /// The pieces that depend on the checksums of the arrays, written last.
  var ending: (_ checksums: [UInt32]) -> [Piece]
}
