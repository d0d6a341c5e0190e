import CHDF5
import Foundation
import TensorCore

/// An HDF5 file opened for reading.
///
/// Calls from several threads are safe and run one after the other. Every error names the file and the array and gives
/// the library's reason; nothing is printed.
public final class HDF5File: ArrayFile {
  /// The file's path, as given.
  public let path: String
  let id: hid_t

  /// Opens a file.
  ///
  /// - Throws: ``StructuredError`` when there is no such file, it is a directory or unreadable, is not HDF5, or is
  ///   truncated.
  public init(reading path: String) throws {
    try FileProbe.requireReadableFile(path)
    self.path = path
    id = try HDF5Library.calling {
      guard let access = HDF5Identifier(H5Pcreate(chdf5_file_access()), closedBy: H5Pclose) else {
        throw Self.error("cannot prepare to open the file", path, nil)
      }
      // Reading needs no lock on the file, and some shared file systems have none to give.
      H5Pset_file_locking(access.id, false, true)
      let id = H5Fopen(path, chdf5_read_only(), access.id)
      guard id >= 0 else {
        let reason = HDF5Library.reason() ?? "unknown reason"
        if reason.contains("signature") {
          throw StructuredError("this is not an HDF5 file", at: path, expected: "the HDF5 signature at its beginning")
        }
        throw StructuredError(
          reason.contains("truncated") ? "the file is truncated: \(reason)" : "cannot open the HDF5 file: \(reason)",
          at: path, action: "Copy or download the file again.")
      }
      return id
    }
  }

  deinit { HDF5Library.calling { _ = H5Fclose(id) } }

  /// The names of what a group holds, sorted; empty for a group that is not there.
  public func names(in group: String = "/") throws -> [String] {
    try HDF5Library.calling { try lockedNames(in: group) }
  }

  /// The paths of all arrays in the file, sorted, without a leading slash.
  public func arrayPaths() throws -> [String] {
    try HDF5Library.calling {
      var found: [String] = []
      // Hard links can make cycles; no sensible file nests deeper than this.
      func visit(_ group: String, depth: Int) throws {
        for name in try lockedNames(in: group.isEmpty ? "/" : group) {
          let path = group.isEmpty ? name : "\(group)/\(name)"
          guard let object = HDF5Identifier(H5Oopen(id, path, chdf5_default_properties()), closedBy: H5Oclose) else {
            continue
          }
          switch H5Iget_type(object.id) {
          case H5I_DATASET: found.append(path)
          case H5I_GROUP where depth < 32 && found.count < 100_000: try visit(path, depth: depth + 1)
          default: break
          }
        }
      }
      try visit("", depth: 0)
      return found
    }
  }

  /// Whether there is an array at a path.
  public func hasArray(_ name: String) -> Bool {
    HDF5Library.calling {
      guard let object = HDF5Identifier(H5Oopen(id, name, chdf5_default_properties()), closedBy: H5Oclose) else {
        return false
      }
      return H5Iget_type(object.id) == H5I_DATASET
    }
  }

  /// Describes an array.
  ///
  /// - Throws: ``StructuredError`` when there is no such array; it lists those that there are.
  public func information(_ name: String) throws -> ArrayInformation {
    let found = try HDF5Library.calling { () throws -> ArrayInformation? in
      guard let dataset = HDF5Identifier(H5Dopen2(id, name, chdf5_default_properties()), closedBy: H5Dclose) else {
        return nil
      }
      guard let about = Self.lockedInformation(dataset.id) else {
        throw StructuredError("the description of the array is damaged", at: location(name))
      }
      return about
    }
    guard let found else { throw missing(name) }
    try requirePlausible(found, name)
    return found
  }

  /// An error about the file or one of its arrays, with the library's reason. Under the library's lock.
  static func error(_ what: String, _ path: String, _ array: String?, expected: String? = nil) -> StructuredError {
    let reason = HDF5Library.reason().map { ": \($0)" } ?? ""
    return StructuredError(
      what + reason, at: array.map { "\(path), array \"\($0)\"" } ?? path, expected: expected)
  }

  private func lockedNames(in group: String) throws -> [String] {
    guard let opened = HDF5Identifier(H5Gopen2(id, group, chdf5_default_properties()), closedBy: H5Gclose) else {
      return []
    }
    var summary = H5G_info_t()
    guard H5Gget_info(opened.id, &summary) >= 0 else { throw Self.error("cannot list the group", path, group) }
    var names: [String] = []
    for index in 0..<summary.nlinks {
      let length = H5Lget_name_by_idx(
        opened.id, ".", H5_INDEX_NAME, H5_ITER_INC, index, nil, 0, chdf5_default_properties())
      guard length >= 0, length < 65_536 else { throw Self.error("cannot list the group", path, group) }
      var bytes = [CChar](repeating: 0, count: length + 1)
      let read = H5Lget_name_by_idx(
        opened.id, ".", H5_INDEX_NAME, H5_ITER_INC, index, &bytes, length + 1, chdf5_default_properties())
      guard read >= 0 else { throw Self.error("cannot list the group", path, group) }
      names.append(String(decoding: bytes.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self))
    }
    return names.sorted()
  }

  /// Describes an open array; nil when the description contradicts itself, which the library does not always notice
  /// before it trusts it. Under the library's lock.
  static func lockedInformation(_ dataset: hid_t) -> ArrayInformation? {
    guard let space = HDF5Identifier(H5Dget_space(dataset), closedBy: H5Sclose),
      let type = HDF5Identifier(H5Dget_type(dataset), closedBy: H5Tclose),
      let creation = HDF5Identifier(H5Dget_create_plist(dataset), closedBy: H5Pclose)
    else { return nil }
    let rank = H5Sget_simple_extent_ndims(space.id)
    guard rank >= 0, rank <= 32 else { return nil }
    var extents = [hsize_t](repeating: 0, count: Int(rank)), largest = extents
    if rank > 0, H5Sget_simple_extent_dims(space.id, &extents, &largest) < 0 { return nil }
    if zip(extents, largest).contains(where: { $0 > $1 }) { return nil }
    var count = 1
    for extent in extents {
      let (product, overflow) = count.multipliedReportingOverflow(by: max(1, Int(clamping: extent)))
      if overflow || product > Int.max / 16 { return nil }
      count = product
    }
    var chunks: [Int]?
    if H5Pget_layout(creation.id) == H5D_CHUNKED {
      var chunk = [hsize_t](repeating: 0, count: Int(rank))
      guard H5Pget_chunk(creation.id, rank, &chunk) == rank, !zip(chunk, largest).contains(where: { $0 > $1 }) else {
        return nil
      }
      chunks = chunk.map { Int(clamping: $0) }
    }
    var filters: [String] = []
    for index in 0..<max(0, H5Pget_nfilters(creation.id)) {
      var flags: UInt32 = 0, valueCount = 0, configuration: UInt32 = 0
      let filter = H5Pget_filter2(creation.id, UInt32(index), &flags, &valueCount, nil, 0, nil, &configuration)
      filters.append(filter == H5Z_FILTER_DEFLATE ? "deflate" : filter == H5Z_FILTER_SHUFFLE ? "shuffle" : "#\(filter)")
    }
    let shape = H5Sget_simple_extent_type(space.id) == H5S_NULL ? [0] : extents.map { Int($0) }
    return ArrayInformation(
      shape: shape, type: ArrayElementType(hdf5: type.id), chunkShape: chunks,
      storedBytes: Int(clamping: H5Dget_storage_size(dataset)), filters: filters)
  }
}
