/// A path taken apart at its last slash: the folder, "" where the path names none, and the name within it.
///
/// Foundation's own splitting of paths crashes on a name of a single character (Swift 6.3, Linux).
public struct PathParts: Sendable, Equatable {
  /// Everything before the last slash; "/" for what lies in the root.
  public let folder: String
  /// Everything after it.
  public let name: String

  /// Takes a path apart; slashes at its end do not count.
  public init(_ path: String) {
    var path = path[...]
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    guard let slash = path.lastIndex(of: "/") else {
      (folder, name) = ("", String(path))
      return
    }
    folder = slash == path.startIndex ? "/" : String(path[..<slash])
    name = String(path[path.index(after: slash)...])
  }

  /// A name in a folder as one path.
  public static func join(_ folder: String, _ name: String) -> String {
    folder.isEmpty ? name : folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
  }
}
