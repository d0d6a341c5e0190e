import Diagnostics
import Foundation
import TensorCore

/// Many Markov chains over codes, each for one image, that move together so that a decoder sees them as one batch.
///
/// A transition is Hamiltonian Monte Carlo (Neal 2011, "MCMC using Hamiltonian dynamics", §3.2): momenta from N(0, I), some
/// leapfrog steps along the gradient, and acceptance with probability min(1, exp(−ΔH)). It leaves f_β invariant and is
/// reversible, whatever the step size, as long as that does not depend on the chain's own past. Coordinates are divided by
/// the scales of the path first, and the length of each trajectory varies by 20 % so that none closes upon itself.
struct HamiltonianChains {
  let latents: Int
  /// The image of each chain.
  let images: [Int]
  private(set) var codes: [Double]
  /// log p(x|z) at the codes.
  private(set) var values: [Double]
  private var gradients: [Double]
  private var streams: [RandomStream]

  /// Chains at given codes `[chains, D]`, with a stream for each.
  init(
    at codes: [Double], images: [Int], streams: [RandomStream], _ likelihood: CodeLikelihood
  ) throws {
    latents = likelihood.latents
    (self.codes, self.images, self.streams) = (codes, images, streams)
    (values, gradients) = try likelihood(codes, images)
    guard values.allSatisfy(\.isFinite), gradients.allSatisfy(\.isFinite) else {
      throw StructuredError(
        "the decoder's log-likelihoods and their gradients are not finite at codes where annealing begins",
        expected: "finite numbers", action: "Check that training did not diverge.")
    }
  }

  /// log p(z) + log p(x|z) − log b(z) of each chain.
  func slopes(_ path: AnnealingPath) -> [Double] {
    codes.withUnsafeBufferPointer { codes in
      guard let start = codes.baseAddress else { return [] }
      return images.indices.map {
        path.slope(image: images[$0], code: start + $0 * latents, logLikelihood: values[$0])
      }
    }
  }

  /// Moves every chain once.
  ///
  /// - Parameters:
  ///   - path: the densities.
  ///   - betas: which of them is left invariant, for each image.
  ///   - stepSizes: of each image, in units of the path's scales.
  ///   - leapfrogSteps: how many for a transition.
  ///   - likelihood: evaluated `leapfrogSteps` times.
  /// - Returns: the probability with which each chain accepted.
  mutating func move(
    along path: AnnealingPath, at betas: [Double], stepSizes: [Double], leapfrogSteps: Int, _ likelihood: CodeLikelihood
  ) throws -> [Double] {
    var momenta = [Double](repeating: 0, count: codes.count)
    var steps = [Double](repeating: 0, count: images.count), thresholds = steps
    for c in images.indices {
      momenta.withUnsafeMutableBufferPointer {
        streams[c].fillNormal(UnsafeMutableBufferPointer(rebasing: $0[c * latents..<(c + 1) * latents]))
      }
      steps[c] = stepSizes[images[c]] * (0.8 + 0.4 * streams[c].uniform())
      thresholds[c] = streams[c].uniform()
    }
    let density = path.coefficients(at: betas)
    let before = Phase(codes: codes, momenta: momenta, values: values, gradients: gradients)
    let after = try trajectory(from: before, density, steps: steps, count: leapfrogSteps, likelihood)
    let energies = (energies(before, density), energies(after, density))
    return images.indices.map { c in
      let difference = energies.0[c] - energies.1[c]
      guard difference.isFinite else { return 0 }
      let probability = min(1, exp(difference))
      if thresholds[c] < probability {
        values[c] = after.values[c]
        for i in c * latents..<(c + 1) * latents { (codes[i], gradients[i]) = (after.codes[i], after.gradients[i]) }
      }
      return probability
    }
  }

  /// Where chains are, how they move, and what the decoder says there.
  struct Phase {
    var codes, momenta, values, gradients: [Double]
  }

  /// Leapfrog steps: reversible, and volume is preserved.
  ///
  /// - Parameter steps: the step size of each chain, in units of the density's scales.
  func trajectory(
    from phase: Phase, _ density: AnnealingPath.Coefficients, steps: [Double], count: Int, _ likelihood: CodeLikelihood
  ) throws -> Phase {
    var phase = phase
    for step in 0..<count {
      forEachCoordinate { i, c, at in
        let factor = (step == 0 ? 0.5 : 1) * steps[c] * density.scales[at]
        phase.momenta[i] += factor * slope(phase, density, i, c, at)
        phase.codes[i] += steps[c] * density.scales[at] * phase.momenta[i]
      }
      (phase.values, phase.gradients) = try likelihood(phase.codes, images)
    }
    forEachCoordinate { i, c, at in
      phase.momenta[i] += 0.5 * steps[c] * density.scales[at] * slope(phase, density, i, c, at)
    }
    return phase
  }

  /// ∂ log f / ∂z of a coordinate.
  private func slope(
    _ phase: Phase, _ density: AnnealingPath.Coefficients, _ i: Int, _ chain: Int, _ at: Int
  ) -> Double {
    density.constant[at] + density.linear[at] * phase.codes[i] + density.betas[images[chain]] * phase.gradients[i]
  }

  /// −log f(z) + ½|p|² of each chain, up to a constant.
  private func energies(_ phase: Phase, _ density: AnnealingPath.Coefficients) -> [Double] {
    var result = images.indices.map { -density.betas[images[$0]] * phase.values[$0] }
    forEachCoordinate { i, c, at in
      let (z, p) = (phase.codes[i], phase.momenta[i])
      result[c] += 0.5 * p * p - z * (density.constant[at] + 0.5 * density.linear[at] * z)
    }
    return result
  }

  /// Calls `body` with the place of every coordinate, its chain, and the place of its image's coordinate.
  private func forEachCoordinate(_ body: (_ place: Int, _ chain: Int, _ imagePlace: Int) -> Void) {
    var place = 0
    for (chain, image) in images.enumerated() {
      for at in image * latents..<(image + 1) * latents {
        body(place, chain, at)
        place += 1
      }
    }
  }
}
