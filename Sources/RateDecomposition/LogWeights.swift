import Foundation

/// The mean of weights that are given by their logarithms, and how well it is known.
struct LogWeights {
  /// log(1/K Σ w).
  let logMean: Double
  /// The standard error of ``logMean`` by the delta method, s(w)/(w̄√K); nil for a single weight.
  let standardError: Double?
  /// (Σ w)²/Σ w².
  let effectiveSize: Double
  /// w/w̄.
  private let relative: [Double]

  init(_ logarithms: ArraySlice<Double>) {
    let count = Double(logarithms.count), top = logarithms.max() ?? 0
    let weights = logarithms.map { exp($0 - top) }
    let sum = weights.reduce(0, +), squares = weights.reduce(0) { $0 + $1 * $1 }
    logMean = top + log(sum / count)
    relative = weights.map { $0 * count / sum }
    effectiveSize = sum * sum / squares
    standardError = Estimate(meanOf: relative).standardError
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
    return Estimate(value: max(0, logMean - mean), standardError: Estimate(meanOf: influence).standardError)
  }

  /// The standard error of the mean over several images of ``logMean``, where image after image weighs the same codes.
  static func sharedError(_ images: [ArraySlice<Double>]) -> Double? {
    let relative = images.map { LogWeights($0).relative }, count = Double(images.count)
    return Estimate(meanOf: relative[0].indices.map { s in relative.reduce(0) { $0 + $1[s] } / count }).standardError
  }
}

extension MarginalLikelihood.Mean {
  /// The mean of one value for each image.
  init(_ values: [Double], samplingError: Double?) {
    let mean = Estimate(meanOf: values)
    self.init(value: mean.value, standardError: mean.standardError, samplingError: samplingError)
  }

  /// The standard error of a mean of independent estimates.
  static func independent(_ errors: [Double?]) -> Double? {
    let squares = errors.compactMap { $0.map { $0 * $0 } }
    return squares.count == errors.count ? squares.reduce(0, +).squareRoot() / Double(errors.count) : nil
  }

  /// The mean over images, and over disjoint groups of `size` log weights of each, of the logarithm of the mean weight.
  ///
  /// With twenty groups or more the sampling error comes from their spread, with fewer from the delta method in each.
  init(_ weights: [[Double]], groups: Int, of size: Int, isShared: Bool) {
    var perImage = [Double](repeating: 0, count: weights.count), perGroup: [Double] = [], errors: [Double?] = []
    for group in 0..<groups {
      let slices = weights.map { $0[group * size..<(group + 1) * size] }
      let values = slices.map { LogWeights($0) }
      for (i, value) in values.enumerated() { perImage[i] += value.logMean / Double(groups) }
      perGroup.append(values.reduce(0) { $0 + $1.logMean } / Double(values.count))
      guard groups < 20 else { continue }
      errors.append(isShared ? LogWeights.sharedError(slices) : Self.independent(values.map(\.standardError)))
    }
    self.init(
      perImage, samplingError: groups < 20 ? Self.independent(errors) : Estimate(meanOf: perGroup).standardError)
  }
}
