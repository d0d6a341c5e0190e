import Diagnostics
import Figures
import Foundation

/// What the figures of a study share: labels, scales, and how many points are drawn.
enum StudyDrawing {
  /// The width of all figures, in points.
  static let width = 520.0
  /// More objectives, scores or data sets than this are left out of a figure, and its caption says so.
  static let most = 40
  /// The greatest height of a figure, in points, with which it can be drawn as PNG.
  static let mostHeight = 9_000.0
  /// The most points that a figure draws, so that SVG files stay small.
  private static let mostPoints = 4_000
  /// The most points of one group.
  private static let mostOfGroup = 300
  /// Values beyond this have no place on an axis.
  private static let largest = 1e100

  /// The start of a text that is not wider than `width`, with an ellipsis if something is cut off.
  static func fitted(_ text: String, width: Double, size: Double = Plot.tickSize) -> String {
    let text = String(text.unicodeScalars.prefix(200)).escapingControls()
    guard TextRuler.width(text, size: size) > width else { return text }
    var low = 0, high = text.count
    while low < high {
      let middle = (low + high + 1) / 2
      if TextRuler.width(text.prefix(middle) + "…", size: size) <= width { low = middle } else { high = middle - 1 }
    }
    return text.prefix(low) + "…"
  }

  /// Labels without the words that all of them begin with, and these words: "beta" and "1", "4" of "beta 1", "beta 4".
  static func withoutSharedWords(_ texts: [String]) -> (words: String, labels: [String]) {
    let words = texts.map { $0.split(separator: " ").map(String.init) }
    guard let first = words.first else { return ("", []) }
    var shared = texts.count > 1 ? 0 : max(0, first.count - 1)
    if texts.count > 1 {
      while words.allSatisfy({ $0.count > shared + 1 && $0[shared] == first[shared] }) { shared += 1 }
    }
    return (first.prefix(shared).joined(separator: " "), words.map { $0.dropFirst(shared).joined(separator: " ") })
  }

  /// Labels cut to a width, and that of the widest.
  static func fitted(_ texts: [String], width: Double) -> (texts: [String], widest: Double) {
    let fitted = texts.map { Self.fitted($0, width: width) }
    return (fitted, fitted.map { TextRuler.width($0, size: Plot.tickSize) }.max() ?? 0)
  }

  /// An axis that covers values.
  static func scale(_ values: [Double], from start: Double, to end: Double, ticks: Int) -> Scale {
    Scale(covering: values.filter { abs($0) < largest }, from: start, to: end, ticks: ticks)
  }

  /// About `count` ticks of an axis, with powers of ten where digits would run into each other.
  static func ticks(_ scale: Scale, _ count: Int) -> [Scale.Tick] {
    let ticks = scale.ticks(count)
    guard ticks.contains(where: { $0.label.count > 6 }) else { return ticks }
    return ticks.map { tick in
      let label = String(format: "%.2g", tick.value).replacingOccurrences(of: "-", with: "−")
      return Scale.Tick(value: tick.value, label: label)
    }
  }

  /// How many points each of some groups of one figure may have: 300, or 4,000 over their number.
  static func points(groups: Int) -> Int { max(2, min(mostOfGroup, mostPoints / max(1, groups))) }

  /// The positions of at most `most` of `count` sorted values, evenly spaced, with the first and the last.
  static func thinned(_ count: Int, to most: Int) -> [Int] {
    guard count > most, most > 1 else { return Array(0..<count) }
    return (0..<most).map { $0 * (count - 1) / (most - 1) }
  }

  /// What a caption says where some of `groups` groups of `counts` points are thinned.
  static func note(_ counts: [Int], groups: Int) -> String {
    let most = points(groups: groups)
    guard counts.contains(where: { $0 > most }) else { return "" }
    return
      " At most \(most) points of a group are drawn, evenly spaced in their order; all runs count for everything else."
  }

  /// What a caption says where not all of something is drawn.
  static func note(_ count: Int, of what: String, drawn: Int = most) -> String {
    count > drawn ? " The first \(drawn) of \(count) \(what) are drawn." : ""
  }

  /// "name: shapes3d" for the title of a figure of one data set among several.
  static func title(_ text: String, _ dataset: String) -> String { dataset.isEmpty ? text : "\(text): \(dataset)" }

  /// A sequence on −1 ..< 1 that fills it evenly: multiples of the golden ratio; 0 for a single point.
  static func jitter(_ index: Int, of count: Int) -> Double {
    guard count > 1 else { return 0 }
    let position = Double(index) * 0.6180339887498949
    return 2 * (position - position.rounded(.down)) - 1
  }
}

extension Palette {
  /// Signed amounts: −1 dark blue, 0 nearly white, 1 dark orange; as light on both sides.
  static func signed(_ value: Double) -> Color {
    guard !value.isNaN else { return .notANumber }
    let size = min(1, abs(value)), middle = Color(0xF7F7F5)
    let (half, full) = value < 0 ? (Color(0x74B0DB), Color(0x0A4A82)) : (Color(0xEFA06B), Color(0x973502))
    return size < 0.5 ? middle.mixed(with: half, 2 * size) : half.mixed(with: full, 2 * size - 1)
  }
}

extension Color {
  /// The colour a part of the way to another.
  fileprivate func mixed(with other: Color, _ part: Double) -> Color {
    Color(
      red: red + (other.red - red) * part, green: green + (other.green - green) * part,
      blue: blue + (other.blue - blue) * part)
  }
}
