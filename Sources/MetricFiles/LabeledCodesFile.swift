import Diagnostics
import DisentanglementMetrics
import FactorData
import FileFormats

/// Codes with their factors from any program: an HDF5 or NPZ file (known by its first bytes) of these arrays.
///
/// | array | shape | type | |
/// |---|---|---|---|
/// | `codes` | [N, D] | float16, float32, float64 | the code of each data point, finite |
/// | `factors` | [N, K] | any whole numbers | the value of each factor, from 0; −1 where it is unknown |
/// | `factor_names` | [K] | text | optional, also as attribute of `factors` or of the file |
/// | `factor_sizes` | [K] | whole numbers | optional: how many values each factor has |
/// | `factor_kinds` | [K] | text | optional, also as attribute: each `ordered`, `cyclic` or `categorical` |
/// | `log_variances` | [N, D] | as codes | optional: log σ² of the posteriors whose means the codes are |
/// | `mean_kl` | [D] | as codes | optional: the mean KL of each latent to the prior, nats |
/// | `sampled_codes` | [N, D] | as codes | optional: a sample of each posterior |
/// | `factor_vae/factor_index`, `factor_vae/rows` | [V], [V, L] | whole numbers | optional: stored batches |
/// | `beta_vae/factor_index`, `beta_vae/rows1`, `beta_vae/rows2` | [V], [V, L], [V, L] | whole numbers | optional: pairs |
///
/// Data points of which the value of a factor is unknown are left out, since metrics cannot use them.
public struct LabeledCodesFile: Sendable {
  /// The codes with their factors, of the N data points whose factors are all known.
  public let codes: LabeledCodes
  /// The number of data points in the file.
  public let count: Int
  /// A sample of each posterior, with the same factors.
  public let sampledCodes: LabeledCodes?
  /// log σ² of the posteriors, `[N, D]`.
  public let logVariances: [Float]?
  /// The mean KL of each latent, in nats, `[D]`.
  public let meanKL: [Double]?
  /// Stored batches for the FactorVAE score.
  public let factorVAEBatches: StoredBatches?
  /// Stored pairs of batches for the β-VAE score.
  public let betaVAEBatches: StoredBatches?

  /// More values than any factor has; tables of counts have a row for each.
  static let largestFactor = 1 << 20

  /// Reads a file.
  ///
  /// - Throws: `StructuredError` when the file is missing, damaged or neither HDF5 nor NPZ, an array is missing, empty
  ///   or of another shape or type than above, a code is not finite, a factor, size or row number is out of range, no data
  ///   point has known values of all factors, or batches are stored beside unknown ones; it names the array, and the row and
  ///   column of the value.
  public init(reading path: String) throws {
    let file = try CodesArrays(path)
    let (values, shape) = try file.numbers("codes", shape: nil, rank: 2, described: "[N, D]")
    let count = shape[0], latents = shape[1]
    let (factors, factorShape) = try file.wholeNumbers(
      "factors", shape: nil, rank: 2, described: "[N, K]", in: Int(FactorTable.unknown)..<Self.largestFactor,
      meaning: "values from 0, or −1 where one is unknown")
    guard factorShape[0] == count else {
      throw StructuredError(
        "the array has \(factorShape[0]) rows", at: file.location("factors"), expected: "\(count), as codes has")
    }
    let names = try file.names(count: factorShape[1])
    let sizes = try file.optional("factor_sizes") {
      try file.wholeNumbers(
        $0, shape: [factorShape[1]], described: "[K]", in: 1..<Self.largestFactor + 1, meaning: "numbers of values"
      ).values.map { Int($0) }
    }
    let categorical = try file.kinds(of: names).map { $0 == .categorical }
    // Data points with unknown values are left out of all arrays.
    let width = factorShape[1]
    let known = (0..<count).filter { !factors[$0 * width..<($0 + 1) * width].contains(FactorTable.unknown) }
    guard !known.isEmpty else {
      throw StructuredError(
        "no data point has known values of all factors", at: file.location("factors"),
        expected: "rows without \(FactorTable.unknown)")
    }
    func kept<Value>(_ values: [Value], _ width: Int) -> [Value] {
      known.count == count ? values : known.flatMap { values[$0 * width..<($0 + 1) * width] }
    }
    let knownFactors = kept(factors, width)
    let codes = try LabeledCodes(
      codes: kept(values, latents), latents: latents, factors: knownFactors, names: names, sizes: sizes,
      categorical: categorical, location: path)
    (self.codes, self.count) = (codes, count)
    sampledCodes = try file.optional("sampled_codes") {
      try LabeledCodes(
        codes: kept(try file.numbers($0, shape: shape, described: "[N, D]").values, latents), latents: latents,
        factors: knownFactors, names: names, sizes: codes.factorSizes, categorical: categorical, location: path)
    }
    logVariances = try file.optional("log_variances") {
      kept(try file.numbers($0, shape: shape, described: "[N, D]").values, latents)
    }
    meanKL = try file.optional("mean_kl") {
      try file.numbers($0, shape: [latents], described: "[D]").values.map { Double($0) }
    }
    if known.count < count {
      for group in ["factor_vae", "beta_vae"] where file.contains("\(group)/factor_index") {
        throw StructuredError(
          "batches are stored, and \(count - known.count) data points have unknown factors", at: file.location(group),
          expected: "known values of all factors beside stored batches")
      }
    }
    factorVAEBatches = try file.batches("factor_vae", "rows", partners: nil, codes)
    betaVAEBatches = try file.batches("beta_vae", "rows1", partners: "rows2", codes)
  }
}

/// The arrays of a file of codes, checked as they are read.
private struct CodesArrays {
  private let file: any ArrayFile
  private let present: Set<String>

  init(_ path: String) throws {
    file = try openArrayFile(path)
    present = Set(try file.arrayPaths())
  }

  func contains(_ array: String) -> Bool { present.contains(array) }

  func location(_ array: String) -> String { "\(file.path), array \"\(array)\"" }

  /// What `read` makes of an array; nil where there is none.
  func optional<Result>(_ name: String, _ read: (_ name: String) throws -> Result) rethrows -> Result? {
    present.contains(name) ? try read(name) : nil
  }

  /// Describes an array whose shape is as it should be.
  private func information(_ name: String, shape: [Int]?, rank: Int?, described: String) throws -> ArrayInformation {
    let about = try file.information(name)
    if let shape, about.shape != shape {
      throw StructuredError(
        "the array has shape \(about.shape)", at: location(name), expected: "\(described), here \(shape)")
    }
    if let rank, about.shape.count != rank {
      throw StructuredError("the array has shape \(about.shape)", at: location(name), expected: described)
    }
    guard !about.shape.contains(0) else {
      throw StructuredError("the array of shape \(about.shape) is empty", at: location(name), expected: described)
    }
    return about
  }

  /// The place of an element, as people count it in arrays.
  private func place(_ index: Int, _ shape: [Int]) -> String {
    shape.count == 1 ? "[\(index)]" : "[\(index / shape[1]), \(index % shape[1])]"
  }

  /// Finite floating-point numbers.
  func numbers(
    _ name: String, shape: [Int]?, rank: Int? = nil, described: String
  ) throws -> (values: [Float], shape: [Int]) {
    let about = try information(name, shape: shape, rank: rank, described: described)
    guard case .floatingPoint = about.type else {
      throw StructuredError("the array holds \(about.type)", at: location(name), expected: "floating-point numbers")
    }
    let values = try file.read(name, as: Float.self).values
    if let bad = values.firstIndex(where: { !$0.isFinite }) {
      throw StructuredError(
        "\(name)\(place(bad, about.shape)) is \(values[bad])", at: location(name), expected: "finite numbers",
        action: "Indices count from 0.")
    }
    return (values, about.shape)
  }

  /// Whole numbers in a range.
  func wholeNumbers(
    _ name: String, shape: [Int]?, rank: Int? = nil, described: String, in range: Range<Int>, meaning: String
  ) throws -> (values: [Int32], shape: [Int]) {
    let about = try information(name, shape: shape, rank: rank, described: described)
    var values: [Int32] = []
    values.reserveCapacity(about.count)
    func add(_ number: Int?, _ shown: @autoclosure () -> String) throws {
      guard let number, range.contains(number), let small = Int32(exactly: number) else {
        throw StructuredError(
          "\(name)\(place(values.count, about.shape)) is \(shown())", at: location(name),
          expected: "\(meaning), at most \(range.upperBound - 1)", action: "Indices count from 0.")
      }
      values.append(small)
    }
    // Numbers of 64 bits without sign do not fit, but those in the range are exact in floating point, too.
    if about.type == .integer(bits: 64, signed: false) {
      try file.forEachSlab(of: name, as: Double.self, rows: 1 << 14) { _, slab in
        for number in slab { try add(Int(exactly: number), "\(number)") }
      }
    } else {
      try file.forEachSlab(of: name, as: Int.self, rows: 1 << 14) { _, slab in
        for number in slab { try add(number, "\(number)") }
      }
    }
    return (values, about.shape)
  }

  /// The names of the factors; numbers where the file has none.
  func names(count: Int) throws -> [String] {
    let places = [("factors", "factor_names"), ("factors", "names"), ("/", "factor_names")]
    let found =
      try optional("factor_names") { try file.texts($0).texts }
      ?? places.lazy.compactMap { file.strings(ofAttribute: $1, of: $0) }.first
    guard let names = found else { return (0..<count).map { "factor \($0)" } }
    let source = present.contains("factor_names") ? location("factor_names") : "\(file.path), names of the factors"
    guard names.count == count else {
      throw StructuredError("there are \(names.count) names", at: source, expected: "\(count), one for each factor")
    }
    if let repeated = names.firstRepeated {
      throw StructuredError("two factors are called \"\(repeated)\"", at: source, expected: "names that differ")
    }
    return names
  }

  /// The kinds of the factors; where the file has none, what the names say.
  func kinds(of names: [String]) throws -> [Factor.Kind] {
    let places = [("factors", "factor_kinds"), ("factors", "kinds"), ("/", "factor_kinds")]
    let found =
      try optional("factor_kinds") { try file.texts($0).texts }
      ?? places.lazy.compactMap { file.strings(ofAttribute: $1, of: $0) }.first
    guard let texts = found else { return names.map(Factor.Kind.init(ofFactorNamed:)) }
    let source = present.contains("factor_kinds") ? location("factor_kinds") : "\(file.path), kinds of the factors"
    guard texts.count == names.count else {
      throw StructuredError(
        "there are \(texts.count) kinds", at: source, expected: "\(names.count), one for each factor")
    }
    return try texts.map { try Factor.Kind(text: $0, at: source) }
  }

  /// The stored batches of a group; nil where there is none of its arrays.
  func batches(_ group: String, _ members: String, partners: String?, _ codes: LabeledCodes) throws -> StoredBatches? {
    let index = "\(group)/factor_index", members = "\(group)/\(members)", partners = partners.map { "\(group)/\($0)" }
    guard [index, members, partners ?? members].contains(where: present.contains) else { return nil }
    func rows(_ name: String, _ shape: [Int]?) throws -> (rows: [[Int]], shape: [Int]) {
      let (values, shape) = try wholeNumbers(
        name, shape: shape, rank: 2, described: "[V, L]", in: 0..<codes.count, meaning: "row numbers from 0")
      return ((0..<shape[0]).map { v in values[v * shape[1]..<(v + 1) * shape[1]].map { Int($0) } }, shape)
    }
    let (first, shape) = try rows(members, nil)
    let factors = try wholeNumbers(
      index, shape: [shape[0]], described: "[V]", in: 0..<codes.factorCount, meaning: "columns of factors from 0")
    return StoredBatches(
      factors: factors.values.map { Int($0) }, rows: first, partners: try partners.map { try rows($0, shape).rows })
  }
}
