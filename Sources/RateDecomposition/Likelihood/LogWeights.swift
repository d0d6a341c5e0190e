import Foundation

/// The mean of weights that are given by their logarithms, and how well it is known.
struct LogWeights {
  /// log(1/K Σ w).
  let logMean: Double
  /// The standard error of ``logMean`` by the delta method, s(w)/(w̄√K); nil below ``leastEffectiveSize``, where a few
  /// weights make up the mean and nothing tells how large those are that were not met.
  let standardError: Double?
  /// (Σ w)²/Σ w².
  let effectiveSize: Double

  /// The effective sample size from which the delta method is trusted.
  static let leastEffectiveSize = 10.0
  /// w/w̄.
  let relative: [Double]

  init(_ logarithms: ArraySlice<Double>) {
    let count = Double(logarithms.count), top = logarithms.max() ?? 0
    let weights = logarithms.map { exp($0 - top) }
    let sum = weights.reduce(0, +), squares = weights.reduce(0) { $0 + $1 * $1 }
    logMean = top + log(sum / count)
    relative = weights.map { $0 * count / sum }
    effectiveSize = sum * sum / squares
    standardError = effectiveSize < Self.leastEffectiveSize ? nil : Estimate(meanOf: relative).standardError
  }

  var value: MarginalLikelihood.Value {
    MarginalLikelihood.Value(
      logLikelihood: Estimate(value: logMean, standardError: standardError), effectiveSampleSize: effectiveSize)
  }

  /// log mean w − mean log w, with the standard error of the same codes' difference.
  func gap(_ logarithms: [Double]) -> Estimate {
    let mean = Estimate(meanOf: logarithms).value
    // What one code adds to log mean w, minus what it adds to mean log w.
    let influence = zip(relative, logarithms).map { $0 - $1 }
    return Estimate(
      value: max(0, logMean - mean),
      standardError: standardError == nil ? nil : Estimate(meanOf: influence).standardError)
  }

  /// The standard error of the mean of ``logMean`` over several images: independent ones, or such that image after
  /// image weighs the same codes. Nil where that of an image is not known.
  static func errorOfMean(_ images: [LogWeights], sharingCodes: Bool) -> Double? {
    guard images.allSatisfy({ $0.standardError != nil }) else { return nil }
    guard sharingCodes else { return MarginalLikelihood.Mean.independent(images.map(\.standardError)) }
    let count = Double(images.count)
    return Estimate(
      meanOf: images[0].relative.indices.map { s in images.reduce(0) { $0 + $1.relative[s] } / count }
    ).standardError
  }
}

extension MarginalLikelihood.Mean {
  /// The mean of one value for each image.
  init(_ values: [Double], samplingError: Double?) {
    let mean = Estimate(meanOf: values)
    self.init(value: mean.value, standardError: mean.standardError, samplingError: samplingError)
  }

  /// The mean of independent estimates, one for each image.
  init(_ estimates: [Estimate]) {
    self.init(estimates.map(\.value), samplingError: Self.independent(estimates.map(\.standardError)))
  }

  /// The standard error of a mean of independent estimates.
  static func independent(_ errors: [Double?]) -> Double? {
    let squares = errors.compactMap { $0.map { $0 * $0 } }
    return squares.count == errors.count ? squares.reduce(0, +).squareRoot() / Double(errors.count) : nil
  }

  /// The mean over images, and over disjoint groups of `size` log weights of each, of the logarithm of the mean weight.
  ///
  /// The sampling error is that of the delta method where it can be trusted in every group; or else it comes from the
  /// spread over the groups, if there are several.
  init(_ weights: [[Double]], groups: Int, of size: Int, sharingCodes: Bool) {
    var perImage = [Double](repeating: 0, count: weights.count), perGroup: [Double] = [], errors: [Double?] = []
    for group in 0..<groups {
      let values = weights.map { LogWeights($0[group * size..<(group + 1) * size]) }
      for (i, value) in values.enumerated() { perImage[i] += value.logMean / Double(groups) }
      perGroup.append(values.reduce(0) { $0 + $1.logMean } / Double(values.count))
      errors.append(LogWeights.errorOfMean(values, sharingCodes: sharingCodes))
    }
    self.init(
      perImage, samplingError: Self.independent(errors) ?? Estimate(meanOf: perGroup).standardError)
  }

  /// Writes every field; an unknown error as null.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(value, forKey: .value)
    try container.encode(standardError, forKey: .standardError)
    try container.encode(samplingError, forKey: .samplingError)
  }
}
