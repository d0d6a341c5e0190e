import CCairo
import Diagnostics
import Foundation

/// Draws figures with Cairo; the only file that knows it.
extension Figure {
  /// The drawing as a PDF file with one page of its size, text as text in an embedded font, without a date.
  ///
  /// - Throws: `StructuredError` if Cairo cannot draw it.
  public func pdf() throws -> Data {
    let bytes = Bytes()
    guard let surface = cairo_pdf_surface_create_for_stream(append, bytes.pointer, width, height) else {
      throw failure(CAIRO_STATUS_NO_MEMORY)
    }
    defer { cairo_surface_destroy(surface) }
    // An empty date is left out: equal figures are equal files.
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATE_DATE, "")
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_TITLE, title)
    try Painter(surface, scale: 1).draw(self)
    cairo_surface_finish(surface)
    try check(cairo_surface_status(surface))
    return bytes.data
  }

  /// The drawing as a PNG file.
  ///
  /// - Parameter scale: pixels for each point.
  /// - Throws: `StructuredError` if Cairo cannot draw it.
  public func png(scale: Double = 3) throws -> Data { try Canvas(self, scale: scale).png() }
}

extension ImageStack {
  /// One image as a PNG file, pixel by pixel.
  ///
  /// - Throws: `StructuredError` if Cairo cannot encode it.
  package func png(of image: Int) throws -> Data {
    let surface = try pixels(of: image)
    defer { cairo_surface_destroy(surface) }
    return try encoded(surface)
  }

  /// One image as a surface of its size, which the caller destroys.
  fileprivate func pixels(of image: Int) throws -> OpaquePointer {
    let surface = try imageSurface(width: width, height: height)
    cairo_surface_flush(surface)
    if let data = cairo_image_surface_get_data(surface) {
      let stride = Int(cairo_image_surface_get_stride(surface))
      for y in 0..<height {
        let line = UnsafeMutableRawPointer(data + y * stride).assumingMemoryBound(to: UInt32.self)
        for x in 0..<width { line[x] = (color(image: image, y: y, x: x) ?? .notANumber).word }
      }
    }
    cairo_surface_mark_dirty(surface)
    return surface
  }
}

/// A figure in pixels.
public final class Canvas {
  /// Width in pixels.
  public let width: Int
  /// Height in pixels.
  public let height: Int
  private let surface: OpaquePointer

  /// Draws a figure.
  ///
  /// - Parameters:
  ///   - figure: the figure.
  ///   - scale: pixels for each point.
  /// - Throws: `StructuredError` if it would be empty or larger than Cairo can draw (32,767 pixels a side).
  public init(_ figure: Figure, scale: Double) throws {
    // Sizes beyond any integer are clamped to one that Cairo refuses.
    func pixels(_ points: Double) -> Int { Int(min(1e6, (points * scale).rounded(.up))) }
    width = pixels(figure.width)
    height = pixels(figure.height)
    surface = try imageSurface(width: width, height: height)
    try Painter(surface, scale: scale).draw(figure)
    cairo_surface_flush(surface)
  }

  deinit { cairo_surface_destroy(surface) }

  /// The colour of a pixel.
  public func color(x: Int, y: Int) -> Color { Color(word(x: x, y: y) & 0xFFFFFF) }

  /// The pixels row by row as places in a palette: ``greys`` or ``colors``.
  package func pixels(inColor: Bool) -> [UInt8] {
    (0..<height).flatMap { y in
      (0..<width).map { x in
        let word = word(x: x, y: y)
        let (red, green, blue) = (word >> 16 & 255, word >> 8 & 255, word & 255)
        if inColor {
          // The nearest of six levels of each component.
          let levels = [red, green, blue].map { ($0 + 25) / 51 }
          return UInt8(36 * levels[0] + 6 * levels[1] + levels[2])
        }
        // Lightness as Rec. 601 has it.
        let light = 299 * red + 587 * green + 114 * blue
        return UInt8((light + 500) / 1000)
      }
    }
  }

  /// 256 greys.
  package static let greys = (0..<256).map { Color.grey(Double($0) / 255) }
  /// Six levels of each component.
  package static let colors = (0..<216).map { (index: Int) -> Color in
    let levels = [index / 36, index / 6 % 6, index % 6].map { Double($0) / 5 }
    return Color(red: levels[0], green: levels[1], blue: levels[2])
  }

  private func word(x: Int, y: Int) -> UInt32 {
    precondition((0..<width).contains(x) && (0..<height).contains(y), "no such pixel")
    guard let data = cairo_image_surface_get_data(surface) else { return Color.notANumber.word }
    let start = data + y * Int(cairo_image_surface_get_stride(surface)) + 4 * x
    return UnsafeRawPointer(start).load(as: UInt32.self)
  }

  /// The pixels as a PNG file.
  ///
  /// - Throws: `StructuredError` if Cairo cannot encode them.
  public func png() throws -> Data { try encoded(surface) }
}

/// Measures text as it will be drawn.
package struct TextRuler {
  /// The width of a text in points.
  package static func width(_ text: String, size: Double = 10, bold: Bool = false) -> Double {
    guard let surface = try? imageSurface(width: 1, height: 1) else { return 0.6 * size * Double(text.count) }
    defer { cairo_surface_destroy(surface) }
    return Painter(surface, scale: 1).advance(of: text, size: size, bold: bold)
  }
}

/// A Cairo context and its font.
private final class Painter {
  private let context: OpaquePointer?
  private let font: (family: String, isASCII: Bool)

  package init(_ surface: OpaquePointer, scale: Double) {
    font = Self.findFont()
    context = cairo_create(surface)
    cairo_scale(context, scale, scale)
    // Without hinting text is as wide in every form and at every scale.
    let options = cairo_font_options_create()
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE)
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF)
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY)
    cairo_set_font_options(context, options)
    cairo_font_options_destroy(options)
    cairo_set_line_join(context, CAIRO_LINE_JOIN_ROUND)
  }

  deinit { cairo_destroy(context) }

  package func draw(_ figure: Figure) throws {
    set(.paper)
    cairo_paint(context)
    for mark in figure.marks { try draw(mark) }
    try check(cairo_status(context))
  }

  private func draw(_ mark: Figure.Mark) throws {
    switch mark {
    case .path(let points, let isClosed, let fill, let opacity, let stroke):
      cairo_new_path(context)
      for point in points { cairo_line_to(context, point.x, point.y) }
      if isClosed { cairo_close_path(context) }
      paint(fill, opacity, stroke)
    case .circle(let center, let radius, let fill, let stroke):
      cairo_new_path(context)
      cairo_arc(context, center.x, center.y, radius, 0, 2 * Double.pi)
      paint(fill, 1, stroke)
    case .text(let text): draw(text)
    case .image(let stack, let index, let at, let width, let height):
      let pixels = try stack.pixels(of: index)
      defer { cairo_surface_destroy(pixels) }
      cairo_save(context)
      cairo_translate(context, at.x, at.y)
      cairo_scale(context, width / Double(stack.width), height / Double(stack.height))
      cairo_set_source_surface(context, pixels, 0, 0)
      cairo_pattern_set_filter(cairo_get_source(context), CAIRO_FILTER_NEAREST)
      cairo_rectangle(context, 0, 0, Double(stack.width), Double(stack.height))
      cairo_fill(context)
      cairo_restore(context)
    }
  }

  private func paint(_ fill: Figure.Paint?, _ opacity: Double, _ stroke: Figure.Stroke?) {
    if let fill {
      set(fill, opacity)
      cairo_fill_preserve(context)
    }
    if let stroke {
      set(stroke.paint)
      cairo_set_line_width(context, stroke.width)
      cairo_set_dash(context, stroke.dash, Int32(stroke.dash.count), 0)
      cairo_stroke_preserve(context)
    }
    cairo_new_path(context)
  }

  private func draw(_ text: Figure.Text) {
    let advance = advance(of: text.string, size: text.size, bold: text.bold)
    let shift: Double =
      switch text.anchor {
      case .start: 0
      case .middle: -advance / 2
      case .end: -advance
      }
    cairo_save(context)
    cairo_translate(context, text.at.x, text.at.y)
    if text.isUpright { cairo_rotate(context, -Double.pi / 2) }
    // Capitals are about 0.72 of the size high.
    cairo_move_to(context, shift, 0.36 * text.size)
    set(text.paint)
    cairo_show_text(context, drawable(text.string))
    cairo_restore(context)
    cairo_new_path(context)
  }

  package func advance(of text: String, size: Double, bold: Bool) -> Double {
    Self.select(font.family, bold, size, in: context)
    var extents = cairo_text_extents_t()
    cairo_text_extents(context, drawable(text), &extents)
    return extents.x_advance
  }

  private func set(_ paint: Figure.Paint, _ opacity: Double = 1) {
    let color = paint.onPaper
    cairo_set_source_rgba(context, color.red, color.green, color.blue, opacity)
  }

  /// The family of all text, and whether it knows ASCII only: so it is where no font is installed and Cairo falls back
  /// on the strokes that it brings along. Tried on a canvas of its own, because an error would stop all further drawing.
  private static func findFont() -> (family: String, isASCII: Bool) {
    guard let surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, 1, 1) else { return builtIn }
    defer { cairo_surface_destroy(surface) }
    guard let context = cairo_create(surface) else { return builtIn }
    defer { cairo_destroy(context) }
    let family = "DejaVu Sans"
    select(family, false, 12, in: context)
    cairo_show_text(context, "z0")
    guard cairo_status(context) == CAIRO_STATUS_SUCCESS else { return builtIn }
    return (family, cairo_scaled_font_get_type(cairo_get_scaled_font(context)) == CAIRO_FONT_TYPE_USER)
  }

  private static let builtIn = (family: "@cairo:", isASCII: true)

  /// The text in characters that the font has.
  private func drawable(_ text: String) -> String {
    guard font.isASCII else { return text }
    let plain = text.replacingOccurrences(of: "−", with: "-").replacingOccurrences(of: "σ", with: " sd")
    return String(plain.map { $0.isASCII ? $0 : "?" })
  }

  private static func select(_ family: String, _ bold: Bool, _ size: Double, in context: OpaquePointer?) {
    let weight = bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL
    cairo_select_font_face(context, family, CAIRO_FONT_SLANT_NORMAL, weight)
    cairo_set_font_size(context, size)
  }
}

// MARK: Surfaces, bytes and errors

private final class Bytes {
  package var data = Data()
  package var pointer: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }
}

private func append(
  _ closure: UnsafeMutableRawPointer?, _ bytes: UnsafePointer<UInt8>?, _ count: UInt32
) -> cairo_status_t {
  guard let closure, let bytes else { return CAIRO_STATUS_WRITE_ERROR }
  Unmanaged<Bytes>.fromOpaque(closure).takeUnretainedValue().data.append(bytes, count: Int(count))
  return CAIRO_STATUS_SUCCESS
}

private func imageSurface(width: Int, height: Int) throws -> OpaquePointer {
  guard (1...32767).contains(width), (1...32767).contains(height),
    let surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, Int32(width), Int32(height))
  else { throw StructuredError("an image of \(width) × \(height) pixels cannot be drawn") }
  guard cairo_surface_status(surface) == CAIRO_STATUS_SUCCESS else {
    let status = cairo_surface_status(surface)
    cairo_surface_destroy(surface)
    throw failure(status)
  }
  return surface
}

private func encoded(_ surface: OpaquePointer) throws -> Data {
  let bytes = Bytes()
  try check(cairo_surface_write_to_png_stream(surface, append, bytes.pointer))
  return bytes.data
}

private func check(_ status: cairo_status_t) throws {
  if status != CAIRO_STATUS_SUCCESS { throw failure(status) }
}

private func failure(_ status: cairo_status_t) -> StructuredError {
  StructuredError("the figure cannot be drawn: \(String(cString: cairo_status_to_string(status)))")
}
