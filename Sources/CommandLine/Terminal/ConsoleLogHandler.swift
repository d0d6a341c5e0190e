import Logging

/// Writes log messages as lines to standard error; those of another level than `info` with the level as a prefix.
public struct ConsoleLogHandler: LogHandler {
  /// Messages below this level are not shown.
  public var logLevel: Logger.Level
  /// Metadata of every message.
  public var metadata: Logger.Metadata = [:]

  /// Makes a handler.
  public init(level: Logger.Level = .info) { logLevel = level }

  /// A logger with such a handler; global state is not changed.
  public static func logger(level: Logger.Level = .info) -> Logger {
    Logger(label: "disentangle", factory: { _ in ConsoleLogHandler(level: level) })
  }

  /// The metadata of every message, by key.
  public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  /// Writes a message; a message that cannot be written is dropped.
  public func log(event: LogEvent) {
    let prefix = event.level > .info || event.level < .info ? "\(event.level): " : ""
    let values = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
    let suffix = values.map { " \($0.key)=\($0.value)" }.joined()
    try? StandardStream.error.writeLine("\(prefix)\(event.message)\(suffix)")
  }
}
