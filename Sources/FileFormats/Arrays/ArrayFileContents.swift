/// The contents of a file of arrays that is to be written, except the numbers.
public struct ArrayFileContents: Sendable {
  /// An array of numbers: its name, element type and extents.
  struct Plan: Sendable {
    let name: String
    let type: ArrayElementType
    let shape: [Int]

    var byteCount: Int { shape.reduce(type.size, *) }
  }

  /// An attribute of the whole file, stored in HDF5 and not in NPZ.
  enum Attribute: Sendable {
    case text(String)
    case texts([String])
    case number(Int)
  }

  private(set) var arrays: [Plan] = []
  private(set) var texts: [(name: String, values: [String])] = []
  private(set) var attributes: [(name: String, value: Attribute)] = []

  /// Empty contents.
  public init() {}

  /// Adds an array of numbers.
  ///
  /// - Precondition: the name is new, and the size in bytes fits an `Int`.
  public mutating func addArray<Element: ArrayElement>(_ name: String, _ type: Element.Type, shape: [Int]) {
    arrays.append(Plan(name: name, type: Element.elementType, shape: shape))
  }

  /// Adds an array of texts, `[K]`.
  ///
  /// - Precondition: the name is new.
  public mutating func addTexts(_ name: String, _ values: [String]) { texts.append((name, values)) }

  /// Sets an attribute of the file to a text (HDF5 only).
  public mutating func setAttribute(_ name: String, _ text: String) { attributes.append((name, .text(text))) }

  /// Sets an attribute of the file to texts (HDF5 only).
  public mutating func setAttribute(_ name: String, _ texts: [String]) { attributes.append((name, .texts(texts))) }

  /// Sets an attribute of the file to a number (HDF5 only).
  public mutating func setAttribute(_ name: String, _ number: Int) { attributes.append((name, .number(number))) }
}
