/// Reference values computed with the code of other toolkits or by independent implementations: `Tests/Fixtures/Golden`.
///
/// A README in each folder says how its numbers were made and how closely they can be matched.
public enum Golden {
  /// The path of a file.
  public static func path(_ name: String) -> String { Fixture.path("Golden/" + name) }
}
