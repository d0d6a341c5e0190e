import Diagnostics
import StrictConfiguration
import Testing

@Suite("Sections in lists, values of any kind, and keys of other configurations")
struct NestedSectionTests {
  private struct Item: StrictlyDecodable, Equatable {
    var name: String
    var count: Int

    init(from section: inout ConfigurationSection) throws {
      name = try section.string("name")
      count = try section.integer("count", default: 2)
    }
  }

  private func decode<Value>(
    _ yaml: String, _ read: (inout ConfigurationSection) throws -> Value
  ) throws -> ResolvedConfiguration<Value> {
    try ConfigurationDocument(yaml: yaml, source: "test.yaml").decode(read)
  }

  private func message<Value>(_ yaml: String, _ read: (inout ConfigurationSection) throws -> Value) throws -> String {
    let error = #expect(throws: StructuredError.self) { try decode(yaml, read) }
    return "\(try #require(error))"
  }

  @Test("A list of sections is read with its defaults, and what is written reads back")
  func sections() throws {
    let yaml = "items:\n  - {name: a}\n  - name: b\n    count: 5\n"
    let result = try decode(yaml) { try $0.sections("items") { try Item(from: &$0) } }
    #expect(result.value.map(\.name) == ["a", "b"] && result.value.map(\.count) == [2, 5])
    let again = try decode(result.yaml) { try $0.sections("items") { try Item(from: &$0) } }
    #expect(again.value == result.value && again.yaml == result.yaml)
    #expect(try decode("{}") { try $0.sections("items") { try Item(from: &$0) } }.value.isEmpty)
  }

  @Test(
    "An error in a section names its place",
    arguments: [
      ("items: [{name: a}, {nam: b}]", "test.yaml:1:21: unknown key items[1].nam"),
      ("items: [{name: a, count: x}]", "items[0].count is 'x'"),
      ("items: [a]", "items[0] is 'a'"), ("items: {name: a}", "items is a mapping (expected a list of mappings)"),
    ])
  func errors(yaml: String, text: String) throws {
    let message = try message(yaml) { try $0.sections("items") { try Item(from: &$0) } }
    #expect(message.contains(text), "\(message)")
  }

  @Test(
    "Values of any kind are one-line YAML that an override reads as the same value",
    arguments: [
      "1", "1e-4", "true", "null", "word", "a/b.yaml", "'two words'", "'1'", "'true'", "'no'", "'a: b'", "'#'",
      "\"a\\\"b\\\\\"", "\"\\u0007\"", "'é'", "{from: 0, to: 1}", "[1, 'x y', {a: [b]}]", "''", "{'a b': 1}", "-",
    ])
  func values(value: String) throws {
    let list = value == "-" ? "['-']" : "[\(value)]"
    let texts = try decode("values: \(list)") { try $0.values("values") }.value
    #expect(texts.count == 1)
    let there = try ConfigurationDocument(yaml: "{}", source: "test", overrides: ["key=\(texts[0])"])
    let original = try ConfigurationDocument(yaml: "key: \(value == "-" ? "'-'" : value)", source: "test")
    #expect(there.differences(from: original).isEmpty, "\(texts[0])")
  }

  @Test("A list of values must be there and must not be empty")
  func noValues() throws {
    #expect(try message("{}") { try $0.values("values") }.contains("the key values is missing"))
    #expect(try message("values: []") { try $0.values("values") }.contains("values has 0 elements"))
    #expect(try message("values: 3") { try $0.values("values") }.contains("values is 3"))
  }

  @Test("Keys of another configuration are paths with values")
  func assignments() throws {
    let read = try decode("part: {objective.name: vae, seed: 3, a: [1, 2]}") {
      try $0.section("part", inline: true) { $0.assignments() }
    }
    #expect(read.value.map(\.path) == ["objective.name", "seed", "a"])
    #expect(read.value.map(\.value) == ["vae", "3", "[1, 2]"])
  }

  @Test("Whether a key is a mapping is known before it is read")
  func mappings() throws {
    let both = try decode("a: {}\nb: [1]") { section in
      let result = [section.isMapping("a"), section.isMapping("b"), section.isMapping("c")]
      _ = (try section.section("a") { $0.assignments() }, try section.values("b"))
      return result
    }
    #expect(both.value == [true, false, false])
  }

  @Test("Further overrides leave the document as it was")
  func overriding() throws {
    let document = try ConfigurationDocument(yaml: "a: 1", source: "test")
    let changed = try document.overriding(["a=2", "b.c=3"])
    #expect(document.values.map(\.value) == ["1"] && changed.values.map(\.value) == ["2", "3"])
  }
}
