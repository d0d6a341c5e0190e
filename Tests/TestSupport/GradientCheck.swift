import Autodiff
import TensorCore

/// Compares gradients from the tape with finite differences.
public enum GradientCheck {
  /// The largest relative difference between the gradients of Σ w·f(x) by the tape and by differences, over all inputs.
  ///
  /// The weights w are fixed and irregular, so that no error cancels. Differences are central and of fourth order with
  /// step 1e-3: their own relative error is near 1e-12·|f⁗…|, well below the 1e-6 that tests ask for.
  ///
  /// - Parameters:
  ///   - inputs: values at which to check, away from kinks.
  ///   - function: the operation.
  /// - Returns: max|Δ| / max(1, max|gradient|), the worst over the inputs; infinite where one is not a number.
  public static func worstError(
    at inputs: [Tensor<Double>], _ function: ([Variable<Double>]) -> Variable<Double>
  ) throws -> Double {
    let device = inputs[0].device
    func weights(_ shape: Shape) -> Tensor<Double> {
      Tensor((0..<shape.count).map { 0.3 + Double(($0 * 7919) % 17) / 17 }, shape, on: device)
    }
    func value(_ inputs: [Tensor<Double>]) -> Double {
      let y = function(inputs.map { Variable($0) }).value
      return zip(y.elements, weights(y.shape).elements).reduce(0) { $0 + $1.0 * $1.1 }
    }
    let tape = Tape<Double>(on: device)
    let tracked = inputs.map { tape.track($0) }
    let y = function(tracked)
    let gradients = try tape.backward(from: (y * Variable(weights(y.shape))).sum())
    var differences: [Double] = []
    for (i, input) in inputs.enumerated() {
      let analytic = gradients[tracked[i]].elements
      let scale = max(1, analytic.map(abs).max() ?? 0)
      for k in 0..<input.count {
        func moved(_ h: Double) -> Double {
          var elements = input.elements
          elements[k] += h
          var all = inputs
          all[i] = Tensor(elements, input.shape, on: device)
          return value(all)
        }
        let h = 1e-3
        let numeric = (8 * (moved(h) - moved(-h)) - (moved(2 * h) - moved(-2 * h))) / (12 * h)
        differences.append((numeric - analytic[k]) / scale)
      }
    }
    return worst(differences)
  }
}
