import Diagnostics
import Foundation

extension LikelihoodBounds {
  /// What the numbers say.
  var statements: [String] {
    var sentences: [String] = []
    guard approximationGap.value > -Self.arrived else { return bracketStatements }
    let gap = annealed.value - elbo.value
    sentences.append(
      "On average the ELBO is \(Format.decimals(gap, 2)) nats below log p̂(x): "
        + "\(Format.decimals(approximationGap.value, 2)) because no diagonal Gaussian is the posterior (approximation), "
        + "\(Format.decimals(amortisationGap.value, 2)) because the encoder does not find the best one (amortisation).")
    let error = hypot(approximationGap.standardError ?? 0, amortisationGap.standardError ?? 0)
    if gap < 0.1 {
      sentences.append("The ELBO is as good as exact: what limits this model is its decoder, not its encoder.")
    } else if abs(approximationGap.value - amortisationGap.value) < 2 * error {
      sentences.append("Both parts are about equal: a more flexible posterior and a better encoder would each help.")
    } else if amortisationGap.value > approximationGap.value {
      sentences.append(
        "The encoder limits the ELBO: longer training or a larger encoder would raise it, a more flexible posterior less."
      )
    } else {
      sentences.append(
        "The shape of the posterior limits the ELBO: a more flexible q(z|x) would raise it, a better encoder less.")
    }
    return sentences + bracketStatements
  }

  /// How far log p̂(x), a lower bound, may lie below the best Gaussian's ELBO, another, before neither gap is worth telling.
  private static let arrived = 0.1

  private var bracketStatements: [String] {
    guard let last = bracket?.curve.last else { return [] }
    return [
      "On images drawn from the model the lower and the upper bound of log p(x) are "
        + "\(Format.decimals(last.gap.value, 2)) nats apart: the error of the method for this model."
    ]
  }

  /// What a reader should know before trusting them.
  var cautions: [String] {
    var notes: [String] = []
    let few = LogWeights.leastEffectiveSize,
      low = images.count { $0.annealed.effectiveSampleSize < min(few, Double(chains) / 2) }
    if low > 0 {
      notes.append(
        "The chains of \(low) of \(images.count) images have very different weights (effective sample size below "
          + "\(Format.value(min(few, Double(chains) / 2)))): there log p̂(x) is likely too low. More --distributions help."
      )
    }
    if approximationGap.value < -Self.arrived {
      notes.append(
        "log p̂(x) is below the ELBO of the best Gaussian, though that is a lower bound too: the chains have not arrived, and the "
          + "gaps mean nothing. More --distributions help, or --start best-gaussian.")
    }
    let stuck = images.count { $0.acceptance < 0.2 }
    if stuck > 0 {
      notes.append(
        "The chains of \(stuck) of \(images.count) images hardly move (acceptance below 20 %): their posteriors are "
          + "too sharp for the steps, and log p̂(x) is likely too low.")
    }
    if curve.count > 1 {
      let rise = curve[curve.count - 1].annealed.value - curve[curve.count - 2].annealed.value
      if rise > 0.5 {
        notes.append(
          "log p̂(x) rose by \(Format.decimals(rise, 2)) nats from \(curve[curve.count - 2].distributions) to "
            + "\(distributions) distributions: it has not settled. More --distributions help.")
      }
    }
    return notes
  }
}
