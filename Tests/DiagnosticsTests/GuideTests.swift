import Foundation
import TestSupport
import Testing

/// CONTRIBUTING.md shows code of files that are compiled and tested.
@Suite("The guide for contributors")
struct GuideTests {
  private static let package = URL(fileURLWithPath: Fixture.path("")).deletingLastPathComponent()
    .deletingLastPathComponent()

  private static func text(_ path: String) throws -> String {
    try String(contentsOf: package.appendingPathComponent(path), encoding: .utf8)
  }

  private static func lines(_ text: some StringProtocol) -> String {
    text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }.joined(separator: "\n")
  }

  @Test func `Each of its examples is the code of the file that it names`() throws {
    let parts = try Self.text("CONTRIBUTING.md").components(separatedBy: "<!-- example: ").dropFirst()
    #expect(parts.count >= 6)
    for part in parts {
      let path = try #require(part.components(separatedBy: " -->").first)
      let code = try #require(part.components(separatedBy: "```swift\n").dropFirst().first)
      let block = try #require(code.components(separatedBy: "\n```").first)
      let source = Self.lines(try Self.text(path))
      #expect(source.contains(Self.lines(block)), "\(path) does not contain\n\(block)")
    }
  }
}
