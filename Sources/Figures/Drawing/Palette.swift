import Foundation

/// The colours of figures, which people with colour blindness can distinguish, and which differ in lightness in print.
package enum Palette {
  /// Categories: the colours of Okabe and Ito (2008, "Color universal design") that carry on both white and black.
  package static let categories = [
    Color(0x0072B2), Color(0xE69F00), Color(0x009E73), Color(0xCC79A7), Color(0x56B4E9), Color(0xD55E00),
    Color(0x8C8C8C),
  ]

  /// The colour of the i-th category, again from the first after the last.
  package static func category(_ index: Int) -> Color { categories[index % categories.count] }

  /// Index-code mutual information, wherever it is drawn.
  package static let mutualInformation = categories[0]
  /// Total correlation.
  package static let totalCorrelation = categories[1]
  /// Dimension-wise KL.
  package static let dimensionWiseKL = categories[2]

  /// Amounts, 0 pale to 1 dark: lightness falls evenly in OKLab (Ottosson 2020) while the hue turns from yellow over
  /// red to violet, so that equal differences look equal, in grey as well.
  package static func amount(_ value: Double) -> Color {
    guard !value.isNaN else { return .notANumber }
    let t = min(1, max(0, value))
    let hue = (95 - 160 * t) * Double.pi / 180, chroma = 0.02 + 0.12 * sin(0.85 * Double.pi * t)
    return oklab(0.98 - 0.7 * t, chroma * cos(hue), chroma * sin(hue))
  }

  private static func oklab(_ lightness: Double, _ a: Double, _ b: Double) -> Color {
    func cube(_ value: Double) -> Double { value * value * value }
    let l = cube(lightness + 0.3963377774 * a + 0.2158037573 * b)
    let m = cube(lightness - 0.1055613458 * a - 0.0638541728 * b)
    let s = cube(lightness - 0.0894841775 * a - 1.2914855480 * b)
    func encoded(_ value: Double) -> Double {
      let value = min(1, max(0, value))
      return value <= 0.0031308 ? 12.92 * value : 1.055 * pow(value, 1 / 2.4) - 0.055
    }
    return Color(
      red: encoded(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
      green: encoded(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
      blue: encoded(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s))
  }
}
