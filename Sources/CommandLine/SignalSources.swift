import Dispatch
import Experiment
import Foundation

/// Asks to stop for SIGINT, SIGTERM or SIGHUP; a second SIGINT ends the process at once.
struct SignalSources {
  private static let numbers = [SIGINT, SIGTERM, SIGHUP]
  private let sources: [any DispatchSourceSignal]

  init(_ stop: StopRequest) {
    sources = Self.numbers.map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler {
        if number == SIGINT, stop.signal == SIGINT { _exit(128 + SIGINT) }
        stop.ask(for: number)
      }
      source.resume()
      return source
    }
  }

  /// Signals do again what they do by default.
  func end() {
    for source in sources { source.cancel() }
    for number in Self.numbers { signal(number, SIG_DFL) }
  }
}
