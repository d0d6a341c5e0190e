import Foundation

/// A page with places `{{name}}` that are filled in one pass, so that what is filled in is never searched for places.
package struct PageTemplate {
  private let text: String

  /// Takes the bytes of a page.
  package init(_ bytes: [UInt8]) { text = String(decoding: bytes, as: UTF8.self) }

  /// The page with its places filled.
  ///
  /// - Precondition: every place of the page has a value.
  package func filled(_ values: [String: String]) -> String {
    var page = ""
    for (index, part) in text.components(separatedBy: "{{").enumerated() {
      guard index > 0 else {
        page += part
        continue
      }
      let halves = part.components(separatedBy: "}}")
      guard let value = values[halves[0]] else { preconditionFailure("nothing fills {{\(halves[0])}}") }
      page += value + halves.dropFirst().joined(separator: "}}")
    }
    return page
  }

  /// Text as HTML shows it.
  package static func escaped(_ text: String) -> String {
    text.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
      .replacingOccurrences(of: ">", with: "&gt;").replacingOccurrences(of: "\"", with: "&quot;")
  }

  /// A value as JSON that may stand in a script element, where "<" could end or confuse it.
  package static func json(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
      .replacingOccurrences(of: "<", with: "\\u003c")
  }
}
