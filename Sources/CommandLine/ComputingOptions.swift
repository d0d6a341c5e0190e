import ArgumentParser
import Logging
import TensorCore

/// Options of every command that computes.
struct ComputingOptions: ParsableArguments {
  @Option(help: "The number of threads (default: one per available core).")
  var threads: Int?

  @Option(
    help: ArgumentHelp(
      "The lowest level of the messages on standard error; warning and above also hide the progress.",
      valueName: "level"))
  var logLevel = Logger.Level.info

  func validate() throws {
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads must be from 1 to 1024, not \(threads)")
    }
  }

  /// Where to compute.
  var device: Device { Device(threads: threads) }

  /// The log on standard error.
  var logger: Logger { ConsoleLogHandler.logger(level: logLevel) }

  /// Where progress is shown.
  var terminal: ProgressTerminal { logLevel <= .info ? .standardError() : .silent }

  /// A progress line, told the number of images done.
  func progress(of count: Int) -> (Int) -> Void {
    let display = ProgressDisplay(total: count, imagesPerStep: 1, terminal: terminal)
    let clock = ContinuousClock()
    let start = clock.now
    return { done in
      let seconds = (clock.now - start) / .seconds(1)
      if display.isDue(at: seconds) || done == count { display.update(step: done, at: seconds, terms: []) }
      if done == count { display.finish() }
    }
  }
}

extension Logger.Level: @retroactive ExpressibleByArgument {}

/// Reads `--seed`: a whole number that is not negative.
///
/// - Throws: `ValidationError` for anything else.
@Sendable func readSeed(_ text: String) throws -> Int {
  guard let seed = Int(text), seed >= 0 else {
    throw ValidationError("--seed must be a whole number from 0 to \(Int.max), not \(text)")
  }
  return seed
}
