/// What a file of arrays will hold, known before its numbers are.
public struct ArrayFileContents: Sendable {
  /// An array of numbers: its name, the type of its elements and its extents.
  struct Plan: Sendable {
    let name: String
    let type: ArrayElementType
    let shape: [Int]

    var byteCount: Int { shape.reduce(type.size, *) }
  }

  /// Facts about the whole file; HDF5 has room for them, NPZ has none.
  enum Attribute: Sendable {
    case text(String)
    case texts([String])
    case number(Int)
  }

  private(set) var arrays: [Plan] = []
  private(set) var texts: [(name: String, values: [String])] = []
  private(set) var attributes: [(name: String, value: Attribute)] = []

  /// Nothing yet.
  public init() {}

  /// Plans an array of numbers.
  ///
  /// - Precondition: the name is new, and the size in bytes fits an `Int`.
  public mutating func addArray<Element: ArrayElement>(_ name: String, _ type: Element.Type, shape: [Int]) {
    arrays.append(Plan(name: name, type: Element.elementType, shape: shape))
  }

  /// Adds an array of texts, [K].
  ///
  /// - Precondition: the name is new.
  public mutating func addTexts(_ name: String, _ values: [String]) { texts.append((name, values)) }

  /// Adds a text about the file, in HDF5 an attribute.
  public mutating func setAttribute(_ name: String, _ text: String) { attributes.append((name, .text(text))) }

  /// Adds texts about the file, in HDF5 an attribute.
  public mutating func setAttribute(_ name: String, _ texts: [String]) { attributes.append((name, .texts(texts))) }

  /// Adds a number about the file, in HDF5 an attribute.
  public mutating func setAttribute(_ name: String, _ number: Int) { attributes.append((name, .number(number))) }
}
