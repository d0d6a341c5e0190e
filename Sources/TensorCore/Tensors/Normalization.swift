import CVectorKernels

/// The kernels of batch and group normalisation: rows of n channels, sums in double precision.
public protocol NormalizationKernels {
  /// sums[c] += Σ_r x[r, c], or Σ_r (x[r, c] − center[c])² where there is a center.
  static func columnMoments(
    _ level: VectorLevel, _ rows: Int, _ n: Int, _ x: UnsafePointer<Self>, _ center: UnsafePointer<Self>?,
    _ sums: UnsafeMutablePointer<Double>)
  /// y = (x − center)·scale + shift.
  static func normalize(
    _ level: VectorLevel, _ rows: Int, _ n: Int, _ x: UnsafePointer<Self>, _ center: UnsafePointer<Self>,
    _ scale: UnsafePointer<Self>, _ shift: UnsafePointer<Self>, _ y: UnsafeMutablePointer<Self>)
  /// sums[c] += Σ_r g and products[c] += Σ_r g·(x − center).
  static func normalizationSums(
    _ level: VectorLevel, _ rows: Int, _ n: Int, _ g: UnsafePointer<Self>, _ x: UnsafePointer<Self>,
    _ center: UnsafePointer<Self>, _ sums: UnsafeMutablePointer<Double>, _ products: UnsafeMutablePointer<Double>)
  /// gx = a·g + b·(x − center) + d, with one a, b and d for each channel.
  static func normalizationGradient(
    _ level: VectorLevel, _ rows: Int, _ n: Int, _ g: UnsafePointer<Self>, _ x: UnsafePointer<Self>,
    _ center: UnsafePointer<Self>, _ a: UnsafePointer<Self>, _ b: UnsafePointer<Self>, _ d: UnsafePointer<Self>,
    _ gx: UnsafeMutablePointer<Self>)
}

/// Which values of images `[B, H, W, C]`, or of rows `[B, C]`, share a mean and a variance.
package enum NormalizationGroups: Sendable, Hashable {
  /// All values of a channel in the batch: batch normalisation.
  case batch
  /// All values of some adjacent channels in one image: group normalisation.
  case channels(Int)
}

/// Means and variances of the groups, one of each for every segment of rows and channel, `[S, C]`: S is 1 or B.
package struct NormalizationStatistics<Scalar: TensorScalar> {
  /// Means, `[S, C]`, rounded: the variances are about these.
  package let centers: Tensor<Scalar>
  /// Biased variances, `[S, C]`.
  package let variances: [Double]
  /// Values in a group.
  package let groupCount: Int
  /// Channels in a group.
  let groupChannels: Int

  /// Statistics that were measured elsewhere, one for each channel.
  package init(centers: Tensor<Scalar>, variances: [Double]) {
    self.init(centers: centers, variances: variances, groupCount: 0, groupChannels: 1)
  }

  init(centers: Tensor<Scalar>, variances: [Double], groupCount: Int, groupChannels: Int) {
    (self.centers, self.variances) = (centers, variances)
    (self.groupCount, self.groupChannels) = (groupCount, groupChannels)
  }
}

extension Tensor {
  private var channels: Int { shape[-1] }

  /// Calls `body` for parts of the rows, each within one of the segments; parts of one segment have a slot of sums each.
  private func forEachPart(segments: Int, _ body: (_ slot: Int, _ segment: Int, _ rows: Range<Int>) -> Void) {
    let rows = count / channels / segments
    if segments == 1 {
      // Another grain would add the sums in another order.
      let grain = Swift.max(1, 32_768 / channels)
      device.forEachRange(rows, grain: grain) { worker, part in body(worker, 0, part) }
    } else {
      device.forEachRange(segments) { _, part in
        for segment in part { body(segment, segment, segment * rows..<(segment + 1) * rows) }
      }
    }
  }

  /// Adds up what workers found for each segment and channel, `[S·C]`, in the order of the workers.
  private func sums(
    segments: Int, vectors: Int,
    _ body: (_ rows: Range<Int>, _ segment: Int, _ sums: UnsafeMutablePointer<Double>) -> Void
  ) -> [[Double]] {
    let n = channels, slots = segments == 1 ? device.threads : segments
    let storage = Storage<Double>(count: slots * vectors * n, on: device)
    storage.pointer.update(repeating: 0, count: storage.count)
    forEachPart(segments: segments) { slot, segment, rows in
      body(rows, segment, storage.pointer + slot * vectors * n)
    }
    return (0..<vectors).map { vector in
      var result = [Double](repeating: 0, count: segments * n)
      for slot in 0..<slots {
        let segment = segments == 1 ? 0 : slot
        for c in 0..<n { result[segment * n + c] += storage.pointer[(slot * vectors + vector) * n + c] }
      }
      return result
    }
  }

  /// Replaces each channel's value by the sum over its group.
  private static func pooled(_ values: [Double], over channels: Int) -> [Double] {
    if channels == 1 { return values }
    var result = values
    for start in Swift.stride(from: 0, to: values.count, by: channels) {
      let sum = values[start..<start + channels].reduce(0, +)
      for i in start..<start + channels { result[i] = sum }
    }
    return result
  }

  /// Means and biased variances of the groups.
  package func normalizationStatistics(_ groups: NormalizationGroups) -> NormalizationStatistics<Scalar> {
    shape.requireAxis(-1, "normalizationStatistics")
    requireFit(count > 0, "normalizationStatistics", "\(shape) has no values")
    let n = channels, x = pointer, level = device.level
    let segments: Int, groupChannels: Int
    switch groups {
    case .batch: (segments, groupChannels) = (1, 1)
    case .channels(let channels): (segments, groupChannels) = (shape[0], channels)
    }
    requireFit(
      groupChannels > 0 && n % groupChannels == 0, "normalizationStatistics",
      "\(n) channels of \(shape) do not split into groups of \(groupChannels)")
    let groupCount = count / segments / n * groupChannels
    let totals = sums(segments: segments, vectors: 1) { rows, _, sums in
      Scalar.columnMoments(level, rows.count, n, x + rows.lowerBound * n, nil, sums)
    }
    let means = Self.pooled(totals[0], over: groupChannels).map { Scalar($0 / Double(groupCount)) }
    let centers = Tensor(means, [segments, n], on: device), center = centers.pointer
    let squares = sums(segments: segments, vectors: 1) { rows, segment, sums in
      Scalar.columnMoments(level, rows.count, n, x + rows.lowerBound * n, center + segment * n, sums)
    }
    return NormalizationStatistics(
      centers: centers, variances: Self.pooled(squares[0], over: groupChannels).map { $0 / Double(groupCount) },
      groupCount: groupCount, groupChannels: groupChannels)
  }

  /// activation(scale·(x − mean)/√(variance + ε) + shift), with scale and shift `[C]`.
  package func normalized(
    _ statistics: NormalizationStatistics<Scalar>, scale: Tensor, shift: Tensor, epsilon: Double,
    activation: Activation
  ) -> Tensor {
    let n = channels, segments = statistics.centers.shape[0], level = device.level
    requireFit(
      statistics.variances.count == segments * n && statistics.centers.count == segments * n && scale.count == n
        && shift.count == n, "normalized",
      "means \(statistics.centers.shape), \(statistics.variances.count) variances, scale \(scale.shape) and shift "
        + "\(shift.shape) do not fit \(shape)")
    let result = Tensor(uninitialized: shape, on: device)
    let scales = Tensor(
      statistics.variances.enumerated().map { i, variance in
        Scalar(Double(scale.pointer[i % n]) / (variance + epsilon).squareRoot())
      }, [segments, n], on: device)
    let (x, y, center, s, b) = (pointer, result.pointer, statistics.centers.pointer, scales.pointer, shift.pointer)
    forEachPart(segments: segments) { _, segment, rows in
      let i = rows.lowerBound * n
      Scalar.normalize(level, rows.count, n, x + i, center + segment * n, s + segment * n, b, y + i)
      if activation != .identity { Scalar.activate(level, activation, rows.count, n, nil, y + i) }
    }
    return result
  }

  /// The pullback of ``normalized(_:scale:shift:epsilon:activation:)``; self is what was normalised.
  ///
  /// - Parameters:
  ///   - gradient: the gradient before the activation.
  ///   - throughStatistics: whether mean and variance are functions of self; else they are constants.
  ///   - needsInput: whether the gradient at self is wanted.
  package func normalizationGradient(
    _ statistics: NormalizationStatistics<Scalar>, scale: Tensor, epsilon: Double, gradient: Tensor,
    throughStatistics: Bool, needsInput: Bool
  ) -> (input: Tensor?, scale: Tensor, shift: Tensor) {
    let n = channels, segments = statistics.centers.shape[0], level = device.level
    requireFit(
      gradient.count == count && scale.count == n, "normalizationGradient",
      "the gradient \(gradient.shape) and scale \(scale.shape) do not fit \(shape)")
    let (x, g, center) = (pointer, gradient.pointer, statistics.centers.pointer)
    let found = sums(segments: segments, vectors: 2) { rows, segment, sums in
      let i = rows.lowerBound * n
      Scalar.normalizationSums(level, rows.count, n, g + i, x + i, center + segment * n, sums, sums + n)
    }
    let rates = statistics.variances.map { 1 / ($0 + epsilon).squareRoot() }
    var scaleGradient = [Double](repeating: 0, count: n), shiftGradient = scaleGradient
    for i in 0..<segments * n {
      scaleGradient[i % n] += rates[i] * found[1][i]
      shiftGradient[i % n] += found[0][i]
    }
    func tensor(_ values: [Double], _ shape: Shape) -> Tensor { Tensor(values.map { Scalar($0) }, shape, on: device) }
    let parameters = (scale: tensor(scaleGradient, scale.shape), shift: tensor(shiftGradient, scale.shape))
    guard needsInput else { return (nil, parameters.scale, parameters.shift) }

    func weighted(_ values: [Double]) -> [Double] { values.indices.map { values[$0] * Double(scale.pointer[$0 % n]) } }
    let zero = [Double](repeating: 0, count: segments * n)
    let pooled =
      throughStatistics
      ? found.map { Self.pooled(weighted($0), over: statistics.groupChannels) } : [zero, zero]
    let values = Double(Swift.max(statistics.groupCount, 1)), shape = statistics.centers.shape
    let a = tensor(rates.indices.map { rates[$0] * Double(scale.pointer[$0 % n]) }, shape)
    let b = tensor(rates.indices.map { -rates[$0] * rates[$0] * rates[$0] * pooled[1][$0] / values }, shape)
    let d = tensor(rates.indices.map { -rates[$0] * pooled[0][$0] / values }, shape)
    let result = Tensor(uninitialized: self.shape, on: device)
    let (pa, pb, pd, gx) = (a.pointer, b.pointer, d.pointer, result.pointer)
    forEachPart(segments: segments) { _, segment, rows in
      let i = rows.lowerBound * n, s = segment * n
      Scalar.normalizationGradient(
        level, rows.count, n, g + i, x + i, center + s, pa + s, pb + s, pd + s, gx + i)
    }
    return (result, parameters.scale, parameters.shift)
  }
}

// The requirements are documented where they are declared.
// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
extension Float {
  public static func columnMoments(
    _ level: VectorLevel, _ rows: Int, _ n: Int, _ x: UnsafePointer<Float>, _ center: UnsafePointer<Float>?,
    _ sums: UnsafeMutablePointer<Double>
  ) { vk_column_moments_f32(level.code, rows, n, x, center, sums) }

  public static func normalize(
    _ level: VectorLevel, _ rows: Int, _ n: Int, _ x: UnsafePointer<Float>, _ center: UnsafePointer<Float>,
    _ scale: UnsafePointer<Float>, _ shift: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>
  ) { vk_normalize_f32(level.code, rows, n, x, center, scale, shift, y) }

  public static func normalizationSums(
    _ level: VectorLevel, _ rows: Int, _ n: Int, _ g: UnsafePointer<Float>, _ x: UnsafePointer<Float>,
    _ center: UnsafePointer<Float>, _ sums: UnsafeMutablePointer<Double>, _ products: UnsafeMutablePointer<Double>
  ) { vk_normalization_sums_f32(level.code, rows, n, g, x, center, sums, products) }

  public static func normalizationGradient(
    _ level: VectorLevel, _ rows: Int, _ n: Int, _ g: UnsafePointer<Float>, _ x: UnsafePointer<Float>,
    _ center: UnsafePointer<Float>, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ d: UnsafePointer<Float>,
    _ gx: UnsafeMutablePointer<Float>
  ) { vk_normalization_gradient_f32(level.code, rows, n, g, x, center, a, b, d, gx) }
}

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
extension Double {
  public static func columnMoments(
    _ level: VectorLevel, _ rows: Int, _ n: Int, _ x: UnsafePointer<Double>, _ center: UnsafePointer<Double>?,
    _ sums: UnsafeMutablePointer<Double>
  ) { vk_column_moments_f64(level.code, rows, n, x, center, sums) }

  public static func normalize(
    _ level: VectorLevel, _ rows: Int, _ n: Int, _ x: UnsafePointer<Double>, _ center: UnsafePointer<Double>,
    _ scale: UnsafePointer<Double>, _ shift: UnsafePointer<Double>, _ y: UnsafeMutablePointer<Double>
  ) { vk_normalize_f64(level.code, rows, n, x, center, scale, shift, y) }

  public static func normalizationSums(
    _ level: VectorLevel, _ rows: Int, _ n: Int, _ g: UnsafePointer<Double>, _ x: UnsafePointer<Double>,
    _ center: UnsafePointer<Double>, _ sums: UnsafeMutablePointer<Double>, _ products: UnsafeMutablePointer<Double>
  ) { vk_normalization_sums_f64(level.code, rows, n, g, x, center, sums, products) }

  public static func normalizationGradient(
    _ level: VectorLevel, _ rows: Int, _ n: Int, _ g: UnsafePointer<Double>, _ x: UnsafePointer<Double>,
    _ center: UnsafePointer<Double>, _ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>, _ d: UnsafePointer<Double>,
    _ gx: UnsafeMutablePointer<Double>
  ) { vk_normalization_gradient_f64(level.code, rows, n, g, x, center, a, b, d, gx) }
}
