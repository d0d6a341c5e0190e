import ArgumentParser
import Experiment
import Foundation
import TensorCore

/// The command line.
@main
struct Disentangle: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "disentangle",
    abstract: "Train disentangled representations and see exactly where the rate went.",
    discussion: """
      disentangle train configs/quickstart.yaml     train, then decompose the rate
      disentangle decompose runs/quickstart         decompose the rate of a run again
      disentangle list objectives                   what can be trained
      """,
    version:
      "disentangle \(RunEnvironment.version) (\(VectorLevel.best) kernels, OpenBLAS \(Device.blasCore))",
    subcommands: [TrainCommand.self, DecomposeCommand.self, DatasetCommand.self, ConfigCommand.self, ListCommand.self])

  static func main() {
    // A file that outgrows its limit is an error to report, not a reason to die.
    signal(SIGXFSZ, SIG_IGN)
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch let error as StructuredError {
      FileHandle.standardError.write(Data("error: \(error)\n".utf8))
      Foundation.exit(1)
    } catch {
      exit(withError: error)
    }
  }
}

/// Options that every command with computation has.
struct DeviceOptions: ParsableArguments {
  @Option(help: "Threads that work together (default: one for each core).")
  var threads: Int?

  func validate() throws {
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads is from 1 to 1024, not \(threads)")
    }
  }

  var device: Device { Device(threads: threads) }
}

/// A configuration file with overrides.
struct ConfigurationOptions: ParsableArguments {
  @Argument(help: "The configuration, a YAML file.", completion: .file(extensions: ["yaml", "yml"]))
  var config: String

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("Override a key, as objective.beta=6. Repeatable.", valueName: "key=value"))
  var overrides: [String] = []
}
