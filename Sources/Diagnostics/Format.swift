import Foundation

/// Numbers as text for display, with the minus sign U+2212; zero has no sign.
package enum Format {
  /// Four decimals; three significant digits and a power of ten below 0.001 and from 10⁷ on.
  package static func number(_ value: Double) -> String {
    let size = abs(value)
    if size != 0, size < 0.001 || size >= 1e7 { return scientific(value) }
    return plain(String(format: "%.4f", value))
  }

  /// Three significant digits and a power of ten.
  package static func scientific(_ value: Double) -> String {
    value == 0 ? "0" : plain(String(format: "%.2e", value))
  }

  /// A fixed number of decimals.
  package static func decimals(_ value: Double, _ count: Int) -> String { plain(String(format: "%.\(count)f", value)) }

  /// Two or three significant digits, for labels in figures.
  package static func short(_ value: Double) -> String {
    let size = abs(value)
    if size != 0, size < 0.0005 || size >= 1e6 { return plain(String(format: "%.1e", value)) }
    return decimals(value, size < 10 ? 2 : size < 1000 ? 1 : 0)
  }

  /// As many decimals as the step between ticks needs.
  package static func round(_ value: Double, step: Double) -> String {
    decimals(value, max(0, Int((-log10(step) - 1e-9).rounded(.up))))
  }

  /// ``number(_:)`` with a sign, also before zero and positive numbers.
  package static func signed(_ value: Double) -> String { (value < 0 ? "" : "+") + number(value) }

  /// A count on an axis: 500, 2k, 1.5M.
  package static func count(_ value: Double) -> String {
    for (size, suffix) in [(1e6, "M"), (1e3, "k")] where value >= size {
      return trimmed(String(format: "%.2f", value / size)) + suffix
    }
    return trimmed(String(format: "%.4f", value))
  }

  /// A whole number with thousands separators: 737,280.
  package static func grouped(_ value: Int) -> String {
    var digits = String(value.magnitude), text = ""
    while digits.count > 3 {
      text = "," + digits.suffix(3) + text
      digits.removeLast(3)
    }
    return (value < 0 ? "−" : "") + digits + text
  }

  /// At most `decimals` decimals, without trailing zeros: −2, 0.33.
  package static func value(_ value: Double, decimals: Int = 2) -> String {
    plain(trimmed(String(format: "%.\(decimals)f", value)))
  }

  /// Minutes and seconds, `2:03`; hours, minutes and seconds, `1:02:03`; days and hours, `2 d 3 h`.
  package static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds < 1e9 else { return "?" }
    let whole = Int(max(0, seconds).rounded())
    let (days, hours, minutes) = (whole / 86400, whole / 3600 % 24, whole / 60 % 60)
    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    if days > 0 { return "\(days) d \(hours) h" }
    if hours > 0 { return "\(hours):\(two(minutes)):\(two(whole % 60))" }
    return "\(minutes):\(two(whole % 60))"
  }

  /// About four significant digits, in a width that hardly changes with the value.
  package static func significant(_ value: Double) -> String {
    guard value.isFinite else { return "\(value)" }
    let size = abs(value)
    if size != 0, size < 1e-3 || size >= 1e6 { return String(format: "%.2e", value) }
    return String(format: size < 10 ? "%.3f" : size < 100 ? "%.2f" : size < 1000 ? "%.1f" : "%.0f", value)
  }

  private static func trimmed(_ text: String) -> String {
    guard text.contains(".") else { return text }
    var text = text
    while text.hasSuffix("0") { text.removeLast() }
    if text.hasSuffix(".") { text.removeLast() }
    return text
  }

  private static func plain(_ text: String) -> String {
    guard text.hasPrefix("-") else { return text }
    return text.contains { "123456789ni".contains($0) } ? "−" + text.dropFirst() : String(text.dropFirst())
  }
}
