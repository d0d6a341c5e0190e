import ArgumentParser
import Diagnostics
import Experiment
import Foundation
import TensorCore

/// The command line tool.
public struct DisentangleTool: ParsableCommand {
  /// What `--help` shows, and the commands.
  public static let configuration = CommandConfiguration(
    commandName: "disentangle",
    abstract: "Train variational auto-encoders and decompose their KL rate exactly.",
    discussion: """
      disentangle train configs/quickstart.yaml     train a model, then decompose its rate
      disentangle report runs/quickstart            write a report with all figures
      disentangle decompose runs/quickstart         decompose the rate of a run
      disentangle evaluate runs/quickstart          compute disentanglement metrics
      disentangle encode runs/quickstart -o c.npz   write the codes of all images
      disentangle list objectives                   list the objectives

      The environment variable OPENBLAS_CORETYPE is ignored, because it is often preset to an older processor; set \
      DISENTANGLE_KEEP_OPENBLAS_CORETYPE=1 to respect it. --version shows which kernels are in use.
      """,
    version:
      "disentangle \(RunEnvironment.version) (\(VectorLevel.best) kernels, OpenBLAS \(Device.blasCore))",
    subcommands: [
      TrainCommand.self, ReportCommand.self, CompareCommand.self, RateDistortionCommand.self, StudyCommand.self,
      DecomposeCommand.self, AuditCommand.self, LikelihoodCommand.self, EvaluateCommand.self, EncodeCommand.self,
      DecodeCommand.self, SampleCommand.self, ScoreCommand.self, ExportCommand.self, ImportCommand.self,
      DatasetCommand.self, ConfigCommand.self, ListCommand.self,
    ])

  /// The parser's errors look like all others.
  public static let _errorLabel = "error"

  /// Makes the tool; the argument parser does.
  public init() {}

  /// Runs the tool with the process's arguments, and ends the process if a command fails.
  public static func main() { main { _ in } }

  /// Runs the tool with further objectives, architectures, data sets and metrics, which every command then knows.
  ///
  /// - Parameter add: adds them to those of this package.
  public static func main(adding add: (inout Components) -> Void) {
    // A file that outgrows its limit and a reader that goes away are for us to deal with, not reasons to die.
    signal(SIGXFSZ, SIG_IGN)
    signal(SIGPIPE, SIG_IGN)
    StandardStream.openClosedStreams()
    OpenBLASChoice.restartIfUnsuitable()
    do {
      try requireCommand(CommandLine.arguments.dropFirst())
      var command = try parseAsRoot()
      var components = Components()
      add(&components)
      if let command = command as? any ComponentCommand {
        try command.run(components)
      } else {
        try command.run()
      }
    } catch let error as UnknownCommand {
      try? StandardStream.error.writeLine(
        "error: \(error.error)\nUsage: disentangle <subcommand>\n  See 'disentangle --help' for more information.")
      Foundation.exit(ExitCode.validationFailure.rawValue)
    } catch let error as StructuredError {
      try? StandardStream.error.writeLine("error: \(error)")
      Foundation.exit(1)
    } catch {
      exit(withError: error)
    }
  }
}

extension DisentangleTool {
  /// A first argument that is no command.
  private struct UnknownCommand: Error {
    let error: StructuredError
  }

  /// Makes sure that the first argument, where it is no option, is a command; the parser's message would not name it.
  private static func requireCommand(_ arguments: some Collection<String>) throws {
    let names = configuration.subcommands.map { $0._commandName } + ["help"]
    guard let first = arguments.first, !first.hasPrefix("-"), !names.contains(first) else { return }
    throw UnknownCommand(
      error: StructuredError(
        "there is no such command", at: first, expected: "one of \(names.joined(separator: ", "))",
        action: nearestName(to: first, among: names).map { "Did you mean \($0)?" }))
  }
}

/// A command that needs to know what configurations can name.
protocol ComponentCommand: ParsableCommand {
  func run(_ components: Components) throws
}

/// A configuration file with overrides.
struct ConfigurationOptions: ParsableArguments {
  @Argument(help: "The configuration, a YAML file.", completion: .file(extensions: ["yaml", "yml"]))
  var config: String

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("Override a key, for example objective.beta=6. Repeatable.", valueName: "key=value"))
  var overrides: [String] = []
}
