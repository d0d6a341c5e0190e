import CHDF5
import TensorCore

extension HDF5File {
  /// The text or texts of an attribute, of fixed or variable length; nil where there is no such attribute of text.
  public func strings(ofAttribute name: String, of object: String) -> [String]? {
    HDF5Library.calling {
      withAttribute(name, of: object) { attribute, count in
        guard let type = HDF5Identifier(H5Aget_type(attribute), closedBy: H5Tclose),
          H5Tget_class(type.id) == H5T_STRING
        else { return nil }
        return H5Tis_variable_str(type.id) > 0
          ? Self.variableStrings(attribute, type: type.id, count: count)
          : Self.fixedStrings(attribute, type: type.id, count: count)
      }
    }
  }

  /// The text of an attribute that holds one.
  public func string(ofAttribute name: String, of object: String = "/") -> String? {
    strings(ofAttribute: name, of: object)?.first
  }

  /// The numbers of an attribute; nil where there is no such attribute of numbers.
  public func numbers(ofAttribute name: String, of object: String = "/") -> [Double]? {
    HDF5Library.calling {
      withAttribute(name, of: object) { attribute, count in
        guard let type = HDF5Identifier(H5Aget_type(attribute), closedBy: H5Tclose),
          ArrayElementType(hdf5: type.id).isNumeric
        else { return nil }
        var values = [Double](repeating: 0, count: count)
        return count == 0 || H5Aread(attribute, chdf5_float64(), &values) >= 0 ? values : nil
      }
    }
  }

  /// Opens an attribute and counts its elements. Under the library's lock.
  private func withAttribute<Result>(
    _ name: String, of object: String, _ body: (_ attribute: hid_t, _ count: Int) -> Result?
  ) -> Result? {
    guard
      let attribute = HDF5Identifier(
        H5Aopen_by_name(id, object, name, chdf5_default_properties(), chdf5_default_properties()), closedBy: H5Aclose),
      let space = HDF5Identifier(H5Aget_space(attribute.id), closedBy: H5Sclose)
    else { return nil }
    let count = Int(H5Sget_simple_extent_npoints(space.id))
    guard count >= 0, count <= 1 << 20 else { return nil }
    return body(attribute.id, count)
  }

  private static func variableStrings(_ attribute: hid_t, type: hid_t, count: Int) -> [String]? {
    guard let memory = HDF5Identifier(H5Tcopy(type), closedBy: H5Tclose) else { return nil }
    var pointers = [UnsafeMutablePointer<CChar>?](repeating: nil, count: count)
    guard count == 0 || H5Aread(attribute, memory.id, &pointers) >= 0 else { return nil }
    defer { for pointer in pointers { _ = H5free_memory(pointer) } }
    return pointers.map { $0.map { String(cString: $0) } ?? "" }
  }

  private static func fixedStrings(_ attribute: hid_t, type: hid_t, count: Int) -> [String]? {
    let size = H5Tget_size(type)
    let (bytes, overflow) = size.multipliedReportingOverflow(by: count)
    guard !overflow, bytes <= 1 << 24 else { return nil }
    var text = [UInt8](repeating: 0, count: bytes)
    guard count == 0 || H5Aread(attribute, type, &text) >= 0 else { return nil }
    return (0..<count).map { index in
      let one = text[index * size..<(index + 1) * size].prefix { $0 != 0 }
      let padded = H5Tget_strpad(type) == H5T_STR_SPACEPAD
      return String(decoding: padded ? one.reversed().drop { $0 == 32 }.reversed() : Array(one), as: UTF8.self)
    }
  }
}
