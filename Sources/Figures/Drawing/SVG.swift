import Diagnostics
import Foundation

extension Figure {
  /// The drawing as SVG 1.1, with text as text.
  ///
  /// - Parameter isInline: whether it becomes part of a page: then it has no background of its own, and the page's style
  ///   sheet may set other colours for the classes `ink`, `secondary`, `rule` and `paper`.
  /// - Throws: `StructuredError` if an image cannot be encoded.
  public func svg(isInline: Bool = false) throws -> String {
    let box = "viewBox=\"0 0 \(Self.number(width)) \(Self.number(height))\""
    // On a page, a point of 1.5 pixels makes the text as large as the page's.
    let scale = isInline ? 1.5 : 1, unit = isInline ? "" : "pt"
    let size =
      "width=\"\(Self.number(scale * width))\(unit)\" height=\"\(Self.number(scale * height))\(unit)\""
    var text =
      isInline
      ? "<svg \(box) \(size) role=\"img\" aria-label=\"\(title.escapedForXML)\""
      : "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" "
        + "xmlns:xlink=\"http://www.w3.org/1999/xlink\" version=\"1.1\" \(box) \(size)"
    text += " font-family=\"DejaVu Sans, Verdana, Geneva, sans-serif\">\n"
    if !isInline {
      text += "<title>\(title.escapedForXML)</title>\n"
      if !caption.isEmpty { text += "<desc>\(caption.escapedForXML)</desc>\n" }
      text += "<rect width=\"100%\" height=\"100%\" \(Self.paint(.paper, "fill"))/>\n"
    }
    for mark in marks { text += try Self.element(mark) + "\n" }
    return text + "</svg>\n"
  }

  private static func element(_ mark: Mark) throws -> String {
    switch mark {
    case .path(let points, let isClosed, let fill, let opacity, let stroke):
      let steps = points.enumerated().map { "\($0 == 0 ? "M" : "L")\(number($1.x)) \(number($1.y))" }
      return "<path d=\"\(steps.joined())\(isClosed ? "Z" : "")\"\(paints(fill, stroke))"
        + (opacity < 1 ? " fill-opacity=\"\(number(opacity))\"" : "") + "/>"
    case .circle(let center, let radius, let fill, let stroke):
      return
        "<circle cx=\"\(number(center.x))\" cy=\"\(number(center.y))\" r=\"\(number(radius))\"\(paints(fill, stroke))/>"
    case .text(let run):
      // Capitals are about 0.72 of the size high.
      let shift = 0.36 * run.size
      let x = run.isUpright ? run.at.x + shift : run.at.x, y = run.isUpright ? run.at.y : run.at.y + shift
      var attributes = "x=\"\(number(x))\" y=\"\(number(y))\" font-size=\"\(number(run.size))\""
      if run.bold { attributes += " font-weight=\"bold\"" }
      if run.anchor != .start { attributes += " text-anchor=\"\(run.anchor.rawValue)\"" }
      if run.isUpright { attributes += " transform=\"rotate(-90 \(number(x)) \(number(y)))\"" }
      return "<text \(attributes) \(paint(run.paint, "fill"))>\(run.string.escapedForXML)</text>"
    case .image(let stack, let index, let at, let width, let height):
      let data = try stack.png(of: index).base64EncodedString()
      return
        "<image x=\"\(number(at.x))\" y=\"\(number(at.y))\" width=\"\(number(width))\" height=\"\(number(height))\" "
        + "preserveAspectRatio=\"none\" image-rendering=\"pixelated\" style=\"image-rendering:pixelated\" "
        + "xlink:href=\"data:image/png;base64,\(data)\"/>"
    }
  }

  private static func paints(_ fill: Paint?, _ stroke: Stroke?) -> String {
    var classes: [String] = [], attributes = ""
    func add(_ paint: Paint?, _ property: String) {
      attributes += " \(property)=\"\(paint?.onPaper.hexadecimal ?? "none")\""
      if let name = paint?.styleName { classes.append("\(property)-\(name)") }
    }
    add(fill, "fill")
    if let stroke {
      add(stroke.paint, "stroke")
      attributes += " stroke-width=\"\(number(stroke.width))\" stroke-linejoin=\"round\""
      if !stroke.dash.isEmpty {
        attributes += " stroke-dasharray=\"\(stroke.dash.map(number).joined(separator: " "))\""
      }
    }
    return (classes.isEmpty ? "" : " class=\"\(classes.joined(separator: " "))\"") + attributes
  }

  private static func paint(_ paint: Paint, _ property: String) -> String {
    (paint.styleName.map { "class=\"\(property)-\($0)\" " } ?? "") + "\(property)=\"\(paint.onPaper.hexadecimal)\""
  }

  /// Two decimals at most.
  private static func number(_ value: Double) -> String {
    var text = String(format: "%.2f", value)
    while text.hasSuffix("0") { text.removeLast() }
    if text.hasSuffix(".") { text.removeLast() }
    return text == "-0" ? "0" : text
  }
}

extension Figure.Paint {
  /// What the style sheet calls it; nil for a fixed colour.
  fileprivate var styleName: String? {
    switch self {
    case .ink: "ink"
    case .secondary: "secondary"
    case .rule: "rule"
    case .paper: "paper"
    case .color: nil
    }
  }
}

extension String {
  /// The text with the characters that mean something in XML and HTML replaced, and without those that XML forbids.
  package var escapedForXML: String {
    var text = ""
    for scalar in unicodeScalars {
      switch scalar {
      case "&": text += "&amp;"
      case "<": text += "&lt;"
      case ">": text += "&gt;"
      case "\"": text += "&quot;"
      case "'": text += "&#39;"
      case "\n", "\t": text.unicodeScalars.append(scalar)
      case _ where scalar.isControl: text += "\u{FFFD}"
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text
  }
}
