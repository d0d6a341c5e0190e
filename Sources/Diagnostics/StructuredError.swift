/// An error that says what went wrong, where, what was expected, and what to do.
///
/// All errors that reach the command line have this form and print as
///
///     WHERE: WHAT (expected EXPECTED)
///       ACTION
public struct StructuredError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What went wrong, a clause without a final period.
  public var what: String
  /// The file, key or option that the error concerns, with line and column where known.
  public var location: String?
  /// The value or form that would have been valid.
  public var expected: String?
  /// What the user can do.
  public var action: String?

  /// Makes an error.
  public init(_ what: String, at location: String? = nil, expected: String? = nil, action: String? = nil) {
    self.what = what
    self.location = location
    self.expected = expected
    self.action = action
  }

  /// The message as it is printed. Names in it may come from files: their control characters are escaped.
  public var description: String {
    var text = location.map { "\($0): " } ?? ""
    text += what
    if let expected { text += " (expected \(expected))" }
    text = text.escapingControls()
    if let action { text += "\n  " + action.escapingControls() }
    return text
  }
}
