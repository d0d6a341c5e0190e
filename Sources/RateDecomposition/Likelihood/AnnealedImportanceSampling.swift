import Diagnostics
import Foundation
import TensorCore

/// Annealed importance sampling of log p(x) for some images (Neal 2001, "Annealed importance sampling"; Wu et al. 2017,
/// arXiv:1611.04273).
///
/// A chain starts at a code from b(z) and passes the densities f_β of an `AnnealingPath`, 0 = β₀ < β₁ < … < β_T = 1:
///
///     log w = Σ_t log f_{β_t}(z_{t−1}) − log f_{β_{t−1}}(z_{t−1}),   z_t by a transition that leaves f_{β_t} invariant
///
/// The mean weight of some chains estimates p(x) without bias, so its logarithm is too low on average. With T = 1 this is
/// importance sampling.
///
/// Step sizes and the places of β are tuned in a run of its own, with other random numbers, and stay as they are in the run
/// that is measured: a chain whose steps depend on its own past does not leave f_β invariant, and its estimate is no lower
/// bound. Images do not depend on each other.
package struct AnnealedImportanceSampling {
  /// How to anneal.
  package struct Options: Sendable, Equatable {
    /// Chains for each image.
    var chains: Int
    /// T, the number of steps in β.
    var distributions: Int
    /// Leapfrog steps in a transition.
    var leapfrogSteps: Int
    /// The acceptance that step sizes are tuned to.
    var acceptance = 0.65
    /// Chains for each image in the tuning run.
    var tuningChains = Self.tuningChains
    static let tuningChains = 4
    /// How far one transition of a tuning run moves the logarithm of a step size, for each unit of acceptance.
    var adaptationRate = 0.3

    /// Options with the usual tuning.
    package init(chains: Int, distributions: Int, leapfrogSteps: Int) {
      (self.chains, self.distributions, self.leapfrogSteps) = (chains, distributions, leapfrogSteps)
    }
  }

  /// A schedule with the steps of its chains.
  package struct Tuning: Equatable {
    /// β₀ … β_T of each image, `[T + 1][images]`.
    package var schedule: [[Double]]
    /// A step size for each transition t = 1 … T − 1 and image, in units of the path's scales; nil to find them on the way.
    package var stepSizes: [[Double]]?
  }

  let options: Options
  let path: AnnealingPath
  let likelihood: CodeLikelihood
  private let stream: RandomStream
  /// The numbers of the images in their data set, which determine their random numbers.
  private let indices: [Int]

  /// Prepares the annealing of images.
  ///
  /// - Parameters:
  ///   - indices: their numbers in the data set.
  ///   - path: the densities.
  ///   - options: how to anneal.
  ///   - stream: what the random numbers are derived from.
  ///   - likelihood: log p(x|z) of the images.
  package init(
    _ indices: [Int], along path: AnnealingPath, options: Options, stream: RandomStream, _ likelihood: CodeLikelihood
  ) {
    (self.options, self.likelihood, self.stream, self.indices) = (options, likelihood, stream, indices)
    self.path = path
  }

  /// The same β for all images, and step sizes to be found.
  package func untuned(_ schedule: [Double]? = nil) -> Tuning {
    let common = schedule ?? Self.schedule(options.distributions, fromPrior: path.startsAtPrior)
    return Tuning(schedule: common.map { [Double](repeating: $0, count: indices.count) })
  }

  /// 0 = β₀ < … < β_T = 1: through a sigmoid, with fine steps at both ends (Wu et al. 2017, §4.1, with ±4); from the prior,
  /// where log p(x|z) varies by hundreds of nats, fourth powers.
  static func schedule(_ distributions: Int, fromPrior: Bool) -> [Double] {
    let places = (0...distributions).map { Double($0) / Double(distributions) }
    if fromPrior { return places.map { pow($0, 4) } }
    func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
    let low = sigmoid(-4), high = sigmoid(4)
    return [0] + places.dropFirst().dropLast().map { (sigmoid(8 * $0 - 4) - low) / (high - low) } + [1]
  }

  /// The decoder's evaluations for one chain of a run.
  var evaluations: Int { 1 + (options.distributions - 1) * options.leapfrogSteps }

  /// A run after a transition.
  package struct Visit {
    /// Which density the transition left invariant.
    let t: Int
    /// ∂ log f/∂β of the chains before the step from β_{t−1} to β_t.
    let slopes: [Double]
    /// The chains.
    let chains: HamiltonianChains
    /// Their weights up to β_t.
    let logWeights: [Double]
  }

  /// What came out of a run.
  package struct Result {
    /// log w of each image's chains, `[images][chains]`.
    package var logWeights: [[Double]]
    /// The mean probability of acceptance of each image.
    var acceptance: [Double]
    /// The step sizes used.
    var stepSizes: [[Double]]
  }

  /// Finds step sizes and the places of β by a run with random numbers of its own.
  ///
  /// The variance of log w of short steps is Σ (Δβ)²·V, with V the variance of ∂ log f/∂β in f_β; it is least where all steps have
  /// the same length Δβ·√V (Gelman & Meng 1998, "Simulating normalizing constants", §4.2).
  ///
  /// - Parameter schedule: places of β that are kept; nil to find them.
  func tuned(_ schedule: [Double]? = nil) throws -> Tuning {
    let pilot = untuned(schedule)
    var deviations: [[Double]] = []
    let result = try run(chains: options.tuningChains, pilot, "tuning", movingAtTheEnd: true) { visit in
      deviations.append(
        indices.indices.map { i in
          let own = visit.slopes[i * options.tuningChains..<(i + 1) * options.tuningChains]
          return Estimate(meanOf: Array(own)).standardError ?? 0
        })
    }
    guard schedule == nil, options.distributions > 2 else {
      return Tuning(schedule: pilot.schedule, stepSizes: result.stepSizes)
    }
    var tuning = Tuning(schedule: pilot.schedule, stepSizes: result.stepSizes)
    for i in indices.indices {
      let betas = pilot.schedule.map { $0[i] }
      let own = Self.places(betas, deviations.map { $0[i] }, result.stepSizes.map { $0[i] })
      for t in 1..<options.distributions {
        tuning.schedule[t][i] = own[t - 1].beta
        tuning.stepSizes?[t - 1][i] = own[t - 1].stepSize
      }
    }
    return tuning
  }

  /// One image's places of β at equal distances, and step sizes there between those of the pilot's neighbours.
  private static func places(
    _ betas: [Double], _ deviations: [Double], _ stepSizes: [Double]
  ) -> [(beta: Double, stepSize: Double)] {
    let count = betas.count - 1
    // The last place has no chains: that before it stands in. Neighbours make up for few chains.
    func smooth(_ t: Int) -> Double {
      let part = deviations[max(0, t - 2)...min(deviations.count - 1, max(t + 2, 0))]
      return part.reduce(0, +) / Double(part.count)
    }
    var lengths = (0..<count).map { t in
      (betas[t + 1] - betas[t]) * (smooth(min(t, deviations.count - 1)) + smooth(min(t + 1, deviations.count - 1))) / 2
    }
    let mean = lengths.reduce(0, +) / Double(count)
    // No interval of the pilot is stretched beyond measure.
    lengths = lengths.map { mean > 0 ? $0 + 0.2 * mean : 1 }
    let step = lengths.reduce(0, +) / Double(count)
    var places: [(Double, Double)] = [], interval = 0, before = 0.0
    for t in 1..<count {
      let target = Double(t) * step
      while interval < count - 1, before + lengths[interval] < target {
        before += lengths[interval]
        interval += 1
      }
      let part = min(1, (target - before) / lengths[interval])
      let low = stepSizes[min(max(interval - 1, 0), stepSizes.count - 1)]
      let high = stepSizes[min(interval, stepSizes.count - 1)]
      places.append((betas[interval] + part * (betas[interval + 1] - betas[interval]), low * pow(high / low, part)))
    }
    return places
  }

  /// A run from b(z) to the posterior: its weights estimate p(x) without bias.
  ///
  /// - Parameters:
  ///   - tuning: what ``tuned(_:)`` returned; without step sizes they adapt in the run itself, which voids the bound.
  ///   - purpose: what the run's random numbers are derived from.
  ///   - movingAtTheEnd: whether the last density has a transition too, which no weight needs.
  ///   - visit: called after each transition.
  package func run(
    chains: Int? = nil, _ tuning: Tuning, _ purpose: String = "forward", movingAtTheEnd: Bool = false,
    visit: (Visit) throws -> Void = { _ in }
  ) throws -> Result {
    let perImage = chains ?? options.chains, schedule = tuning.schedule
    var streams = streams(perImage, purpose)
    var codes = [Double](repeating: 0, count: streams.count * likelihood.latents)
    let images = images(perImage)
    for c in streams.indices {
      path.draw(image: images[c], &streams[c], into: &codes, at: c * likelihood.latents)
    }
    var state = try HamiltonianChains(at: codes, images: images, streams: streams, likelihood)
    var weights = [Double](repeating: 0, count: images.count)
    var tuner = StepSizeTuner(images: indices.count, options, given: tuning.stepSizes)
    for t in 1..<schedule.count {
      let slopes = state.slopes(path)
      for (c, i) in images.enumerated() { weights[c] += (schedule[t][i] - schedule[t - 1][i]) * slopes[c] }
      guard t < schedule.count - 1 || movingAtTheEnd else { break }
      let accepted = try state.move(
        along: path, at: schedule[t], stepSizes: tuner.stepSizes(t), leapfrogSteps: options.leapfrogSteps, likelihood)
      tuner.record(mean(accepted, perImage))
      try visit(Visit(t: t, slopes: slopes, chains: state, logWeights: weights))
    }
    return result(weights, perImage, tuner)
  }

  /// A run from the posterior back to b(z), from one exact sample of p(z|x) for each image, `[images, D]`: the mean of 1/w
  /// estimates 1/p(x) without bias, so −log of it is too high on average (Grosse et al. 2015, arXiv:1511.02543).
  ///
  /// - Returns: log w, by which −log mean(1/w) is the upper bound.
  func reverse(from exact: [Double], _ tuning: Tuning) throws -> Result {
    let perImage = options.chains, d = likelihood.latents, images = images(perImage), schedule = tuning.schedule
    let codes = images.flatMap { exact[$0 * d..<($0 + 1) * d] }
    var state = try HamiltonianChains(at: codes, images: images, streams: streams(perImage, "reverse"), likelihood)
    var weights = [Double](repeating: 0, count: images.count)
    var tuner = StepSizeTuner(images: indices.count, options, given: tuning.stepSizes)
    for t in stride(from: schedule.count - 1, through: 1, by: -1) {
      let slopes = state.slopes(path)
      for (c, i) in images.enumerated() { weights[c] += (schedule[t][i] - schedule[t - 1][i]) * slopes[c] }
      guard t > 1 else { break }
      let accepted = try state.move(
        along: path, at: schedule[t - 1], stepSizes: tuner.stepSizes(t - 1), leapfrogSteps: options.leapfrogSteps,
        likelihood)
      tuner.record(mean(accepted, perImage))
    }
    return result(weights, perImage, tuner)
  }

  private func images(_ perImage: Int) -> [Int] {
    indices.indices.flatMap { [Int](repeating: $0, count: perImage) }
  }

  private func streams(_ perImage: Int, _ purpose: String) -> [RandomStream] {
    indices.flatMap { index in
      let own = stream.split(purpose, index)
      return (0..<perImage).map { own.split("chain", $0) }
    }
  }

  private func mean(_ values: [Double], _ perImage: Int) -> [Double] {
    indices.indices.map { i in values[i * perImage..<(i + 1) * perImage].reduce(0, +) / Double(perImage) }
  }

  private func result(_ weights: [Double], _ perImage: Int, _ tuner: StepSizeTuner) -> Result {
    Result(
      logWeights: indices.indices.map { Array(weights[$0 * perImage..<($0 + 1) * perImage]) },
      acceptance: tuner.meanAcceptance, stepSizes: tuner.used)
  }
}

/// The step sizes of a run: given, or moved after each transition so that its acceptance comes to the target.
private struct StepSizeTuner {
  let options: AnnealedImportanceSampling.Options
  let given: [[Double]]?
  private(set) var used: [[Double]] = []
  private var current: [Double]
  private var sums: [Double]

  /// A range that a step in units of a density's scale never has to leave.
  private static let range = 1e-4...4.0

  init(
    images: Int, _ options: AnnealedImportanceSampling.Options, given: [[Double]]?
  ) {
    (self.options, self.given) = (options, given)
    current = [Double](repeating: 0.5, count: images)
    sums = [Double](repeating: 0, count: images)
  }

  mutating func stepSizes(_ t: Int) -> [Double] {
    if let given { current = given[t - 1] }
    used.append(current)
    return current
  }

  mutating func record(_ acceptance: [Double]) {
    for i in current.indices {
      sums[i] += acceptance[i]
      if given == nil {
        let moved = current[i] * exp(options.adaptationRate * (acceptance[i] - options.acceptance))
        current[i] = min(max(moved, Self.range.lowerBound), Self.range.upperBound)
      }
    }
  }

  var meanAcceptance: [Double] { sums.map { used.isEmpty ? 1 : $0 / Double(used.count) } }
}
