import CCairo
import Foundation
import TensorCore

/// A picture in memory on which images and labels are drawn, and its PNG; the only file that knows Cairo.
///
/// Coordinates are pixels from the top left corner. A canvas starts white.
public final class Canvas {
  /// A colour; components from 0 to 1.
  public struct Color: Sendable, Equatable {
    /// Red.
    public var red: Double
    /// Green.
    public var green: Double
    /// Blue.
    public var blue: Double

    /// Makes a colour.
    public init(red: Double, green: Double, blue: Double) {
      self.red = red
      self.green = green
      self.blue = blue
    }

    /// A grey: 0 black, 1 white.
    public static func grey(_ level: Double) -> Color { Color(red: level, green: level, blue: level) }

    /// What a pixel looks like whose value is not a number: magenta, which no sane picture has.
    public static let notANumber = Color(red: 1, green: 0, blue: 1)

    /// The colour as a pixel of Cairo's RGB24 format.
    fileprivate var word: UInt32 {
      func byte(_ value: Double) -> UInt32 { UInt32((min(1, max(0, value)) * 255).rounded()) }
      return byte(red) << 16 | byte(green) << 8 | byte(blue)
    }
  }

  /// Where a label stands relative to its point.
  public enum Alignment: Sendable {
    /// Begins at the point.
    case left
    /// Is centred on the point.
    case center
    /// Ends at the point.
    case right
  }

  /// Width in pixels.
  public let width: Int
  /// Height in pixels.
  public let height: Int
  private let surface: OpaquePointer
  private let context: OpaquePointer
  private let font: (family: String, isASCII: Bool)

  /// Makes a white canvas.
  ///
  /// - Throws: ``StructuredError`` if it would be empty or larger than Cairo can draw (32,767 pixels a side).
  public init(width: Int, height: Int) throws {
    guard (1...32767).contains(width), (1...32767).contains(height),
      let surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, Int32(width), Int32(height)),
      let context = cairo_create(surface)
    else { throw StructuredError("a picture of \(width) × \(height) pixels cannot be drawn") }
    self.width = width
    self.height = height
    self.surface = surface
    self.context = context
    font = Self.findFont()
    try check()
    cairo_set_source_rgb(context, 1, 1, 1)
    cairo_paint(context)
  }

  deinit {
    cairo_destroy(context)
    cairo_surface_destroy(surface)
  }

  /// Fills a rectangle.
  public func fill(x: Int, y: Int, width: Int, height: Int, _ color: Color) {
    cairo_set_source_rgb(context, color.red, color.green, color.blue)
    cairo_rectangle(context, Double(x), Double(y), Double(width), Double(height))
    cairo_fill(context)
  }

  /// Copies one image of a stack with its top left corner at (x, y), each pixel enlarged to a square, not blurred.
  ///
  /// What lies outside the canvas is cut off; what is not a number is magenta.
  public func draw(_ stack: ImageStack, image: Int, x: Int, y: Int, enlargedBy scale: Int) {
    cairo_surface_flush(surface)
    guard let data = cairo_image_surface_get_data(surface) else { return }
    let stride = Int(cairo_image_surface_get_stride(surface))
    for row in 0..<stack.height {
      for column in 0..<stack.width {
        let word = (stack.color(image: image, y: row, x: column) ?? .notANumber).word
        for py in (y + row * scale..<y + (row + 1) * scale).clamped(to: 0..<height) {
          let line = UnsafeMutableRawPointer(data + py * stride).assumingMemoryBound(to: UInt32.self)
          for px in (x + column * scale..<x + (column + 1) * scale).clamped(to: 0..<width) { line[px] = word }
        }
      }
    }
    cairo_surface_mark_dirty(surface)
  }

  /// Draws a label whose middle line passes through y.
  public func text(
    _ text: String, x: Double, y: Double, size: Double, bold: Bool = false, color: Color = .grey(0.1),
    alignment: Alignment = .left
  ) {
    Self.select(font.family, bold, size, in: context)
    let text = drawable(text)
    var extents = cairo_text_extents_t()
    cairo_text_extents(context, text, &extents)
    let shift: Double =
      switch alignment {
      case .left: 0
      case .center: -extents.x_advance / 2
      case .right: -extents.x_advance
      }
    // Capitals and digits are about 0.72 of the size high; rounding keeps all labels of a row on one line.
    cairo_move_to(context, (x + shift).rounded(), (y + 0.36 * size).rounded())
    cairo_set_source_rgb(context, color.red, color.green, color.blue)
    cairo_show_text(context, text)
  }

  /// The width of a label in pixels.
  public func textWidth(_ text: String, size: Double, bold: Bool = false) -> Double {
    Self.select(font.family, bold, size, in: context)
    let text = drawable(text)
    var extents = cairo_text_extents_t()
    cairo_text_extents(context, text, &extents)
    return extents.x_advance
  }

  /// The colour of a pixel.
  public func color(x: Int, y: Int) -> Color {
    cairo_surface_flush(surface)
    precondition((0..<width).contains(x) && (0..<height).contains(y), "no such pixel")
    guard let data = cairo_image_surface_get_data(surface) else { return .notANumber }
    let start = data + y * Int(cairo_image_surface_get_stride(surface)) + 4 * x
    let word = UnsafeRawPointer(start).load(as: UInt32.self)
    func component(_ shift: UInt32) -> Double { Double(word >> shift & 255) / 255 }
    return Color(red: component(16), green: component(8), blue: component(0))
  }

  /// The picture as the bytes of a PNG file.
  ///
  /// - Throws: ``StructuredError`` if Cairo met an error while drawing or encoding.
  public func png() throws -> Data {
    try check()
    let bytes = Bytes()
    let status = cairo_surface_write_to_png_stream(
      surface,
      { closure, bytes, count in
        guard let closure, let bytes else { return CAIRO_STATUS_WRITE_ERROR }
        Unmanaged<Bytes>.fromOpaque(closure).takeUnretainedValue().data.append(bytes, count: Int(count))
        return CAIRO_STATUS_SUCCESS
      }, Unmanaged.passUnretained(bytes).toOpaque())
    guard status == CAIRO_STATUS_SUCCESS else { throw Self.failure(status) }
    return bytes.data
  }

  private final class Bytes {
    var data = Data()
  }

  // MARK: Fonts and errors

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

  private static func select(_ family: String, _ bold: Bool, _ size: Double, in context: OpaquePointer) {
    let weight = bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL
    cairo_select_font_face(context, family, CAIRO_FONT_SLANT_NORMAL, weight)
    cairo_set_font_size(context, size)
  }

  private func check() throws {
    for status in [cairo_surface_status(surface), cairo_status(context)] where status != CAIRO_STATUS_SUCCESS {
      throw Self.failure(status)
    }
  }

  private static func failure(_ status: cairo_status_t) -> StructuredError {
    StructuredError("the picture cannot be drawn: \(String(cString: cairo_status_to_string(status)))")
  }
}
