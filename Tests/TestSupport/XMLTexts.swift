import Foundation
import FoundationXML

/// The texts of an XML document by the names of their elements.
public final class XMLTexts: NSObject, XMLParserDelegate {
  /// The texts by the names of their elements, in order.
  public private(set) var texts: [String: [String]] = [:]
  /// How often each element occurs.
  public private(set) var counts: [String: Int] = [:]
  /// Whether the document is well-formed.
  public private(set) var isWhole = false
  private var open: [(name: String, text: String)] = []

  /// All texts of `text` elements, as in SVG, one per line.
  public var all: String { (texts["text"] ?? []).joined(separator: "\n") }

  /// Reads a document.
  public init(_ data: Data) {
    super.init()
    let parser = XMLParser(data: data)
    parser.delegate = self
    isWhole = parser.parse()
  }

  /// Called by the parser.
  public func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
    attributes: [String: String]
  ) {
    counts[name, default: 0] += 1
    open.append((name, ""))
  }

  /// Called by the parser.
  public func parser(_ parser: XMLParser, foundCharacters string: String) {
    if !open.isEmpty { open[open.count - 1].text += string }
  }

  /// Called by the parser.
  public func parser(_ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?) {
    guard let last = open.popLast() else { return }
    texts[last.name, default: []].append(last.text)
  }
}
