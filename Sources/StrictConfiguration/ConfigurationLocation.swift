/// The location of a part of a configuration: a file with line and column, or a `--set` override.
public struct ConfigurationLocation: Sendable, Equatable, CustomStringConvertible {
  /// The file's path, or the whole override as typed.
  public var source: String
  /// Line, counted from 1; nil for an override or a whole file.
  public var line: Int?
  /// Column, counted from 1 in Unicode scalars.
  public var column: Int?

  /// Makes a location.
  public init(source: String, line: Int? = nil, column: Int? = nil) {
    self.source = source
    self.line = line
    self.column = column
  }

  /// `file:line:column`, the form that editors and terminals recognise.
  public var description: String {
    [source, line.map(String.init), column.map(String.init)].compactMap { $0 }.joined(separator: ":")
  }
}
