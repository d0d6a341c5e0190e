import Diagnostics
import Foundation

/// What is in a folder of results: the program's own files, and those of others.
struct FolderContents {
  /// The folder.
  let path: String
  /// Paths of all files within the folder, the marker excluded: regular files, links and whatever else is no folder.
  let files: [String]
  /// Paths of all folders within it, each before those that it contains.
  let folders: [String]

  /// Lists a folder and all below it; links are not followed.
  ///
  /// - Throws: `StructuredError` if a folder cannot be read.
  init(listing path: String) throws {
    var files: [String] = [], folders: [String] = [], pending = [""]
    while let folder = pending.popLast() {
      let full = folder.isEmpty ? path : PathParts.join(path, folder)
      let names: [String]
      do { names = try FileManager.default.contentsOfDirectory(atPath: full).sorted() } catch {
        throw StructuredError("the folder cannot be read", at: full, action: "Check its permissions.")
      }
      for name in names {
        let inner = PathParts.join(folder, name)
        var status = stat()
        guard lstat(PathParts.join(path, inner), &status) == 0 else { continue }
        if status.st_mode & S_IFMT == S_IFDIR {
          folders.append(inner)
          pending.append(inner)
        } else if inner != FolderMarker.name {
          files.append(inner)
        }
      }
    }
    (self.path, self.files, self.folders) = (path, files.sorted(), folders.sorted())
  }

  /// The files that the program did not write, given the folder's marker.
  func foreignFiles(_ marker: FolderMarker) -> [String] { files.filter { marker.files[$0] == nil } }

  /// The folders that hold nothing of the program's, given the folder's marker.
  func foreignFolders(_ marker: FolderMarker) -> [String] {
    folders.filter { folder in !marker.files.keys.contains { $0.hasPrefix(folder + "/") } }
  }
}

extension FolderContents {
  /// The marker of a folder that may be replaced by one of a kind.
  ///
  /// For a folder of a version without markers, which has nothing but files of that version, a marker is made up.
  ///
  /// - Throws: `StructuredError` if the folder is of another kind, is not the program's, is for reading only, or a
  ///   file of the program's has been changed since.
  func replaceableMarker(_ kind: FolderKind) throws -> FolderMarker {
    for folder in [""] + folders {
      var status = stat()
      let full = folder.isEmpty ? path : PathParts.join(path, folder)
      guard stat(full, &status) == 0, status.st_mode & S_IWUSR != 0, access(full, W_OK) == 0 else {
        throw StructuredError(
          "the folder is read-only", at: full, action: "Change its permissions, or choose another --output.")
      }
    }
    guard let marker = FolderMarker(reading: path) else {
      let isEarlier =
        !kind.requiredFiles.isEmpty && kind.requiredFiles.isSubset(of: files)
        && kind.earlierFiles.isSuperset(of: files)
        && !FileManager.default.fileExists(atPath: PathParts.join(path, FolderMarker.name))
      guard isEarlier else { throw notReplaceable("was not written by this program", kind) }
      var marker = FolderMarker(kind: kind.name, files: files)
      for name in files {
        guard let file = FolderMarker.File(describing: PathParts.join(path, name)) else {
          throw notReplaceable("was not written by this program: \(name) is not a file that can be read", kind)
        }
        marker.files[name] = file
      }
      marker.complete = true
      return marker
    }
    guard marker.kind == kind.name, marker.complete else {
      throw notReplaceable("is a \(marker.kind), not a \(kind.name)", kind)
    }
    for name in files where marker.files[name] != nil && !marker.hasWritten(name, in: path) {
      throw StructuredError(
        "\(name) has been changed since it was written, and would be lost", at: path,
        action: "Move it elsewhere, or choose another --output.")
    }
    return marker
  }

  private func notReplaceable(_ reason: String, _ kind: FolderKind) -> StructuredError {
    StructuredError(
      "the folder \(reason)", at: path, expected: "the name of a new folder, or of an earlier \(kind.name)",
      action: "Choose another --output.")
  }
}
