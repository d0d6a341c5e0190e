import Foundation

/// A drawing, described once and rendered as SVG, PDF or PNG.
///
/// Coordinates are points (1/72 inch) from the top left corner, y downwards. Text stays text in SVG and PDF.
public struct Figure: Sendable {
  /// A place in the drawing.
  package struct Point: Sendable, Equatable {
    package var x: Double
    package var y: Double

    package init(_ x: Double, _ y: Double) { (self.x, self.y) = (x, y) }
  }

  /// What something is painted with. All but ``color(_:)`` follow the page's light or dark scheme.
  package enum Paint: Sendable, Equatable {
    /// Text and lines that matter.
    case ink
    /// Text that explains.
    case secondary
    /// Axes, grids and frames.
    case rule
    /// The background.
    case paper
    /// The same colour on any background.
    case color(Color)

    /// The colour on white paper.
    package var onPaper: Color {
      switch self {
      case .ink: .grey(0.1)
      case .secondary: .grey(0.35)
      case .rule: .grey(0.8)
      case .paper: .grey(1)
      case .color(let color): color
      }
    }
  }

  /// How a line is drawn.
  package struct Stroke: Sendable, Equatable {
    package var paint: Paint
    package var width: Double
    /// Lengths of dashes and gaps; empty for a line without gaps.
    package var dash: [Double]

    package init(_ paint: Paint, width: Double = 1, dash: [Double] = []) {
      (self.paint, self.width, self.dash) = (paint, width, dash)
    }
  }

  /// Where a text stands relative to its point.
  package enum Anchor: String, Sendable {
    case start, middle, end
  }

  /// A run of text. Its capitals are centred on the point's height.
  package struct Text: Sendable, Equatable {
    package var string: String
    package var at: Point
    package var size: Double
    package var bold = false
    package var paint = Paint.ink
    package var anchor = Anchor.start
    /// Whether it runs from bottom to top.
    package var isUpright = false
  }

  /// One thing drawn.
  package enum Mark: Sendable {
    case path([Point], isClosed: Bool, fill: Paint?, opacity: Double, stroke: Stroke?)
    case circle(center: Point, radius: Double, fill: Paint?, stroke: Stroke?)
    case text(Text)
    /// An image of a stack, each of its pixels a sharp rectangle.
    case image(ImageStack, index: Int, at: Point, width: Double, height: Double)
  }

  /// The name of its files, without extension.
  public var name: String
  /// What it shows, in a few words.
  public var title: String
  /// What a reader should know: what is drawn, from how many samples.
  public var caption: String
  /// Width in points.
  public let width: Double
  /// Height in points.
  public let height: Double
  /// What is drawn, from back to front.
  package private(set) var marks: [Mark] = []

  /// An empty drawing.
  package init(name: String, title: String, caption: String = "", width: Double, height: Double) {
    (self.name, self.title, self.caption, self.width, self.height) = (name, title, caption, width, height)
  }

  /// Draws straight lines through points; fewer than two are nothing.
  package mutating func line(_ points: [Point], _ stroke: Stroke) {
    guard points.count > 1 else { return }
    marks.append(.path(points, isClosed: false, fill: nil, opacity: 1, stroke: stroke))
  }

  /// Draws a line.
  package mutating func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ stroke: Stroke) {
    line([Point(x1, y1), Point(x2, y2)], stroke)
  }

  /// Draws a polygon.
  package mutating func area(_ points: [Point], fill: Paint?, opacity: Double = 1, stroke: Stroke? = nil) {
    guard points.count > 2 else { return }
    marks.append(.path(points, isClosed: true, fill: fill, opacity: opacity, stroke: stroke))
  }

  /// Draws a rectangle.
  package mutating func rectangle(
    _ x: Double, _ y: Double, _ width: Double, _ height: Double, fill: Paint?, opacity: Double = 1,
    stroke: Stroke? = nil
  ) {
    let corners = [Point(x, y), Point(x + width, y), Point(x + width, y + height), Point(x, y + height)]
    area(corners, fill: fill, opacity: opacity, stroke: stroke)
  }

  /// Draws a circle.
  package mutating func circle(_ x: Double, _ y: Double, radius: Double, fill: Paint?, stroke: Stroke? = nil) {
    marks.append(.circle(center: Point(x, y), radius: radius, fill: fill, stroke: stroke))
  }

  /// Writes text.
  package mutating func text(
    _ string: String, _ x: Double, _ y: Double, size: Double = 10, bold: Bool = false, paint: Paint = .ink,
    anchor: Anchor = .start, isUpright: Bool = false
  ) {
    guard !string.isEmpty else { return }
    marks.append(
      .text(
        Text(
          string: string, at: Point(x, y), size: size, bold: bold, paint: paint, anchor: anchor, isUpright: isUpright)))
  }

  /// Draws one image of a stack.
  package mutating func image(
    _ stack: ImageStack, _ index: Int, _ x: Double, _ y: Double, width: Double, height: Double
  ) {
    marks.append(.image(stack, index: index, at: Point(x, y), width: width, height: height))
  }

  /// Draws everything of another figure, moved.
  package mutating func place(_ other: Figure, _ x: Double, _ y: Double) {
    func moved(_ point: Point) -> Point { Point(point.x + x, point.y + y) }
    marks += other.marks.map { mark in
      switch mark {
      case .path(let points, let isClosed, let fill, let opacity, let stroke):
        return .path(points.map(moved), isClosed: isClosed, fill: fill, opacity: opacity, stroke: stroke)
      case .circle(let center, let radius, let fill, let stroke):
        return .circle(center: moved(center), radius: radius, fill: fill, stroke: stroke)
      case .text(var text):
        text.at = moved(text.at)
        return .text(text)
      case .image(let stack, let index, let at, let width, let height):
        return .image(stack, index: index, at: moved(at), width: width, height: height)
      }
    }
  }
}
