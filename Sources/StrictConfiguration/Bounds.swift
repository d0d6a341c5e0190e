/// The values that a key accepts: an interval whose ends may be open, closed or absent.
public struct Bounds<Value: Comparable & Sendable>: Sendable {
  private let lower: Value?
  private let lowerIsOpen: Bool
  private let upper: Value?
  private let upperIsOpen: Bool

  private init(_ lower: Value?, open lowerIsOpen: Bool = false, _ upper: Value?, upperOpen upperIsOpen: Bool = false) {
    self.lower = lower
    self.lowerIsOpen = lowerIsOpen
    self.upper = upper
    self.upperIsOpen = upperIsOpen
  }

  /// Every (finite) value.
  public static var any: Bounds { Bounds(nil, nil) }
  /// value ≥ least.
  public static func atLeast(_ least: Value) -> Bounds { Bounds(least, nil) }
  /// value > limit.
  public static func moreThan(_ limit: Value) -> Bounds { Bounds(limit, open: true, nil) }
  /// lowest ≤ value ≤ highest.
  public static func within(_ range: ClosedRange<Value>) -> Bounds { Bounds(range.lowerBound, range.upperBound) }
  /// lowest ≤ value < limit.
  public static func within(_ range: Range<Value>) -> Bounds {
    Bounds(range.lowerBound, range.upperBound, upperOpen: true)
  }
  /// limit < value ≤ most.
  public static func moreThan(_ limit: Value, atMost most: Value) -> Bounds { Bounds(limit, open: true, most) }
  /// lower limit < value < upper limit.
  public static func moreThan(_ limit: Value, lessThan upper: Value) -> Bounds {
    Bounds(limit, open: true, upper, upperOpen: true)
  }

  /// Whether a value lies within the bounds.
  public func contains(_ value: Value) -> Bool {
    if let lower, lowerIsOpen ? value <= lower : value < lower { return false }
    if let upper, upperIsOpen ? value >= upper : value > upper { return false }
    return true
  }

  /// The kind of value followed by its bounds, for messages: "a finite number ≥ 0".
  func describe(_ kind: String) -> String {
    func show(_ value: Value) -> String { (value as? Double).map(canonicalText) ?? "\(value)" }
    let from = lower.map { "\(lowerIsOpen ? ">" : "≥") \(show($0))" }
    let to = upper.map { "\(upperIsOpen ? "<" : "≤") \(show($0))" }
    return ([kind] + [[from, to].compactMap { $0 }.joined(separator: " and ")]).filter { !$0.isEmpty }
      .joined(separator: " ")
  }
}
