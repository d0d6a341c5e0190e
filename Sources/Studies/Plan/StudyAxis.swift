import Diagnostics
import Foundation
import StrictConfiguration

/// A key of the configuration and the values it takes in a study.
///
///     {key: objective.beta, values: [1, 4, 16]}
///     {key: objective.beta, range: {from: 1, to: 5, count: 3}}           1, 3, 5
///     {key: objective.gamma, log_range: {from: 1, to: 100, count: 3}}    1, 10, 100
public struct StudyAxis: Sendable, Equatable, StrictlyDecodable {
  /// The dotted path of the key, as `objective.beta`.
  public var key: String
  /// The values as YAML on one line, all different.
  public var values: [String]

  /// What the key is called in labels: the last part of its path.
  public var name: String { key.split(separator: ".").last.map(String.init) ?? key }

  /// Reads `key` and one of `values`, `range` and `log_range`.
  ///
  /// - Throws: `StructuredError` if the key is no path, there are no values, or one appears twice.
  public init(from section: inout ConfigurationSection) throws {
    key = try section.string("key")
    let parts = key.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "-" } })
    else { throw section.error("is no key of a configuration", at: "key", expected: "a key such as objective.beta") }
    guard key != "name", key != "seed" else {
      throw section.error(
        "is \(key)", at: "key", expected: "another key", action: key == "seed" ? "Use seeds of the study." : nil)
    }
    let given = ["values", "range", "log_range"].filter { section.contains($0) }
    guard given.count < 2 else {
      throw section.error(
        "and \(given[1]) are both given", at: given[0], expected: "one of them", action: "Delete one.")
    }
    switch given.first {
    case "range"?: values = try section.section("range", inline: true) { try Self.range(from: &$0) }
    case "log_range"?:
      values = try section.section("log_range", inline: true) { try Self.range(from: &$0, isLog: true) }
    default: values = try section.values("values")
    }
    if let twice = values.map({ Self.meaning($0) }).firstRepeated {
      throw section.error("has \(twice) twice", at: given.first ?? "values")
    }
  }

  /// A number by its value, so that 1 and 1.0 are the same; other values by their text.
  private static func meaning(_ text: String) -> String { Double(text).map { "\($0)" } ?? text }

  private static func range(from section: inout ConfigurationSection, isLog: Bool = false) throws -> [String] {
    let bounds: Bounds<Double> = isLog ? .moreThan(0) : .any
    let from = try section.number("from", in: bounds), to = try section.number("to", in: bounds)
    let count = try section.integer("count", in: .within(1...10_000))
    guard count > 1 || from == to else {
      throw section.error("is 1", at: "count", expected: "2 or more values between two ends")
    }
    return (0..<count).map { index in
      // The ends exactly as they were given.
      if index == 0 { return number(from) }
      if index == count - 1 { return number(to) }
      let part = Double(index) / Double(count - 1)
      // A logarithm is only good to rounding: 10.000000000000002 was meant to be 10.
      return number(isLog ? rounded(from * pow(to / from, part)) : from + (to - from) * part)
    }
  }

  private static func number(_ value: Double) -> String {
    Int(exactly: value).map { "\($0)" } ?? RateDistortionStudy.Sweep.text(value)
  }

  /// The value with 12 significant digits.
  private static func rounded(_ value: Double) -> Double { Double(String(format: "%.12g", value)) ?? value }
}
