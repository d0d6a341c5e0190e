/// A Swift type that is read from one YAML scalar: `Int`, `Double`, `Bool` or `String`.
public protocol ConfigurationScalar: Sendable {
  /// The name of the type in error messages: "a whole number".
  static var kind: String { get }
  /// Reads a node by the strict grammar of the type; fails, with a reason where one helps, if the node does not match.
  static func read(_ node: ConfigurationNode) -> Result<Self, ConfigurationScalarProblem>
  /// The content that is written for the value and reads back equal.
  var configurationContent: ConfigurationNode.Content { get }
}

/// Why a scalar could not be read.
public struct ConfigurationScalarProblem: Error, Sendable {
  /// The reason, if there is more to say than what was expected.
  public var reason: String?
  /// What the user can do, if anything.
  public var action: String?
}

/// Whether a text is a decimal number by JSON's grammar, extended by a plus sign and by numbers such as `.5` and `1.`.
///
/// Leading zeros (octal in YAML 1.1), underscores, hexadecimal, sexagesimal, `.inf` and `.nan` are not numbers here.
private func isDecimal(_ text: String) -> Bool {
  var rest = Substring(text)
  func digits() -> Substring {
    let run = rest.prefix { $0.isASCII && $0.isNumber }
    rest = rest.dropFirst(run.count)
    return run
  }
  if let sign = rest.first, sign == "-" || sign == "+" { rest.removeFirst() }
  let whole = digits()
  if whole.count > 1, whole.first == "0" { return false }
  var fraction: Substring = ""
  if rest.first == "." {
    rest.removeFirst()
    fraction = digits()
  }
  if whole.isEmpty, fraction.isEmpty { return false }
  if let e = rest.first, e == "e" || e == "E" {
    rest.removeFirst()
    if let sign = rest.first, sign == "-" || sign == "+" { rest.removeFirst() }
    if digits().isEmpty { return false }
  }
  return rest.isEmpty
}

/// The shortest text that every YAML reader, of version 1.1 or 1.2, reads as exactly this number.
func canonicalText(_ value: Double) -> String {
  if value == value.rounded(), abs(value) < 1e15, !(value == 0 && value.sign == .minus) { return "\(Int(value))" }
  let text = "\(value)"
  // YAML 1.1 wants a point before the exponent: 1e-05 would be read as text.
  guard let e = text.firstIndex(of: "e"), !text.contains(".") else { return text }
  return text[..<e] + ".0" + text[e...]
}

extension Double: ConfigurationScalar {
  /// "a finite number".
  public static var kind: String { "a finite number" }

  /// Reads a decimal number; rejects text, infinities and numbers that overflow.
  public static func read(_ node: ConfigurationNode) -> Result<Double, ConfigurationScalarProblem> {
    if case .text(let text) = node.content, isDecimal(text) {
      return .failure(.init(reason: "which is text", action: "Remove the quotation marks."))
    }
    guard case .plain(let text) = node.content, isDecimal(text), let value = Double(text) else {
      return .failure(.init())
    }
    return value.isFinite ? .success(value) : .failure(.init(reason: "which is too large for a 64-bit float"))
  }

  /// The canonical text.
  public var configurationContent: ConfigurationNode.Content { .plain(canonicalText(self)) }
}

extension Int: ConfigurationScalar {
  /// "a whole number".
  public static var kind: String { "a whole number" }

  /// Reads a whole number; `1e3` and `5.0` are accepted because they are whole, `1.5` is not.
  public static func read(_ node: ConfigurationNode) -> Result<Int, ConfigurationScalarProblem> {
    if case .text(let text) = node.content, isDecimal(text) {
      return .failure(.init(reason: "which is text", action: "Remove the quotation marks."))
    }
    guard case .plain(let text) = node.content, isDecimal(text) else { return .failure(.init()) }
    if let value = Int(text) { return .success(value) }
    guard let value = Double(text), value == value.rounded() else { return .failure(.init()) }
    // Above 2^53 not every whole number has a 64-bit float.
    guard abs(value) <= 0x1p53, text.contains(where: { ".eE".contains($0) }) else {
      return .failure(.init(reason: "which is too large"))
    }
    return .success(Int(value))
  }

  /// The decimal digits.
  public var configurationContent: ConfigurationNode.Content { .plain("\(self)") }
}

extension Bool: ConfigurationScalar {
  /// "true or false".
  public static var kind: String { "true or false" }

  /// Reads `true` or `false`; rejects YAML 1.1's other booleans (`yes`, `on`, …).
  public static func read(_ node: ConfigurationNode) -> Result<Bool, ConfigurationScalarProblem> {
    switch node.content {
    case .plain("true"): return .success(true)
    case .plain("false"): return .success(false)
    default: return .failure(.init())
    }
  }

  /// `true` or `false`.
  public var configurationContent: ConfigurationNode.Content { .plain(self ? "true" : "false") }
}

extension String: ConfigurationScalar {
  /// "text".
  public static var kind: String { "text" }

  /// Reads text; a scalar that YAML reads as a number or a boolean must be quoted.
  public static func read(_ node: ConfigurationNode) -> Result<String, ConfigurationScalarProblem> {
    switch node.content {
    case .text(let text): return .success(text)
    case .plain(let text):
      return .failure(.init(reason: "which YAML does not read as text", action: "Quote it: '\(text)'."))
    default: return .failure(.init())
    }
  }

  /// The text, which the writer quotes if necessary.
  public var configurationContent: ConfigurationNode.Content { .text(self) }
}
