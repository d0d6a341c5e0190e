import Foundation

/// Reference values computed with the code of other toolkits, kept outside the package.
public enum Golden {
  /// The folder, from the environment variable `DISENTANGLE_GOLDEN`, by default `../shared/golden` beside the package.
  public static var folder: String {
    if let named = ProcessInfo.processInfo.environment["DISENTANGLE_GOLDEN"], !named.isEmpty { return named }
    var package = URL(fileURLWithPath: #filePath)
    for _ in 0..<3 { package.deleteLastPathComponent() }
    return package.deletingLastPathComponent().appendingPathComponent("shared/golden").path
  }

  /// A file of the folder.
  public static func path(_ name: String) -> String { folder + "/" + name }

  /// Whether a subfolder is there. Tests skip, with a message, where it is not.
  public static func has(_ subfolder: String) -> Bool { FileManager.default.fileExists(atPath: path(subfolder)) }
}
