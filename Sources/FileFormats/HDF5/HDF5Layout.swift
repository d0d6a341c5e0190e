import CHDF5
import Diagnostics

extension ArrayFileLayout {
  /// An HDF5 file: the library writes all metadata in memory; the numbers are placed after it.
  init(hdf5 contents: ArrayFileContents) throws {
    let file = try HDF5Writer()
    for plan in contents.arrays { try file.create(plan.name, plan.type.hdf5, shape: plan.shape, layout: .contiguous) }
    for (name, values) in contents.texts { try file.write(name, texts: values) }
    for (name, value) in contents.attributes {
      switch value {
      case .text(let text): try file.setAttribute(name, text)
      case .texts(let texts): try file.setAttribute(name, texts)
      case .number(let number): try file.setAttribute(name, [number])
      }
    }
    let (image, offsets) = try file.image(followedBy: contents.arrays.map { ($0.name, $0.byteCount) })
    self.init(
      pieces: [Piece(offset: 0, bytes: image)], slots: offsets.map { Slot(offset: $0) }, ending: { _ in [] })
  }
}

extension HDF5Writer {
  /// The bytes of the file so far, and offsets after them for the numbers of arrays without storage.
  ///
  /// The library allocates an array's storage when its first number is written. Here the offset is written to the
  /// array's header instead, and the new end of the file to the superblock. Both have the first version of their
  /// format, which has no checksum (HDF5 File Format Specification 3.0, II.A and IV.A.2.i).
  ///
  /// - Parameter arrays: the names and sizes of arrays with the layout `contiguous` that have not been written.
  /// - Throws: `StructuredError` if there is not enough memory, or the library used other versions.
  func image(followedBy arrays: [(name: String, byteCount: Int)]) throws -> (bytes: [UInt8], offsets: [Int]) {
    var image = [UInt8](try bytes())
    func number(_ offset: Int, _ size: Int) -> Int {
      image[offset..<offset + size].reversed().reduce(0) { $0 << 8 | Int($1) }
    }
    func put(_ value: Int, at offset: Int) {
      for byte in 0..<8 { image[offset + byte] = UInt8(truncatingIfNeeded: value >> (8 * byte)) }
    }
    var end = image.count, offsets: [Int] = []
    for (name, byteCount) in arrays {
      // Numbers are aligned to eight bytes.
      let offset = (end + 7) / 8 * 8
      offsets.append(offset)
      guard byteCount > 0 else { continue }
      end = offset + byteCount
      let header = HDF5Library.calling { Int(chdf5_header_address(id, name)) }
      guard let address = Self.addressField(header, in: image.count, number) else {
        throw StructuredError("the array's header has an unexpected layout", at: "\(Self.place), array \"\(name)\"")
      }
      put(offset, at: address)
    }
    // A superblock of version 0 with addresses of eight bytes.
    guard image.count > 48, image[8] == 0, image[13] == 8, number(40, 8) == image.count else {
      throw StructuredError("the superblock has an unexpected layout", at: Self.place)
    }
    put(end, at: 40)
    return (image, offsets)
  }

  /// The offset of the address of the numbers in an array's header: in the message of type 8, "data layout", version 3,
  /// class 1, "contiguous".
  private static func addressField(
    _ header: Int, in count: Int, _ number: (_ offset: Int, _ size: Int) -> Int
  ) -> Int? {
    guard header > 0, header + 16 <= count, number(header, 1) == 1 else { return nil }
    let end = header + 16 + number(header + 8, 4)
    var message = header + 16
    while end <= count, message + 8 <= end {
      let size = number(message + 2, 2)
      if number(message, 2) == 8 {
        return size >= 18 && number(message + 8, 1) == 3 && number(message + 9, 1) == 1 ? message + 10 : nil
      }
      message += 8 + size
    }
    return nil
  }
}
