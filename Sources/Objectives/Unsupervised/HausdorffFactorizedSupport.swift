import Autodiff
import Diagnostics
import NeuralLayers
import StrictConfiguration
import TensorCore

/// HFS: a VAE whose aggregate posterior is pulled towards a support that is a product of intervals, whatever the
/// correlations inside it.
///
///     L = E[−log p(x|z)] + β·KL(q(z|x) ‖ p(z)) + γ·Σ_{(a, b)} max_{u ∈ Z_a × Z_b} min_{z ∈ Z} ‖u − (z_a, z_b)‖²
///
/// Roth et al. 2023 (arXiv:2210.07347). Z are the codes of the batch (their means by default), Z_a the values
/// of latent a in it, and the sum is over pairs of latents drawn anew in each step. Gradients reach both points of the
/// maximum.
public struct HausdorffFactorizedSupport: Objective {
  /// Whose support is meant.
  public enum Codes: String, CaseIterable, Sendable {
    /// The posterior means.
    case means
    /// The codes.
    case samples
  }

  /// Settings.
  public struct Configuration: ObjectiveConfiguration {
    /// Weight of the rate.
    public var beta: Schedule = 1
    /// Weight of the distance between the supports.
    public var gamma: Schedule = 1
    /// The number of pairs of latents in a step; all, if there are fewer.
    public var pairs = 25
    /// Whose support is meant.
    public var codes = Codes.means

    /// Reads `beta`, `gamma`, `pairs` and `codes`.
    public init(from section: inout ConfigurationSection) throws {
      beta = try section.schedule("beta", default: beta, in: .atLeast(0))
      gamma = try section.schedule("gamma", default: gamma, in: .atLeast(0))
      pairs = try section.integer("pairs", default: pairs, in: .atLeast(1))
      codes = try section.choice("codes", default: codes)
    }

    /// The objective.
    public func objective(in context: ObjectiveContext) -> any Objective {
      HausdorffFactorizedSupport(configuration: self)
    }
  }

  let configuration: Configuration

  /// E[−log p(x|z)] + β·KL + γ·Σ of distances over pairs of latents.
  public func loss(of step: TrainingStep) -> LossTerms {
    let latents = step.posterior.mean.shape[1], all = latents * (latents - 1) / 2
    var stream = step.stream.split("pairs of latents")
    let chosen = stream.distinct(min(configuration.pairs, all), below: all).sorted()
    return loss(of: step, pairs: chosen.map { Self.pair($0, latents) })
  }

  /// The same for given pairs of latents.
  package func loss(of step: TrainingStep, pairs: [(Int, Int)]) -> LossTerms {
    let codes = configuration.codes == .means ? step.posterior.mean : step.codes
    return LossTerms(
      .reconstruction(step.meanDistortion),
      .rate(step.posterior.rate, weight: configuration.beta.value(at: step.number)),
      LossTerm(
        "support_distance", Self.distance(of: codes, pairs).sum(), weight: configuration.gamma.value(at: step.number)))
  }

  /// The squared distance between the supports, summed over all pairs of latents.
  public var dependence: DependenceMeasure? {
    let isOfMeans = configuration.codes == .means
    return DependenceMeasure("HFS: Σ of squared distances between supports, all pairs of latents") { means, codes in
      let codes = isOfMeans ? means : codes, latents = codes.shape[1]
      let pairs = (0..<latents * (latents - 1) / 2).map { Self.pair($0, latents) }
      return pairs.isEmpty ? 0 : Double(Self.distance(of: Variable(codes), pairs).sum().scalar)
    }
  }

  /// The pair of latents with a number from 0 to D(D − 1)/2 − 1.
  private static func pair(_ number: Int, _ latents: Int) -> (Int, Int) {
    var first = 0, rest = number
    while rest >= latents - 1 - first {
      rest -= latents - 1 - first
      first += 1
    }
    return (first, first + 1 + rest)
  }

  /// A point (z_a of image `first`, z_b of image `second`) of the product of supports, and the image with the nearest code.
  package struct Farthest: Equatable, Sendable {
    package let first: Int
    package let second: Int
    package let nearest: Int
  }

  /// The squared distance between the two supports for each pair of latents, `[P, 1]`, for codes `[B, D]`.
  package static func distance(of codes: Variable<Float>, _ pairs: [(Int, Int)]) -> Variable<Float> {
    let batch = codes.shape[0], latents = codes.shape[1], device = codes.value.device
    let values = codes.value.elements
    var rows = [[Float]](repeating: [Float](repeating: 0, count: pairs.count * batch), count: 2)
    var columns = [[Float]](repeating: [Float](repeating: 0, count: pairs.count * latents), count: 2)
    var found = [Farthest](repeating: Farthest(first: 0, second: 0, nearest: 0), count: pairs.count)
    found.withUnsafeMutableBufferPointer { found in
      nonisolated(unsafe) let found = found  // Every worker writes pairs of its own.
      device.forEachRange(pairs.count) { _, range in
        for index in range { found[index] = farthest(values, batch, latents, pairs[index]) }
      }
    }
    for (index, point) in found.enumerated() {
      for (axis, image) in [point.first, point.second].enumerated() where image != point.nearest {
        rows[axis][index * batch + image] += 1
        rows[axis][index * batch + point.nearest] -= 1
      }
      columns[0][index * latents + pairs[index].0] = 1
      columns[1][index * latents + pairs[index].1] = 1
    }
    // Rows of differences z_i − z_k, of which each pair's column is kept.
    let distances = (0..<2).map { axis in
      let difference = Variable(Tensor(rows[axis], [pairs.count, batch], on: device)).times(codes)
      return (difference * Variable(Tensor(columns[axis], [pairs.count, latents], on: device))).sum(axis: 1).squared()
    }
    return distances[0] + distances[1]
  }

  /// The point of the product of supports whose nearest code is farthest away.
  package static func farthest(_ values: [Float], _ batch: Int, _ latents: Int, _ pair: (Int, Int)) -> Farthest {
    let a = (0..<batch).map { values[$0 * latents + pair.0] }, b = (0..<batch).map { values[$0 * latents + pair.1] }
    var best: Float = -1, result = Farthest(first: 0, second: 0, nearest: 0)
    // Codes in the order of the first latent: the nearest are found first, and most points are left soon, because one code
    // nearer than the farthest so far is enough.
    let order = (0..<batch).sorted { (a[$0], $0) < (a[$1], $1) }
    for (place, first) in order.enumerated() {
      for second in 0..<batch {
        var least = Float.infinity, nearest = 0
        // Outwards from the point's own place; beyond the distance found, nothing is nearer.
        var left = place, right = place + 1
        while left >= 0 || right < batch {
          let toLeft = left >= 0 ? a[first] - a[order[left]] : .infinity
          let toRight = right < batch ? a[order[right]] - a[first] : .infinity
          let gap = min(toLeft, toRight)
          if gap * gap > least { break }
          let image: Int
          if right == batch || left >= 0 && toLeft <= toRight {
            image = order[left]
            left -= 1
          } else {
            image = order[right]
            right += 1
          }
          let dy = b[second] - b[image], distance = gap * gap + dy * dy
          if distance < least { (least, nearest) = (distance, image) }
          if least <= best { break }
        }
        if least > best {
          best = least
          result = Farthest(first: first, second: second, nearest: nearest)
        }
      }
    }
    return result
  }
}
