/// Converts stored numbers to elements.
enum NumberDecoder {
  /// Whether the stored bytes are those of `Element`, so that no conversion is needed.
  static func isStored<Element: ArrayElement>(
    _ type: ArrayElementType, bigEndian: Bool, as element: Element.Type
  ) -> Bool {
    (type == Element.elementType || (type == .boolean && Element.self == UInt8.self)) && (!bigEndian || type.size == 1)
  }

  /// Converts as many numbers as `output` holds.
  static func decode<Element: ArrayElement>(
    _ bytes: UnsafeRawBufferPointer, _ type: ArrayElementType, bigEndian: Bool,
    into output: UnsafeMutableBufferPointer<Element>
  ) {
    func each<Stored: FixedWidthInteger & BitwiseCopyable>(_ type: Stored.Type, _ convert: (Stored) -> Element) {
      for index in output.indices {
        let raw = bytes.loadUnaligned(fromByteOffset: index * MemoryLayout<Stored>.size, as: type)
        output[index] = convert(bigEndian ? raw.byteSwapped : raw)
      }
    }
    switch type {
    case .boolean, .integer(bits: 8, signed: false): each(UInt8.self) { .converted(Int64($0)) }
    case .integer(bits: 8, _): each(Int8.self) { .converted(Int64($0)) }
    case .integer(bits: 16, signed: false): each(UInt16.self) { .converted(Int64($0)) }
    case .integer(bits: 16, _): each(Int16.self) { .converted(Int64($0)) }
    case .integer(bits: 32, signed: false): each(UInt32.self) { .converted(Int64($0)) }
    case .integer(bits: 32, _): each(Int32.self) { .converted(Int64($0)) }
    case .integer(_, signed: false): each(UInt64.self) { .converted(Double($0)) }
    case .integer: each(Int64.self) { .converted($0) }
    case .floatingPoint(bits: 16): each(UInt16.self) { .converted(Double(Float(binary16: $0))) }
    case .floatingPoint(bits: 32): each(UInt32.self) { .converted(Double(Float(bitPattern: $0))) }
    case .floatingPoint: each(UInt64.self) { .converted(Double(bitPattern: $0)) }
    case .string, .other: break
    }
  }
}
