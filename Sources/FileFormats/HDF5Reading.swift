import CHDF5
import TensorCore

extension HDF5File {
  /// Reads a whole array, converted to `Element`.
  ///
  /// - Throws: ``StructuredError`` when there is no such array, its type does not convert (see
  ///   ``HDF5Element/accepts(_:)``), or its data are damaged.
  public func read<Element: HDF5Element>(
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
  public func read<Element: HDF5Element>(
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
  public func readRows<Element: HDF5Element>(
    _ name: String, _ rows: Range<Int>, into buffer: UnsafeMutableBufferPointer<Element>
  ) throws {
    let about = try information(name)
    let rowSize = about.shape.dropFirst().reduce(1, *)
    precondition(!about.shape.isEmpty && rows.lowerBound >= 0 && rows.upperBound <= about.shape[0], "rows out of range")
    precondition(buffer.count >= rows.count * rowSize, "the buffer is too small for the rows")
    if about.shape == [rows.count] + about.shape.dropFirst() { return try readAll(name, about, into: buffer) }
    try requireAccepted(Element.self, about, name)
    try HDF5Library.calling {
      var start = [hsize_t](repeating: 0, count: about.shape.count), extent = about.shape.map { hsize_t($0) }
      start[0] = hsize_t(rows.lowerBound)
      extent[0] = hsize_t(rows.count)
      guard let dataset = HDF5Identifier(H5Dopen2(id, name, chdf5_default_properties()), closedBy: H5Dclose),
        let space = HDF5Identifier(H5Dget_space(dataset.id), closedBy: H5Sclose),
        let memory = HDF5Identifier(H5Screate_simple(Int32(extent.count), &extent, nil), closedBy: H5Sclose),
        H5Sselect_hyperslab(space.id, H5S_SELECT_SET, &start, nil, &extent, nil) >= 0,
        H5Dread(dataset.id, Element.hdf5Type, memory.id, space.id, chdf5_default_properties(), buffer.baseAddress) >= 0
      else { throw Self.error("the data are damaged or truncated", path, name) }
    }
  }

  private func readAll<Element: HDF5Element>(
    _ name: String, _ about: ArrayInformation, into buffer: UnsafeMutableBufferPointer<Element>
  ) throws {
    try requireAccepted(Element.self, about, name)
    guard about.count > 0 else { return }
    try HDF5Library.calling {
      guard let dataset = HDF5Identifier(H5Dopen2(id, name, chdf5_default_properties()), closedBy: H5Dclose),
        H5Dread(
          dataset.id, Element.hdf5Type, chdf5_whole_space(), chdf5_whole_space(), chdf5_default_properties(),
          buffer.baseAddress) >= 0
      else { throw Self.error("the data are damaged or truncated", path, name) }
    }
  }

  private func requireAccepted<Element: HDF5Element>(
    _ type: Element.Type, _ about: ArrayInformation, _ name: String
  ) throws {
    guard Element.accepts(about.type) else {
      let expected =
        Element.self == Int.self ? "whole numbers" : Element.self == UInt8.self ? "uint8 or bool" : "numbers"
      throw StructuredError(
        "the array holds \(about.type)", at: "\(path), array \"\(name)\"", expected: expected)
    }
  }
}
