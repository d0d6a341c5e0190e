import ArgumentParser
import Diagnostics
import Experiment
import StrictConfiguration

struct ConfigCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config", abstract: "Check a configuration, or print it with all defaults.",
    subcommands: [CheckConfig.self, ShowConfig.self])
}

struct CheckConfig: ComponentCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Check a configuration and report the first error with its line and column.")
  @OptionGroup var configuration: ConfigurationOptions

  func run(_ components: Components) throws {
    let resolved = try ConfigurationDocument(path: configuration.config, overrides: configuration.overrides)
      .experiment(components)
    let objective = resolved.value.objective?.name ?? "imported weights"
    try StandardStream.output.writeLine("\(configuration.config): valid (\(resolved.value.name), \(objective))")
  }
}

struct ShowConfig: ComponentCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Print the resolved configuration, with all defaults and overrides.")
  @OptionGroup var configuration: ConfigurationOptions

  func run(_ components: Components) throws {
    let resolved = try ConfigurationDocument(path: configuration.config, overrides: configuration.overrides)
      .experiment(components)
    try StandardStream.output.write(resolved.yaml.escapingControls(keepsLines: true))
  }
}
