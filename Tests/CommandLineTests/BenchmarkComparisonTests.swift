import Foundation
import TestSupport
import Testing

/// `disentangle-benchmarks compare`, with programs that print what such a program would have measured.
@Suite("Comparing two builds of the benchmarks")
struct BenchmarkComparisonTests {
  /// Writes a program that prints rows, and returns its path.
  private func program(_ name: String, _ rows: [String: Double], in folder: TemporaryFolder) throws -> String {
    let list = rows.map { #"{"name": "\#($0.key)", "series": {"median": \#($0.value)}}"# }.joined(separator: ", ")
    let path = try folder.write(
      "#!/bin/sh\necho \"$@\" >> \(name).calls\necho '{\"rows\": [\(list)]}'\n".utf8, as: name)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
    return path
  }

  private func compare(_ old: String, _ new: String, _ more: String..., in folder: TemporaryFolder) throws
    -> Program.Result
  {
    try Program.run(executable: "disentangle-benchmarks", ["compare", old, new] + more, in: folder)
  }

  @Test("Programs are run in turn, and a row may take as much longer as the limit says")
  func passes() throws {
    let folder = try TemporaryFolder()
    let old = try program("old", ["step": 0.01], in: folder)
    let new = try program("new", ["step": 0.0102, "another": 1], in: folder)
    let result = try compare(old, new, "--work", "step --noise", "--rounds", "2", in: folder)
    #expect(result.code == 0)
    #expect(result.output.contains("10.00 → 10.20 ms  ratio 1.020\n"))
    let calls = try String(contentsOfFile: folder.file("new.calls"), encoding: .utf8)
    #expect(calls == "step --noise --rounds 1 --json\nstep --noise --rounds 1 --json\n")
  }

  @Test("A slower row fails, and one that is missing")
  func fails() throws {
    let folder = try TemporaryFolder()
    let old = try program("old", ["step": 0.01, "other": 0.01], in: folder)
    let slower = try program("slower", ["step": 0.01, "other": 0.0104], in: folder)
    let result = try compare(old, slower, "--rounds", "1", in: folder)
    #expect(result.code == 1)
    #expect(result.output.contains("ratio 1.040  above 1.03"))
    #expect(try compare(old, slower, "--rounds", "1", "--limit", "1.05", in: folder).code == 0)
    let without = try program("without", ["step": 0.01], in: folder)
    #expect(try compare(old, without, "--rounds", "1", in: folder).code == 1)
  }

  @Test("A program that cannot be run, or that measures nothing, is named")
  func errors() throws {
    let folder = try TemporaryFolder()
    let old = try program("old", ["step": 0.01], in: folder)
    let none = try compare(old, folder.file("none"), "--rounds", "1", in: folder)
    #expect(none.code == 1)
    #expect(none.errors.contains("none: this program cannot be run"))
    let empty = try folder.write("#!/bin/sh\n".utf8, as: "empty")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: empty)
    #expect(try compare(old, empty, "--rounds", "1", in: folder).errors.contains("empty: step has no result"))
  }
}
