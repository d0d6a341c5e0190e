import StrictConfiguration
import Testing

@Suite("Differences of configurations")
struct ConfigurationDifferenceTests {
  private func differences(_ a: String, _ b: String) throws -> [String] {
    try ConfigurationDocument(yaml: a, source: "a").differences(from: ConfigurationDocument(yaml: b, source: "b"))
      .map(\.description)
  }

  @Test(
    "What means the same is no difference",
    arguments: [
      ("a: 1\nb: {c: 2}", "b:\n  c: 2\na: 1"), ("rate: 1e-4", "rate: 0.0001"), ("n: 10", "n: 10.0"),
      ("list: [1, 2.0]", "list:\n- 1\n- 2"), ("a: null", "a: ~"), ("a: null\nb: 1", "b: 1"), ("name: 'x'", "name: x"),
    ])
  func same(a: String, b: String) throws {
    #expect(try differences(a, b) == [])
    #expect(try differences(b, a) == [])
  }

  @Test("Every key that differs is named by its path, with both values")
  func different() throws {
    #expect(try differences("a: {b: 1, c: x}", "a: {b: 2, c: x}") == ["a.b is 1, not 2"])
    #expect(try differences("a: 1\nb: 2", "a: 1") == ["b is 2, not absent"])
    #expect(try differences("a: 1", "a: 1\nb: [1, {c: d}]") == ["b is absent, not [1, {c: d}]"])
    // A number and the text of its digits; a value and a section; an order in a list.
    #expect(try differences("a: 1", "a: '1'") == ["a is 1, not '1'"])
    #expect(
      try differences("a: 4", "a: {from: 0, to: 4}") == [
        "a is 4, not absent", "a.from is absent, not 0", "a.to is absent, not 4",
      ])
    #expect(try differences("a: [1, 2]", "a: [2, 1]") == ["a is [1, 2], not [2, 1]"])
    // Integers that no double can tell apart, and a value that equals nothing.
    #expect(try differences("seed: 9007199254740993", "seed: 9007199254740992").count == 1)
    #expect(try differences("a: .nan", "a: 1").count == 1)
  }

  @Test("A summary names the first three")
  func summary() throws {
    let a = try ConfigurationDocument(yaml: "a: 1\nb: 1\nc: 1\nd: 1\ne: 1", source: "a")
    let b = try ConfigurationDocument(yaml: "a: 2\nb: 2\nc: 2\nd: 2\ne: 2", source: "b")
    #expect(a.differences(from: b).summary == "a is 1, not 2; b is 1, not 2; c is 1, not 2; and 2 other keys")
  }
}
