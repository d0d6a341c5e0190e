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
  ///   - components: what they can name.
  /// - Throws: `StructuredError` if one of them cannot be read by this version.
  public static func differences(
    from saved: String, to current: String, _ components: Components = Components()
  ) throws -> [ConfigurationDifference] {
    if saved == current { return [] }
    func resolved(_ yaml: String) throws -> ConfigurationDocument {
      try ConfigurationDocument(yaml: complete(yaml, components), source: "the configuration")
    }
    // Where images are kept changes no bit of a result.
    return try resolved(saved).differences(from: resolved(current)).filter { $0.path != "dataset.memory" }
  }

  /// A configuration with the defaults of this version for all keys that it lacks.
  ///
  /// - Throws: `StructuredError` if this version cannot read it.
  public static func complete(_ yaml: String, _ components: Components = Components()) throws -> String {
    try ConfigurationDocument(yaml: yaml, source: "the configuration").experiment(components).yaml
  }

  /// Makes sure that two configurations describe one experiment.
  ///
  /// - Parameters:
  ///   - saved: the configuration of what was written.
  ///   - current: the configuration at hand.
  ///   - components: what they can name.
  ///   - what: what is of the saved configuration, as "the checkpoint belongs to another configuration".
  ///   - location: the file that it is in.
  ///   - action: what to do.
  /// - Throws: `StructuredError` that names the keys that differ.
  static func requireSame(
    _ saved: String, _ current: String, _ components: Components, what: String, at location: String, expected: String,
    action: String
  ) throws {
    let differences: [ConfigurationDifference]
    do { differences = try Self.differences(from: saved, to: current, components) } catch let error as StructuredError {
      throw StructuredError("\(what), which this version cannot read: \(error.what)", at: location, action: action)
    }
    guard !differences.isEmpty else { return }
    throw StructuredError("\(what): \(differences.summary)", at: location, expected: expected, action: action)
  }
}
