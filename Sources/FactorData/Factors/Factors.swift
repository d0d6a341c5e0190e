import Diagnostics

/// What is known of the generating factors of a data set's images.
public enum Factors: Sendable, Equatable {
  /// No factors are known.
  case none
  /// The images are the full grid of the factors, in order.
  case grid(FactorSpace)
  /// A table lists the values of each image; some may be unknown.
  case table(FactorTable)

  /// The factors, [K]; empty where none are known.
  public var list: [Factor] {
    switch self {
    case .none: []
    case .grid(let space): space.factors
    case .table(let table): table.factors
    }
  }

  /// Whether there are no factors.
  public var isEmpty: Bool { list.isEmpty }
  /// The names of the factors, [K].
  public var names: [String] { list.map(\.name) }
  /// The number of values of each factor, [K].
  public var sizes: [Int] { list.map(\.size) }

  /// The factors of which at least two values occur, as numbers below K.
  public var varying: [Int] {
    switch self {
    case .none: []
    case .grid(let space): space.factors.indices.filter { space.factors[$0].size > 1 }
    case .table(let table):
      table.factors.indices.filter { factor in
        let known = table.column(factor).filter { $0 != FactorTable.unknown }
        return known.contains { $0 != known.first }
      }
    }
  }

  /// The grid, where the images are exactly one.
  public var grid: FactorSpace? {
    guard case .grid(let space) = self else { return nil }
    return space
  }

  /// The number of images that the factors describe; nil where there are no factors.
  public var imageCount: Int? {
    switch self {
    case .none: nil
    case .grid(let space): space.count
    case .table(let table): table.count
    }
  }

  /// The value of one factor of one image; nil where it is unknown.
  ///
  /// - Precondition: there are such a factor and such an image.
  public func value(of factor: Int, at index: Int) -> Int? {
    switch self {
    case .none: preconditionFailure("there is no factor \(factor)")
    case .grid(let space): space.value(of: factor, at: index)
    case .table(let table): table.value(of: factor, at: index)
    }
  }

  /// The values of the factors of one image, [K]; nil where a value is unknown.
  ///
  /// - Precondition: there is such an image.
  public func values(at index: Int) -> [Int?] {
    switch self {
    case .none: []
    case .grid(let space): space.values(at: index)
    case .table(let table): table.values(at: index)
    }
  }

  /// The values of one factor of all images, [N]; ``FactorTable/unknown`` where a value is unknown.
  ///
  /// - Precondition: there is such a factor.
  public func column(_ factor: Int) -> [Int32] {
    switch self {
    case .none: preconditionFailure("there is no factor \(factor)")
    case .grid(let space): (0..<space.count).map { Int32(space.value(of: factor, at: $0)) }
    case .table(let table): table.column(factor)
    }
  }

  /// The number of images whose value is unknown, for each factor, [K].
  public var unknownCounts: [Int] {
    guard case .table(let table) = self else { return list.map { _ in 0 } }
    return table.unknownCounts
  }

  /// Whether the value of every factor is known for every image.
  public var isComplete: Bool { unknownCounts.allSatisfy { $0 == 0 } }

  /// The images whose factors are all known, which disentanglement metrics see, ascending; nil where these are all images.
  ///
  /// - Parameter location: what the error is about.
  /// - Throws: `StructuredError` where there are no factors, or no such image.
  public func completeImages(location: String) throws -> [Int]? {
    guard !isEmpty else {
      throw StructuredError(
        "the data set has no factors", at: location, expected: "a run on data whose factors are known",
        action: "Name the array of factors with dataset.factors in the run's configuration.")
    }
    guard case .table(let table) = self, !isComplete else { return nil }
    let known = (0..<table.count).filter(table.isComplete(at:))
    guard !known.isEmpty else {
      let counts = zip(names, unknownCounts).filter { $1 > 0 }.map { "\($0) for \($1)" }.joined(separator: ", ")
      throw StructuredError(
        "no image has known values of all factors; of \(table.count) images are unknown: \(counts)", at: location,
        expected: "images whose factors are all known",
        action: "Choose an array of the factors that are known with dataset.factors.")
    }
    return known
  }
}
