/// What a folder of results is, as its marker states.
///
/// Folders of one kind replace each other; a folder of another kind, or without a marker, is never replaced. The one
/// exception are folders of earlier versions of this program, which wrote no marker: such a folder is known by the
/// files it must have, and may be replaced only if it has no file besides those that the version wrote.
public struct FolderKind: Sendable, Equatable {
  /// The name in the marker, as "report".
  public let name: String
  /// The files by which a folder without a marker is known; empty where no version wrote such folders.
  let requiredFiles: Set<String>
  /// All files that a version without markers wrote, as paths within the folder.
  let earlierFiles: Set<String>

  /// Describes a kind.
  ///
  /// - Parameters:
  ///   - name: the name in the marker.
  ///   - requiredFiles: the files by which a folder without a marker is known.
  ///   - earlierFiles: all files that a version without markers wrote.
  public init(_ name: String, requiredFiles: Set<String> = [], earlierFiles: Set<String> = []) {
    (self.name, self.requiredFiles) = (name, requiredFiles)
    self.earlierFiles = earlierFiles.union(requiredFiles)
  }
}
