import Autodiff
import Foundation
import StrictConfiguration
import TensorCore

/// The squared maximum mean discrepancy between codes of a batch and samples of the prior.
///
///     MMD²(q, p) = E[k(z, z′)] + E[k(u, u′)] − 2·E[k(z, u)],   z, z′ ~ q(z), u, u′ ~ p(z)
///
/// Gretton et al. 2012 (JMLR 13). The kernels and bandwidths are those that the field uses:
///
/// | kernel | bandwidth | estimator | where |
/// |---|---|---|---|
/// | gaussian | `d^2` | biased | the code of InfoVAE's author, disentanglement-pytorch |
/// | gaussian | `4d` | unbiased | disent |
/// | gaussian | `4d^2` | biased | PyTorch-VAE |
/// | inverse-multiquadratic | `2d` | unbiased | pythae |
public struct MaximumMeanDiscrepancy: StrictlyDecodable, Sendable {
  /// k(a, b) as a function of ‖a − b‖² and the bandwidth h.
  public enum Kernel: String, CaseIterable, Sendable {
    /// exp(−‖a − b‖²/h).
    case gaussian
    /// Σ_s s·h/(s·h + ‖a − b‖²) over the ``MaximumMeanDiscrepancy/scales``.
    case inverseMultiquadratic = "inverse-multiquadratic"
  }

  /// h as a function of the number of latents D.
  public enum Bandwidth: String, CaseIterable, Sendable {
    /// 2·D, the mean squared distance of two samples of the prior.
    case twoD = "2d"
    /// 4·D.
    case fourD = "4d"
    /// D².
    case dSquared = "d^2"
    /// 4·D².
    case fourDSquared = "4d^2"

    func value(latents: Int) -> Double {
      let d = Double(latents)
      return switch self {
      case .twoD: 2 * d
      case .fourD: 4 * d
      case .dSquared: d * d
      case .fourDSquared: 4 * d * d
      }
    }
  }

  /// How means over pairs of codes of the same kind are taken.
  public enum Estimator: String, CaseIterable, Sendable {
    /// Over all B² pairs, those of a code with itself included: never negative.
    case biased
    /// Over the B·(B − 1) pairs of different codes: right in expectation, and negative at times.
    case unbiased
  }

  /// k.
  public var kernel = Kernel.inverseMultiquadratic
  /// h.
  public var bandwidth = Bandwidth.twoD
  /// The scales s of the inverse multiquadratic kernel.
  public var scales = [0.1, 0.2, 0.5, 1, 2, 5, 10]
  /// How means are taken.
  public var estimator = Estimator.unbiased

  /// pythae's kernel.
  public init() {}

  /// Reads `kernel`, `bandwidth`, `scales` (of the inverse multiquadratic kernel) and `estimator`.
  public init(from section: inout ConfigurationSection) throws {
    kernel = try section.choice("kernel", default: kernel)
    bandwidth = try section.choice("bandwidth", default: kernel == .gaussian ? .dSquared : .twoD)
    if kernel == .inverseMultiquadratic {
      scales = try section.numbers("scales", default: scales, in: .moreThan(0), count: .atLeast(1))
    }
    estimator = try section.choice("estimator", default: kernel == .gaussian ? .biased : .unbiased)
  }

  /// MMD² of codes and samples of the prior, `[B, D]` each, a scalar.
  package func value(of codes: Variable<Float>, and prior: Tensor<Float>) -> Variable<Float> {
    let samples = Variable(prior)
    return selfMean(codes) + selfMean(samples) - 2 * kernelValues(codes, samples).mean()
  }

  /// The mean of k over pairs of one set.
  private func selfMean(_ codes: Variable<Float>) -> Variable<Float> {
    let values = kernelValues(codes, codes)
    switch estimator {
    case .biased: return values.mean()
    case .unbiased:
      // k(a, a) is a constant: 1 for each kernel of the sum.
      let batch = codes.shape[0], own = kernel == .gaussian ? 1 : scales.count
      return (values.sum() - Float(batch * own)) / Float(batch * (batch - 1))
    }
  }

  /// k of all pairs, `[B, B]`.
  private func kernelValues(_ a: Variable<Float>, _ b: Variable<Float>) -> Variable<Float> {
    // ‖a − b‖² = ‖a‖² + ‖b‖² − 2·a·b, one matrix product; rounding may leave a little less than 0 for equal codes.
    let h = bandwidth.value(latents: a.shape[1])
    let lengths = (a.squared().sum(axis: 1), b.squared().sum(axis: 1).reshaped([1, b.shape[0]]))
    let distances = (lengths.0 + lengths.1 - 2 * a.times(b.transposed())).relu()
    switch kernel {
    case .gaussian: return (distances * Float(-1 / h)).exp()
    case .inverseMultiquadratic:
      let terms = scales.map { scale in (distances + Float(scale * h)).reciprocal() * Float(scale * h) }
      return terms.dropFirst().reduce(terms[0], +)
    }
  }
}
