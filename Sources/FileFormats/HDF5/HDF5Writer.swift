import CHDF5
import Foundation
import TensorCore

/// Writes an HDF5 file.
///
/// The file is built in memory and written atomically by ``save(to:overwrite:)``, so that a full disk or a kill never
/// leaves an incomplete file, nor the HDF5 library with a file that it cannot close.
public final class HDF5Writer {
  /// The storage layout of an array.
  public enum Layout: Sendable, Equatable {
    /// In one block, without filters.
    case contiguous
    /// In chunks, deflated at a level (0–9). `chunks` has the array's rank; its extents are limited to the array's.
    case deflated(chunks: [Int], level: Int)
  }

  static let place = "new HDF5 file"

  let id: hid_t
  private let links: hid_t

  /// Makes an empty file.
  ///
  /// - Throws: `StructuredError` if there is not enough memory.
  public init() throws {
    (id, links) = try HDF5Library.calling {
      guard let access = HDF5Identifier(H5Pcreate(chdf5_file_access()), closedBy: H5Pclose),
        // In memory only, in increments of 4 MiB.
        H5Pset_fapl_core(access.id, 1 << 22, false) >= 0, chdf5_use_first_version(access.id) >= 0
      else { throw HDF5Library.error("cannot prepare an HDF5 file", Self.place, nil) }
      // The library identifies files in memory by their names.
      let id = H5Fcreate(
        UUID().uuidString, chdf5_truncate(), chdf5_default_properties(), access.id)
      guard id >= 0 else { throw HDF5Library.error("cannot create an HDF5 file", Self.place, nil) }
      let links = H5Pcreate(chdf5_link_creation())
      H5Pset_create_intermediate_group(links, 1)
      return (id, links)
    }
  }

  deinit {
    HDF5Library.calling {
      _ = H5Pclose(links)
      _ = H5Fclose(id)
    }
  }

  /// Writes an array; missing groups on its path are created.
  ///
  /// - Precondition: the number of values is that of the shape.
  /// - Throws: `StructuredError` if the name exists or there is not enough memory.
  public func write<Element: ArrayElement>(
    _ name: String, _ values: [Element], shape: [Int], layout: Layout = .contiguous
  ) throws {
    precondition(values.count == shape.reduce(1, *), "array \(name): \(values.count) values for shape \(shape)")
    try create(name, Element.self, shape: shape, layout: layout)
    guard !values.isEmpty else { return }
    try HDF5Library.calling {
      guard let dataset = HDF5Identifier(H5Dopen2(id, name, chdf5_default_properties()), closedBy: H5Dclose),
        values.withUnsafeBytes({
          H5Dwrite(
            dataset.id, Element.elementType.hdf5, chdf5_whole_space(), chdf5_whole_space(), chdf5_default_properties(),
            $0.baseAddress)
        }) >= 0
      else { throw HDF5Library.error("cannot write the array", Self.place, name) }
    }
  }

  /// Creates an array whose chunks are written by ``writeRawChunk(_:_:at:)``; the elements of other chunks are 0.
  public func create<Element: ArrayElement>(
    _ name: String, _ type: Element.Type, shape: [Int], layout: Layout
  ) throws {
    try create(name, Element.elementType.hdf5, shape: shape, layout: layout)
  }

  /// Writes an array of texts, `[K]`, as UTF-8 of fixed length, padded with zeros.
  public func write(_ name: String, texts: [String]) throws {
    let length = max(1, texts.map(\.utf8.count).max() ?? 1)
    let bytes = texts.flatMap { Array($0.utf8) + [UInt8](repeating: 0, count: length - $0.utf8.count) }
    let type = try HDF5Library.calling { () throws -> hid_t in
      let type = H5Tcopy(chdf5_c_string())
      guard type >= 0, H5Tset_size(type, length) >= 0, H5Tset_cset(type, H5T_CSET_UTF8) >= 0,
        H5Tset_strpad(type, H5T_STR_NULLPAD) >= 0
      else { throw HDF5Library.error("cannot prepare the array", Self.place, name) }
      return type
    }
    defer { HDF5Library.calling { _ = H5Tclose(type) } }
    try create(name, type, shape: [texts.count], layout: .contiguous)
    guard !texts.isEmpty else { return }
    try HDF5Library.calling {
      guard let dataset = HDF5Identifier(H5Dopen2(id, name, chdf5_default_properties()), closedBy: H5Dclose),
        H5Dwrite(dataset.id, type, chdf5_whole_space(), chdf5_whole_space(), chdf5_default_properties(), bytes) >= 0
      else { throw HDF5Library.error("cannot write the array", Self.place, name) }
    }
  }

  func create(_ name: String, _ type: hid_t, shape: [Int], layout: Layout) throws {
    try HDF5Library.calling {
      var extents = shape.map { hsize_t($0) }
      guard let creation = HDF5Identifier(H5Pcreate(chdf5_dataset_creation()), closedBy: H5Pclose),
        let space = HDF5Identifier(H5Screate_simple(Int32(shape.count), &extents, nil), closedBy: H5Sclose)
      else { throw HDF5Library.error("cannot prepare the array", Self.place, name) }
      // No creation times, so that equal contents give equal files.
      H5Pset_obj_track_times(creation.id, false)
      if case .deflated(let chunks, let level) = layout, !shape.contains(0) {
        var chunk = zip(chunks, shape).map { hsize_t(min($0, $1)) }
        guard chunks.count == shape.count, H5Pset_chunk(creation.id, Int32(chunk.count), &chunk) >= 0,
          H5Pset_deflate(creation.id, UInt32(level)) >= 0
        else { throw HDF5Library.error("the array cannot have chunks of \(chunks)", Self.place, name) }
      }
      let dataset = H5Dcreate2(
        id, name, type, space.id, links, creation.id, chdf5_default_properties())
      guard dataset >= 0 else { throw HDF5Library.error("cannot create the array", Self.place, name) }
      _ = H5Dclose(dataset)
    }
  }

  /// Writes one chunk that is already deflated.
  ///
  /// - Parameters:
  ///   - name: an array with the layout `deflated`.
  ///   - stream: the elements of the whole chunk as a zlib stream.
  ///   - offset: the index of the chunk's first element.
  public func writeRawChunk(_ name: String, _ stream: [UInt8], at offset: [Int]) throws {
    try HDF5Library.calling {
      let position = offset.map { hsize_t($0) }
      guard let dataset = HDF5Identifier(H5Dopen2(id, name, chdf5_default_properties()), closedBy: H5Dclose),
        H5Dwrite_chunk(dataset.id, chdf5_default_properties(), 0, position, stream.count, stream) >= 0
      else { throw HDF5Library.error("cannot write the chunk at \(offset)", Self.place, name) }
    }
  }

  /// Sets an attribute of an array or group to a text.
  public func setAttribute(_ name: String, _ text: String, of object: String = "/") throws {
    try setAttribute(name, of: object, texts: [text], space: { H5Screate(H5S_SCALAR) })
  }

  /// Sets an attribute of an array or group to texts, `[K]`.
  public func setAttribute(_ name: String, _ texts: [String], of object: String = "/") throws {
    var extent = hsize_t(texts.count)
    try setAttribute(name, of: object, texts: texts, space: { H5Screate_simple(1, &extent, nil) })
  }

  /// Sets an attribute of an array or group to numbers, `[K]`.
  public func setAttribute<Element: ArrayElement>(_ name: String, _ values: [Element], of object: String = "/") throws {
    try HDF5Library.calling {
      var extent = hsize_t(values.count)
      guard let space = HDF5Identifier(H5Screate_simple(1, &extent, nil), closedBy: H5Sclose),
        let attribute = openAttribute(name, of: object, type: Element.elementType.hdf5, space: space.id),
        values.withUnsafeBytes({ H5Awrite(attribute.id, Element.elementType.hdf5, $0.baseAddress) }) >= 0
      else { throw HDF5Library.error("cannot write the attribute \"\(name)\"", Self.place, object) }
    }
  }

  /// The bytes of the file so far.
  public func bytes() throws -> Data {
    try HDF5Library.calling {
      guard H5Fflush(id, H5F_SCOPE_GLOBAL) >= 0 else {
        throw HDF5Library.error("cannot finish the file", Self.place, nil)
      }
      let size = H5Fget_file_image(id, nil, 0)
      guard size > 0 else { throw HDF5Library.error("cannot finish the file", Self.place, nil) }
      var image = Data(count: size)
      let written = image.withUnsafeMutableBytes { H5Fget_file_image(id, $0.baseAddress, size) }
      guard written == size else { throw HDF5Library.error("cannot finish the file", Self.place, nil) }
      return image
    }
  }

  /// Writes the file atomically (``AtomicFile``).
  ///
  /// - Throws: `StructuredError` as ``AtomicFile/write(to:overwrite:_:)``.
  public func save(to path: String, overwrite: Bool = true) throws {
    try AtomicFile.write(try bytes(), to: path, overwrite: overwrite)
  }

  private func openAttribute(_ name: String, of object: String, type: hid_t, space: hid_t) -> HDF5Identifier? {
    HDF5Identifier(
      H5Acreate_by_name(
        id, object, name, type, space, chdf5_default_properties(), chdf5_default_properties(),
        chdf5_default_properties()),
      closedBy: H5Aclose)
  }

  private func setAttribute(_ name: String, of object: String, texts: [String], space: () -> hid_t) throws {
    try HDF5Library.calling {
      // Variable-length UTF-8, which h5py reads as str.
      guard let type = HDF5Identifier(H5Tcopy(chdf5_c_string()), closedBy: H5Tclose),
        H5Tset_size(type.id, chdf5_variable_length()) >= 0, H5Tset_cset(type.id, H5T_CSET_UTF8) >= 0,
        let space = HDF5Identifier(space(), closedBy: H5Sclose),
        let attribute = openAttribute(name, of: object, type: type.id, space: space.id)
      else { throw HDF5Library.error("cannot write the attribute \"\(name)\"", Self.place, object) }
      let copies = texts.map { strdup($0) }
      defer { for copy in copies { free(copy) } }
      guard H5Awrite(attribute.id, type.id, copies) >= 0 else {
        throw HDF5Library.error("cannot write the attribute \"\(name)\"", Self.place, object)
      }
    }
  }
}

extension ArrayElementType {
  /// The library's identifier of the native type of an ``ArrayElement``; it is never closed.
  var hdf5: hid_t {
    switch self {
    case .floatingPoint(bits: 32): chdf5_float32()
    case .floatingPoint: chdf5_float64()
    case .integer(bits: 8, _), .boolean: chdf5_uint8()
    case .integer, .string, .other: chdf5_int64()
    }
  }
}
