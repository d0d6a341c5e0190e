/// An error a person can act on: what went wrong, where, what was expected, and what to do.
///
/// All errors that reach the command line have this form and print as
///
///     WHERE: WHAT (expected EXPECTED)
///       ACTION
public struct StructuredError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What went wrong, a sentence without its full stop.
  public var what: String
  /// The file, key or flag it concerns, with line and column where there are any.
  public var location: String?
  /// What would have been right.
  public var expected: String?
  /// What to do about it.
  public var action: String?

  /// Makes an error.
  public init(_ what: String, at location: String? = nil, expected: String? = nil, action: String? = nil) {
    self.what = what
    self.location = location
    self.expected = expected
    self.action = action
  }

  /// The message as people see it.
  public var description: String {
    var text = location.map { "\($0): " } ?? ""
    text += what
    if let expected { text += " (expected \(expected))" }
    if let action { text += "\n  \(action)" }
    return text
  }
}
