import Testing

/// All tests of the executable, one at a time: each keeps the processors busy by itself.
@Suite("The command line", .serialized)
struct CommandLineTests {}

/// Checks that a command failed as it should: with one clear error, its exit code, and nothing on standard output.
func expectError(
  _ result: Program.Result, code: Int32 = 1, _ parts: String..., output: Bool = false,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(result.code == code, "\(result.errors)", sourceLocation: sourceLocation)
  // Progress may come before the error, when there is any.
  let lines = result.errors.split(separator: "\n")
  let errors = lines.filter { $0.hasPrefix("error: ") }
  #expect(errors.count == 1, "\(result.errors)", sourceLocation: sourceLocation)
  if !output {
    #expect(lines.first?.hasPrefix("error: ") == true, "\(result.errors)", sourceLocation: sourceLocation)
    #expect(result.output.isEmpty, "\(result.output)", sourceLocation: sourceLocation)
  }
  for part in parts {
    #expect(result.errors.contains(part), "\"\(part)\" in:\n\(result.errors)", sourceLocation: sourceLocation)
  }
}
