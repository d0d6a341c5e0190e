import Testing

/// A mistake that stops the program, and what its last message says: for tests with `processExitsWith`.
public struct StoppedCase: Sendable {
  /// The operation, which begins the message.
  public let operation: String
  /// What the message contains.
  public let parts: [String]
  /// Makes the mistake.
  public let run: @Sendable () -> Void

  /// Describes a mistake.
  public init(_ operation: String, _ parts: String..., run: @escaping @Sendable () -> Void) {
    (self.operation, self.parts, self.run) = (operation, parts, run)
  }

  /// Checks what the program left on standard error.
  public func check(_ errors: [UInt8]?, sourceLocation: SourceLocation = #_sourceLocation) {
    let text = String(decoding: errors ?? [], as: UTF8.self)
    let message = text.split(separator: "\n").first { $0.contains("Fatal error: ") }.map(String.init) ?? text
    #expect(message.contains("Fatal error: \(operation): "), "\(message)", sourceLocation: sourceLocation)
    for part in parts { #expect(message.contains(part), "\(part) in: \(message)", sourceLocation: sourceLocation) }
  }
}
