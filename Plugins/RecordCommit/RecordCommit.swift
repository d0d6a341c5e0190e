import Foundation
import PackagePlugin

/// Records the commit that a program is built from, as `let commit: String?` in the module that uses the plugin.
///
/// It is nil where the package is not the root of a Git repository, and ends in `-dirty` if tracked files were changed.
@main
struct RecordCommit: BuildToolPlugin {
  private static let script = """
    mkdir -p "$2" || exit 1
    commit=nil
    if [ "$(git -C "$1" rev-parse --show-toplevel 2>/dev/null)" = "$(cd "$1" && pwd -P)" ]; then
      found=$(git -C "$1" describe --always --dirty --abbrev=40 --exclude='*' 2>/dev/null) && commit="\\"$found\\""
    fi
    line="let commit: String? = $commit"
    if [ "$(cat "$2/Commit.swift" 2>/dev/null)" != "$line" ]; then printf '%s\\n' "$line" >"$2/Commit.swift"; fi
    """

  func createBuildCommands(context: PluginContext, target: any Target) throws -> [Command] {
    let folder = context.pluginWorkDirectoryURL.appendingPathComponent("Sources")
    return [
      .prebuildCommand(
        displayName: "Recording the commit", executable: URL(fileURLWithPath: "/bin/sh"),
        arguments: ["-c", Self.script, "sh", context.package.directoryURL.path, folder.path],
        outputFilesDirectory: folder)
    ]
  }
}
