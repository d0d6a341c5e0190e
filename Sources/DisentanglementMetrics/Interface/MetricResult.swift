import Diagnostics

/// One number of a metric.
public struct MetricScore: Sendable, Equatable, Codable {
  /// What it is called, as `disentanglement`.
  public var name: String
  /// The value; nil if it is undefined.
  public var value: Double?
  /// Its standard error, by bootstrap or over repeats; nil where it is not known.
  public var standardError: Double?
  /// How many values of the score ``standardError`` was computed from, where they are few: repeats with other data points, or
  /// disjoint parts of the data. Such an error is itself uncertain: an interval takes Student's t with `repeats − 1`
  /// degrees of freedom, 4.3 standard errors instead of 2 for 95 % with three repeats. Nil for an error from many data
  /// points or the bootstrap.
  public var repeats: Int?
  /// Its unit, as `nats`; nil for a pure number.
  public var unit: String?
  /// Why it is undefined: a sentence. Nil if there is a value.
  public var undefined: String?

  /// A score with a value.
  public init(
    _ name: String, _ value: Double, standardError: Double? = nil, repeats: Int? = nil, unit: String? = nil
  ) {
    self.name = name
    self.value = value
    self.standardError = standardError
    self.repeats = standardError == nil ? nil : repeats
    self.unit = unit
  }

  /// "± 0.0312 (3 repeats)" after the value; nil without a standard error.
  public var uncertainty: String? {
    standardError.map { "± \(Format.number($0))" + (repeats.map { " (\($0) repeats)" } ?? "") }
  }

  /// A score that has none.
  public init(_ name: String, undefined reason: String) {
    self.name = name
    undefined = reason
  }

  private enum CodingKeys: String, CodingKey {
    case name, value, repeats, unit, undefined
    case standardError = "standard_error"
  }
}

/// Numbers behind a score: a list or a matrix with named axes.
public struct MetricPart: Sendable, Equatable, Codable {
  /// What it is called, as `mutual_information`.
  public var name: String
  /// What its axes are: `latent`, `factor`, `class`, ….
  public var axes: [String]
  /// The length of each axis.
  public var shape: [Int]
  /// The values in row-major order; nil where one is undefined.
  public var values: [Double?]
  /// Their unit, as `nats`; nil for pure numbers.
  public var unit: String?

  /// Takes the values; those that are not finite become undefined.
  public init(_ name: String, axes: [String], shape: [Int], values: [Double], unit: String? = nil) {
    precondition(axes.count == shape.count && shape.reduce(1, *) == values.count, "\(name) does not fill its axes")
    self.name = name
    self.axes = axes
    self.shape = shape
    self.values = values.map { $0.isFinite ? $0 : nil }
    self.unit = unit
  }
}

/// What a metric found.
public struct MetricResult: Sendable, Equatable, Codable {
  /// The scores, the most important one first.
  public var scores: [MetricScore]
  /// What they are made of.
  public var parts: [MetricPart]
  /// What a reader should know: sentences.
  public var notes: [String]

  /// Gathers the findings.
  public init(_ scores: [MetricScore], parts: [MetricPart] = [], notes: [String] = []) {
    self.scores = scores
    self.parts = parts
    self.notes = notes
  }

  /// The score of a name.
  public func score(_ name: String) -> MetricScore? { scores.first { $0.name == name } }
  /// The part of a name.
  public func part(_ name: String) -> MetricPart? { parts.first { $0.name == name } }
}
