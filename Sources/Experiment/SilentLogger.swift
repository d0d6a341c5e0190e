import Logging

extension Logger {
  /// A logger that drops everything.
  public static var silent: Logger { Logger(label: "disentangle", factory: { _ in SwiftLogNoOpLogHandler() }) }
}
