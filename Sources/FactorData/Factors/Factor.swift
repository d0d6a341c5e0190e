import Diagnostics

/// One generating factor: a name, how many values it takes, and how these relate to each other.
public struct Factor: Sendable, Equatable, Codable {
  /// How the values of a factor relate to each other.
  public enum Kind: String, Sendable, Equatable, Codable, CaseIterable {
    /// Values lie on a line, as sizes and positions do.
    case ordered
    /// Values lie on a circle, as angles do.
    case cyclic
    /// Values have no order, as shapes and classes do.
    case categorical

    /// The kind of a factor about which only the name is known, as in a file that gives no kinds: `shape`, which the
    /// published data sets use for a category, is categorical, every other factor ordered.
    public init(ofFactorNamed name: String) { self = name == "shape" ? .categorical : .ordered }

    /// The kind that a file names.
    ///
    /// - Throws: `StructuredError` when there is no such kind.
    public init(text: String, at location: String) throws {
      guard let kind = Self(rawValue: text) else {
        let names = Self.allCases.map(\.rawValue)
        throw StructuredError(
          "\"\(text)\" is not a kind of factor", at: location, expected: "one of \(names.joined(separator: ", "))",
          action: nearestName(to: text, among: names).map { "Did you mean \($0)?" })
      }
      self = kind
    }
  }

  /// The name, as `orientation`.
  public var name: String
  /// The number of values, indexed 0 ..< size.
  public var size: Int
  /// How the values relate to each other.
  public var kind: Kind

  /// Makes a factor.
  ///
  /// - Precondition: `size ≥ 1`.
  public init(_ name: String, size: Int, kind: Kind = .ordered) {
    precondition(size >= 1, "a factor takes at least one value")
    (self.name, self.size, self.kind) = (name, size, kind)
  }
}
