import CHDF5
import TensorCore

extension HDF5File {
  /// Reads a whole array, converted to `Element`.
  ///
  /// - Throws: ``StructuredError`` when there is no such array, its type does not convert (see
  ///   ``ArrayElement/accepts(_:)``), or its data are damaged.
  public func read<Element: ArrayElement>(
    _ name: String, as type: Element.Type = Element.self
  ) throws -> (values: [Element], shape: [Int]) {
    let about = try information(name)
    var values = [Element](repeating: .zero, count: about.count)
    try values.withUnsafeMutableBufferPointer { buffer in
      try readAll(name, about, into: buffer)
    }
    return (values, about.shape)
  }

  /// Reads an array and checks its shape.
  public func read<Element: ArrayElement>(
    _ name: String, as type: Element.Type = Element.self, shape: [Int]
  ) throws -> [Element] {
    let about = try information(name)
    guard about.shape == shape else {
      throw StructuredError(
        "the array has shape \(about.shape)", at: "\(path), array \"\(name)\"", expected: "shape \(shape)")
    }
    return try read(name, as: type).values
  }

  /// Reads the rows `rows` of an array [N, …] into a buffer, converted to `Element`.
  ///
  /// - Precondition: the buffer holds `rows.count` rows and `rows` lies in `0..<N`.
  /// - Throws: as ``read(_:as:)``.
  public func readRows<Element: ArrayElement>(
    _ name: String, _ rows: Range<Int>, into buffer: UnsafeMutableBufferPointer<Element>
  ) throws {
    let about = try information(name)
    let rowSize = about.shape.dropFirst().reduce(1, *)
    precondition(!about.shape.isEmpty && rows.lowerBound >= 0 && rows.upperBound <= about.shape[0], "no such rows")
    precondition(buffer.count >= rows.count * rowSize, "the buffer is too small for the rows")
    if about.shape == [rows.count] + about.shape.dropFirst() { return try readAll(name, about, into: buffer) }
    try requireAccepted(Element.self, about.type, name)
    try HDF5Library.calling {
      var start = [hsize_t](repeating: 0, count: about.shape.count), extent = about.shape.map { hsize_t($0) }
      start[0] = hsize_t(rows.lowerBound)
      extent[0] = hsize_t(rows.count)
      guard let dataset = HDF5Identifier(H5Dopen2(id, name, chdf5_default_properties()), closedBy: H5Dclose),
        let space = HDF5Identifier(H5Dget_space(dataset.id), closedBy: H5Sclose),
        let memory = HDF5Identifier(H5Screate_simple(Int32(extent.count), &extent, nil), closedBy: H5Sclose),
        H5Sselect_hyperslab(space.id, H5S_SELECT_SET, &start, nil, &extent, nil) >= 0,
        H5Dread(
          dataset.id, Element.elementType.hdf5, memory.id, space.id, chdf5_default_properties(), buffer.baseAddress)
          >= 0
      else { throw Self.error("the data are damaged or truncated", path, name) }
    }
  }

  /// Hands out an array [N, …] in runs of rows, in order, converted to `Element`.
  ///
  /// Runs are as long as asked or, where that is longer, as the array's chunks, so that no chunk is inflated twice.
  public func forEachSlab<Element: ArrayElement>(
    of name: String, as type: Element.Type, rows: Int,
    _ body: (_ rows: Range<Int>, _ elements: UnsafeMutableBufferPointer<Element>) throws -> Void
  ) throws {
    let about = try information(name)
    precondition(!about.shape.isEmpty && rows > 0, "slabs are of an array with rows")
    try requireAccepted(Element.self, about.type, name)
    guard about.shape[0] > 0 else { return }
    let rowSize = about.shape.dropFirst().reduce(1, *), chunk = about.chunkShape?.first ?? 1
    let step = min(about.shape[0], (rows + chunk - 1) / chunk * chunk)
    let buffer = UnsafeMutableBufferPointer<Element>.allocate(capacity: step * rowSize)
    defer { buffer.deallocate() }
    for start in stride(from: 0, to: about.shape[0], by: step) {
      let range = start..<min(start + step, about.shape[0])
      let slab = UnsafeMutableBufferPointer(rebasing: buffer[..<(range.count * rowSize)])
      try readRows(name, range, into: slab)
      try body(range, slab)
    }
  }

  private func readAll<Element: ArrayElement>(
    _ name: String, _ about: ArrayInformation, into buffer: UnsafeMutableBufferPointer<Element>
  ) throws {
    try requireAccepted(Element.self, about.type, name)
    guard about.count > 0 else { return }
    try HDF5Library.calling {
      guard let dataset = HDF5Identifier(H5Dopen2(id, name, chdf5_default_properties()), closedBy: H5Dclose),
        H5Dread(
          dataset.id, Element.elementType.hdf5, chdf5_whole_space(), chdf5_whole_space(), chdf5_default_properties(),
          buffer.baseAddress) >= 0
      else { throw Self.error("the data are damaged or truncated", path, name) }
    }
  }
}

extension ArrayElementType {
  /// Reads the description of an HDF5 type. Under the library's lock.
  init(hdf5 type: hid_t) {
    let bits = H5Tget_size(type) * 8
    // Numbers that do not fill their bytes are rare, and damaged descriptions look like them.
    let isWhole = [8, 16, 32, 64].contains(bits) && H5Tget_precision(type) == bits && H5Tget_offset(type) == 0
    switch H5Tget_class(type) {
    case H5T_INTEGER where isWhole: self = .integer(bits: bits, signed: H5Tget_sign(type) == H5T_SGN_2)
    case H5T_FLOAT where isWhole && Self.fieldsFit(type, bits): self = .floatingPoint(bits: bits)
    case H5T_ENUM where bits == 8: self = .boolean
    case H5T_STRING: self = .string
    default: self = .other
    }
  }

  /// Whether sign, exponent and mantissa of a floating-point type lie inside of it.
  private static func fieldsFit(_ type: hid_t, _ bits: Int) -> Bool {
    var sign = 0, exponent = 0, exponentSize = 0, mantissa = 0, mantissaSize = 0
    return H5Tget_fields(type, &sign, &exponent, &exponentSize, &mantissa, &mantissaSize) >= 0 && sign < bits
      && exponent < bits && exponentSize <= bits - exponent && mantissa < bits && mantissaSize <= bits - mantissa
  }

  /// The library's identifier of the native form of one of the types of ``ArrayElement``; it is never closed.
  var hdf5: hid_t {
    switch self {
    case .floatingPoint(bits: 32): chdf5_float32()
    case .floatingPoint: chdf5_float64()
    case .integer(bits: 8, _), .boolean: chdf5_uint8()
    case .integer, .string, .other: chdf5_int64()
    }
  }
}
