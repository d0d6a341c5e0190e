import Foundation

/// A colour; components from 0 to 1, encoded as sRGB.
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

  /// Makes a colour from its usual notation: 0x0072B2.
  public init(_ hexadecimal: UInt32) {
    func component(_ shift: UInt32) -> Double { Double(hexadecimal >> shift & 255) / 255 }
    self.init(red: component(16), green: component(8), blue: component(0))
  }

  /// A grey: 0 black, 1 white.
  public static func grey(_ level: Double) -> Color { Color(red: level, green: level, blue: level) }

  /// The color of a pixel whose value is not a number: magenta, so that it stands out.
  public static let notANumber = Color(red: 1, green: 0, blue: 1)

  /// The colour in a byte for each component, as 0xRRGGBB; what lies outside is clamped.
  package var word: UInt32 {
    func byte(_ value: Double) -> UInt32 { UInt32((min(1, max(0, value)) * 255).rounded()) }
    return byte(red) << 16 | byte(green) << 8 | byte(blue)
  }

  /// The colour in the notation of style sheets: "#0072b2".
  package var hexadecimal: String {
    let digits = String(word, radix: 16)
    return "#" + String(repeating: "0", count: 6 - digits.count) + digits
  }

  /// Relative luminance (WCAG 2.1), 0 black to 1 white: decides whether text on this colour is black or white.
  package var luminance: Double {
    func linear(_ value: Double) -> Double { value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4) }
    return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
  }

  /// Black or white, whichever is easier to read on this colour.
  package var contrasting: Color { luminance > 0.18 ? .grey(0) : .grey(1) }
}
