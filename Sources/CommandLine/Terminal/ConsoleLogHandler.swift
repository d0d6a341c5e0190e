import Logging

/// Shows log messages as lines on standard error: information as it is, anything graver with its level before it.
public struct ConsoleLogHandler: LogHandler {
  /// Messages below this level are not shown.
  public var logLevel: Logger.Level
  /// Values that accompany every message.
  public var metadata: Logger.Metadata = [:]

  /// Makes a handler.
  public init(level: Logger.Level = .info) { logLevel = level }

  /// A logger with such a handler; nothing global is touched.
  public static func logger(level: Logger.Level = .info) -> Logger {
    Logger(label: "disentangle", factory: { _ in ConsoleLogHandler(level: level) })
  }

  /// Access to the values that accompany every message.
  public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  /// Shows a message. One that cannot be shown is dropped.
  public func log(event: LogEvent) {
    let prefix = event.level > .info || event.level < .info ? "\(event.level): " : ""
    let values = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
    let suffix = values.map { " \($0.key)=\($0.value)" }.joined()
    try? StandardStream.error.writeLine("\(prefix)\(event.message)\(suffix)")
  }
}
