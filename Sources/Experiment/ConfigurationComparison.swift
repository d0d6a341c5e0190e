import Diagnostics
import StrictConfiguration

extension ExperimentConfiguration {
  /// The keys in which two configurations differ, each with its value in both; none if both describe one experiment.
  ///
  /// Both are read by this version, so that a key that is absent on one side has its default there.
  ///
  /// - Parameters:
  ///   - saved: a configuration as YAML, as `config.yaml` of a run.
  ///   - current: another one.
  /// - Throws: ``StructuredError`` if one of them cannot be read by this version.
  public static func differences(from saved: String, to current: String) throws -> [ConfigurationDifference] {
    if saved == current { return [] }
    return try resolved(saved).differences(from: resolved(current))
  }

  private static func resolved(_ yaml: String) throws -> ConfigurationDocument {
    try ConfigurationDocument(yaml: complete(yaml), source: "the configuration")
  }

  /// A configuration with the defaults of this version for all keys that it lacks.
  ///
  /// - Throws: ``StructuredError`` if this version cannot read it.
  public static func complete(_ yaml: String) throws -> String {
    try ConfigurationDocument(yaml: yaml, source: "the configuration").decode(ExperimentConfiguration.self).yaml
  }

  /// Makes sure that two configurations describe one experiment.
  ///
  /// - Parameters:
  ///   - saved: the configuration of what was written.
  ///   - current: the configuration at hand.
  ///   - what: what is of the saved configuration, as "the checkpoint belongs to another configuration".
  ///   - location: the file that it is in.
  ///   - action: what to do.
  /// - Throws: ``StructuredError`` that names the keys that differ.
  static func requireSame(
    _ saved: String, _ current: String, what: String, at location: String, expected: String, action: String
  ) throws {
    let differences: [ConfigurationDifference]
    do { differences = try Self.differences(from: saved, to: current) } catch let error as StructuredError {
      throw StructuredError("\(what), which this version cannot read: \(error.what)", at: location, action: action)
    }
    guard !differences.isEmpty else { return }
    throw StructuredError("\(what): \(differences.summary)", at: location, expected: expected, action: action)
  }
}
