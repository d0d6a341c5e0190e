/// What may be the name of a file or folder, where the name comes from a configuration or a file.
public enum FileName {
  /// What is expected of a name, for messages.
  public static let expectation =
    "a name of at most 100 bytes without slashes, backslashes and control characters, other than . and .."

  /// Whether a name is a single part of a path: it cannot lead out of the folder that it is in.
  ///
  /// - Parameter name: The name.
  /// - Returns: False for an empty name, `.`, `..`, a name with a separator or a control character, and one of more than
  ///   100 bytes.
  public static func isValid(_ name: String) -> Bool {
    !name.isEmpty && name != "." && name != ".." && name.utf8.count <= 100
      && !name.unicodeScalars.contains { $0 == "/" || $0 == "\\" || $0.isControl }
  }
}
