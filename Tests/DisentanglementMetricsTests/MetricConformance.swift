import DisentanglementMetrics
import RateDecomposition
import StrictConfiguration
import TensorCore
import Testing

/// Codes of which every metric must know what to say, over the full grid of four factors with 3, 6, 8 and 8 values.
enum TestCodes: String, CaseIterable {
  /// Latent k is factor k.
  case perfect
  /// The perfect codes in a rotation that puts the information of each factor into all latents.
  case rotated
  /// The perfect codes twice.
  case duplicated
  /// The perfect codes with two latents that are constant.
  case deadDimensions
  /// Four constants.
  case constant
  /// One latent, the second factor.
  case singleLatent
  /// The perfect codes with a fifth factor that has one value.
  case singleValuedFactor
  /// The perfect codes where no factor varies: a single data point, eight times.
  case nothingVaries
  /// Normal codes that do not depend on the factors.
  case random
  /// The perfect codes in random order without a third of the combinations.
  case incompleteGrid
  /// The perfect codes with one to three data points for each combination.
  case repeatedCombinations
  /// Some of the perfect codes, with a factor that has another value for each data point.
  case identifiers
  /// A single data point.
  case onePoint
  /// Three data points.
  case threePoints

  static let sizes = [3, 6, 8, 8]
  static let names = ["shape", "scale", "x", "y"]

  /// The codes with their factors.
  var codes: LabeledCodes {
    get throws {
      let grid = Self.sizes.reduce(1, *)
      let factors = (0..<grid).map { row in
        [row / 384, row / 64 % 6, row / 8 % 8, row % 8].map { Int32($0) }
      }
      func make(_ rows: [Int], names: [String] = Self.names, extra: [Int32] = [], _ code: (Int) -> [Double]) throws
        -> LabeledCodes
      {
        let codes = rows.map { code($0).map { Float($0) } }
        return try LabeledCodes(
          codes: codes.flatMap { $0 }, latents: codes[0].count, factors: rows.flatMap { factors[$0] + extra },
          names: names, sizes: Self.sizes + extra.map { $0 + 1 }.map { Int($0) },
          categorical: names.map { $0 == "shape" })
      }
      // Centred, with unit variance.
      func perfect(_ row: Int) -> [Double] {
        zip(factors[row], Self.sizes).map { value, size in
          (Double(value) - Double(size - 1) / 2) / (Double(size * size - 1) / 12).squareRoot()
        }
      }
      var stream = RandomStream(seed: 11).split("test codes")
      let all = Array(0..<grid)
      switch self {
      case .perfect: return try make(all, perfect)
      case .rotated:
        return try make(all) { row in
          let code = perfect(row)
          return Self.rotation.map { direction in zip(direction, code).reduce(0) { $0 + $1.0 * $1.1 } }
        }
      case .duplicated: return try make(all) { perfect($0) + perfect($0) }
      case .deadDimensions: return try make(all) { perfect($0) + [0, 0.25] }
      case .constant: return try make(all) { _ in [0, 1, -1, 0.1] }
      case .singleLatent: return try make(all) { [perfect($0)[1]] }
      case .singleValuedFactor: return try make(all, names: Self.names + ["color"], extra: [0], perfect)
      case .nothingVaries: return try make([Int](repeating: 7, count: 8), perfect)
      case .random: return try make(all) { _ in (0..<4).map { _ in stream.normalPair().0 } }
      case .incompleteGrid: return try make(stream.permutation(of: grid).filter { $0 % 7 % 3 != 0 }, perfect)
      case .repeatedCombinations:
        return try make(all.flatMap { [Int](repeating: $0, count: $0 % 7 == 0 ? 3 : 1) }, perfect)
      case .identifiers:
        let some = all.filter { $0 % 19 == 0 }
        return try LabeledCodes(
          codes: some.flatMap { perfect($0).map { Float($0) } }, latents: 4,
          factors: some.enumerated().flatMap { factors[$1] + [Int32($0)] }, names: Self.names + ["image"])
      case .onePoint: return try make([5], perfect)
      case .threePoints: return try make([5, 100, 1000], perfect)
      }
    }
  }

  /// The codes with whatever else a metric may ask for: posteriors of variance e⁻⁶ around them.
  func input(threads: Int = 2) throws -> MetricInput {
    let codes = try codes
    let posterior = try PosteriorTable(
      means: codes.codes, logVariances: [Float](repeating: -6, count: codes.codes.count), latents: codes.latents)
    return MetricInput(codes: codes, posterior: posterior, device: Device(threads: threads))
  }

  /// Four orthonormal directions that share each factor evenly among the latents (Hadamard's matrix).
  private static let rotation = [[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]].map {
    $0.map { Double($0) / 2 }
  }
}

/// Holds a metric to what all must do, on all test codes: every score is a finite number or says in a sentence why there
/// is none; parts span all latents and factors; the same stream gives the same result on one thread and on two, or
/// nearly the same where sums are split among threads.
///
/// - Returns: what it found, to check what only this metric promises.
func checkMetric(
  _ configuration: any MetricConfiguration.Type, _ settings: String = "{}", preset: MetricPreset = .dlib,
  threadTolerance: Double = 0, sourceLocation: SourceLocation = #_sourceLocation
) throws -> [TestCodes: MetricResult] {
  let metric = try decode(configuration, settings, preset: preset).metric()
  var results: [TestCodes: MetricResult] = [:]
  for codes in TestCodes.allCases {
    let stream = RandomStream(seed: 3).split(codes.rawValue)
    let input = try codes.input(), result = try metric.evaluate(input, stream: stream)
    #expect(!result.scores.isEmpty, "\(codes): no scores", sourceLocation: sourceLocation)
    #expect(Set(result.scores.map(\.name)).count == result.scores.count, sourceLocation: sourceLocation)
    for score in result.scores {
      let place = "\(codes), \(score.name): \(score)"
      #expect((score.value == nil) == (score.undefined != nil), "\(place)", sourceLocation: sourceLocation)
      #expect(score.value?.isFinite ?? true, "\(place)", sourceLocation: sourceLocation)
      #expect((score.standardError ?? 0) >= 0, "\(place)", sourceLocation: sourceLocation)
      #expect(score.standardError?.isFinite ?? true, "\(place)", sourceLocation: sourceLocation)
      #expect(score.undefined?.hasSuffix(".") ?? true, "\(place)", sourceLocation: sourceLocation)
    }
    for part in result.parts {
      for (axis, length) in zip(part.axes, part.shape) {
        if axis == "latent" { #expect(length == input.codes.latents, "\(codes), \(part.name)") }
        if axis == "factor" { #expect(length == input.codes.factorCount, "\(codes), \(part.name)") }
      }
    }
    let again = try metric.evaluate(codes.input(threads: 1), stream: stream)
    let isSame =
      threadTolerance == 0
      ? again == result
      : again.scores.map(\.name) == result.scores.map(\.name)
        && zip(again.scores, result.scores).allSatisfy { a, b in
          guard let one = a.value, let other = b.value else { return a.undefined == b.undefined }
          return abs(one - other) <= threadTolerance
        }
    #expect(isSame, "\(codes): another result on one thread", sourceLocation: sourceLocation)
    results[codes] = result
  }
  return results
}

/// The settings of a metric, read from YAML.
func decode(
  _ configuration: any MetricConfiguration.Type, _ yaml: String, preset: MetricPreset = .dlib
) throws -> any MetricConfiguration {
  let document = try ConfigurationDocument(yaml: "preset: \(preset)\nmetric: \(yaml)", source: "test")
  func decoded<C: MetricConfiguration>(_ type: C.Type) throws -> any MetricConfiguration {
    try document.decode(WrappedSettings<C>.self).value.settings
  }
  return try decoded(configuration)
}

private struct WrappedSettings<C: MetricConfiguration>: StrictlyDecodable {
  let settings: C

  init(from section: inout ConfigurationSection) throws {
    let preset = try section.choice("preset", as: MetricPreset.self)
    settings = try section.section("metric") { try C(from: &$0, preset: preset) }
  }
}
