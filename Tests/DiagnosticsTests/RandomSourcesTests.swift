import Foundation
import TestSupport
import Testing

/// A seed must mean the same in ten years: random numbers come from `RandomStream`, whose values are pinned, and never from
/// algorithms that the standard library may change.
@Suite("Where random numbers come from")
struct RandomSourcesTests {
  /// What would draw random numbers in another way, as it is written in Swift or C++.
  static let others = [
    #"\.random\(in"#, #"\.random\(\)"#, #"\.randomElement"#, #"\.shuffled\("#, #"\.shuffle\("#,
    "SystemRandomNumberGenerator", "arc4random", "drand48", #"\brand\(\)"#, #"\.hashValue"#, "Hasher\\(",
    "std::mt19937", "std::random", "std::shuffle",
  ]

  /// Names of temporary folders, which no result depends on.
  static let exceptions = ["FileFormats/Atomic/StagedFolder.swift"]

  private static let sources = URL(fileURLWithPath: Fixture.path("")).deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Sources")

  @Test func `No source draws from anything but RandomStream`() throws {
    let pattern = try Regex(Self.others.joined(separator: "|"))
    var read = 0, excepted = 0
    for file in try FileManager.default.subpathsOfDirectory(atPath: Self.sources.path) {
      guard [".swift", ".cpp", ".hpp", ".h", ".c"].contains(where: file.hasSuffix) else { continue }
      let text = try String(contentsOf: Self.sources.appendingPathComponent(file), encoding: .utf8)
      read += 1
      for line in text.split(separator: "\n") where !line.drop(while: { $0 == " " }).hasPrefix("//") {
        guard let found = line.firstMatch(of: pattern) else { continue }
        if Self.exceptions.contains(file) {
          excepted += 1
        } else {
          Issue.record("\(file) draws from \(line[found.range]): \(line)")
        }
      }
    }
    // The pattern finds something where there is something to find.
    #expect(read > 300 && excepted > 0, "\(read) files, \(excepted) exceptions")
    for example in ["Int.random(in: 0..<3)", "order.shuffled()", "xs.randomElement()!", "std::mt19937 generator;"] {
      #expect(example.contains(pattern), "\(example)")
    }
  }
}
