/// A Swift type of array elements that are read and written: `Float`, `Double`, `Int`, `UInt8`.
public protocol ArrayElement: Sendable, BitwiseCopyable {
  /// The element type in files.
  static var elementType: ArrayElementType { get }
  /// The initial value of arrays that are read.
  static var zero: Self { get }
  /// Whether arrays of a stored type convert to this type: any numbers to floating point, whole numbers to whole
  /// numbers that are wide enough.
  static func accepts(_ stored: ArrayElementType) -> Bool
  /// The value nearest to a stored floating-point number.
  static func converted(_ number: Double) -> Self
  /// The value nearest to a stored whole number.
  static func converted(_ number: Int64) -> Self
}

extension ArrayElement {
  /// The expected element type, for error messages.
  static var expectation: String {
    switch elementType {
    case .floatingPoint: "numbers"
    case .integer(bits: 8, _): "uint8 or bool"
    default: "whole numbers"
    }
  }
}

extension Float: ArrayElement {
  /// `float32`.
  public static var elementType: ArrayElementType { .floatingPoint(bits: 32) }
  /// Any number or boolean.
  public static func accepts(_ stored: ArrayElementType) -> Bool { stored.isNumeric }
  /// The nearest float.
  public static func converted(_ number: Double) -> Float { Float(number) }
  /// The nearest float.
  public static func converted(_ number: Int64) -> Float { Float(number) }
}

extension Double: ArrayElement {
  /// `float64`.
  public static var elementType: ArrayElementType { .floatingPoint(bits: 64) }
  /// Any number or boolean.
  public static func accepts(_ stored: ArrayElementType) -> Bool { stored.isNumeric }
  /// The number itself.
  public static func converted(_ number: Double) -> Double { number }
  /// The nearest double.
  public static func converted(_ number: Int64) -> Double { Double(number) }
}

extension Int: ArrayElement {
  /// `int64`.
  public static var elementType: ArrayElementType { .integer(bits: 64, signed: true) }
  /// Signed whole numbers, unsigned ones of up to 32 bits, and booleans.
  public static func accepts(_ stored: ArrayElementType) -> Bool {
    switch stored {
    case .integer(let bits, let signed): signed ? bits <= 64 : bits <= 32
    case .boolean: true
    case .floatingPoint, .string, .other: false
    }
  }
  /// The nearest whole number; never used, since floating-point arrays are not accepted.
  public static func converted(_ number: Double) -> Int { Int(exactly: number.rounded()) ?? 0 }
  /// The number itself.
  public static func converted(_ number: Int64) -> Int { Int(number) }
}

extension UInt8: ArrayElement {
  /// `uint8`.
  public static var elementType: ArrayElementType { .integer(bits: 8, signed: false) }
  /// Unsigned bytes and booleans.
  public static func accepts(_ stored: ArrayElementType) -> Bool { stored == elementType || stored == .boolean }
  /// The nearest byte; never used, since floating-point arrays are not accepted.
  public static func converted(_ number: Double) -> UInt8 { UInt8(exactly: number.rounded()) ?? 0 }
  /// The nearest byte.
  public static func converted(_ number: Int64) -> UInt8 { UInt8(clamping: number) }
}

/// The type of the elements of an array in a file.
public enum ArrayElementType: Sendable, Equatable, CustomStringConvertible {
  /// Whole numbers.
  case integer(bits: Int, signed: Bool)
  /// Floating-point numbers.
  case floatingPoint(bits: Int)
  /// Booleans, one byte each.
  case boolean
  /// Text.
  case string
  /// Anything else: records, references, Python objects, …
  case other

  /// Whether the elements are numbers or booleans.
  public var isNumeric: Bool {
    switch self {
    case .integer, .floatingPoint, .boolean: true
    case .string, .other: false
    }
  }

  /// The number of bytes of an element; 0 if unknown.
  public var size: Int {
    switch self {
    case .integer(let bits, _), .floatingPoint(let bits): bits / 8
    case .boolean: 1
    case .string, .other: 0
    }
  }

  /// The name, as in NumPy: `uint8`, `float64`, `bool`, …
  public var description: String {
    switch self {
    case .integer(let bits, let signed): "\(signed ? "int" : "uint")\(bits)"
    case .floatingPoint(let bits): "float\(bits)"
    case .boolean: "bool"
    case .string: "text"
    case .other: "records or objects"
    }
  }
}
