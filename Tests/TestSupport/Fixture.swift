import Foundation

/// Files that tests read, in `Tests/Fixtures`.
public enum Fixture {
  /// The path of a file.
  public static func path(_ name: String) -> String {
    var tests = URL(fileURLWithPath: #filePath)
    for _ in 0..<2 { tests.deleteLastPathComponent() }
    return tests.appendingPathComponent("Fixtures/\(name)").path
  }
}
