import CHDF5

/// A Swift type that HDF5 arrays are read into and written from.
public protocol HDF5Element: Sendable, BitwiseCopyable {
  /// What arrays of this type are filled with before reading.
  static var zero: Self { get }
  /// Whether arrays of a stored type convert to this one without loss of meaning: any number to floating point, whole
  /// numbers to whole numbers that are wide enough.
  static func accepts(_ stored: HDF5ElementType) -> Bool
  /// The library's identifier of this type; it is never closed.
  static var hdf5Type: Int64 { get }
}

extension Float: HDF5Element {
  /// Any number.
  public static func accepts(_ stored: HDF5ElementType) -> Bool { stored.isNumeric }
  /// The native 32-bit floating-point type.
  public static var hdf5Type: Int64 { chdf5_float32() }
}

extension Double: HDF5Element {
  /// Any number.
  public static func accepts(_ stored: HDF5ElementType) -> Bool { stored.isNumeric }
  /// The native 64-bit floating-point type.
  public static var hdf5Type: Int64 { chdf5_float64() }
}

extension Int: HDF5Element {
  /// Whole numbers; of unsigned ones up to 32 bits.
  public static func accepts(_ stored: HDF5ElementType) -> Bool {
    switch stored {
    case .integer(let bits, let signed): signed ? bits <= 64 : bits <= 32
    case .boolean: true
    case .floatingPoint, .string, .other: false
    }
  }
  /// The native 64-bit integer type.
  public static var hdf5Type: Int64 { chdf5_int64() }
}

extension UInt8: HDF5Element {
  /// Unsigned bytes and truth values.
  public static func accepts(_ stored: HDF5ElementType) -> Bool {
    stored == .integer(bits: 8, signed: false) || stored == .boolean
  }
  /// The native unsigned byte.
  public static var hdf5Type: Int64 { chdf5_uint8() }
}

/// The type of the elements of an array as a file stores it.
public enum HDF5ElementType: Sendable, Equatable, CustomStringConvertible {
  /// Whole numbers.
  case integer(bits: Int, signed: Bool)
  /// Floating-point numbers.
  case floatingPoint(bits: Int)
  /// Truth values, as h5py stores them: an enumeration of one byte.
  case boolean
  /// Text, of fixed or variable length.
  case string
  /// Anything else: compound types, references, …
  case other

  /// Whether the elements are numbers or truth values.
  public var isNumeric: Bool {
    switch self {
    case .integer, .floatingPoint, .boolean: true
    case .string, .other: false
    }
  }

  /// As NumPy names it: `uint8`, `float64`, `bool`, …
  public var description: String {
    switch self {
    case .integer(let bits, let signed): "\(signed ? "int" : "uint")\(bits)"
    case .floatingPoint(let bits): "float\(bits)"
    case .boolean: "bool"
    case .string: "string"
    case .other: "a compound or other type"
    }
  }

  /// Reads the description of an HDF5 type. Under the library's lock.
  init(_ type: hid_t) {
    let bits = H5Tget_size(type) * 8
    switch H5Tget_class(type) {
    case H5T_INTEGER: self = .integer(bits: bits, signed: H5Tget_sign(type) == H5T_SGN_2)
    case H5T_FLOAT: self = .floatingPoint(bits: bits)
    case H5T_ENUM where bits == 8: self = .boolean
    case H5T_STRING: self = .string
    default: self = .other
    }
  }
}
