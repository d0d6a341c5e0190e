import Autodiff
import Diagnostics
import TensorCore

/// The sum of two paths: activation(main(x) + shortcut(x)). Without a shortcut of its own, x itself is added.
///
/// He et al. 2016 (arXiv:1512.03385), Eqs. 1 and 2.
public struct ResidualBlock: Layer {
  /// What messages call it.
  public let name: String
  /// The main path.
  public let main: Network
  /// The projection that gives x the form of the main path's output; nil for the identity.
  public let shortcut: Network?
  /// What follows the sum.
  public let activation: Activation

  /// Puts a block together.
  ///
  /// - Parameters:
  ///   - name: what messages call it.
  ///   - main: the main path.
  ///   - shortcut: the other path; nil for the identity.
  ///   - activation: what follows the sum.
  /// - Throws: `StructuredError` if the paths do not begin and end in the same forms.
  public init(_ name: String, main: Network, shortcut: Network? = nil, activation: Activation = .identity) throws {
    let (from, to) = shortcut.map { ($0.input, $0.output) } ?? (main.input, main.input)
    guard from == main.input, to == main.output else {
      throw StructuredError(
        "the two paths of \(name) do not fit: the main path maps \(main.input) to \(main.output), "
          + "the shortcut \(from) to \(to)",
        expected: "the same forms", action: "Give the block a shortcut that projects \(main.input) to \(main.output).")
    }
    (self.name, self.main, self.shortcut, self.activation) = (name, main, shortcut, activation)
  }

  /// As of the main path.
  public var input: LayerForm { main.input }
  /// As of the main path.
  public var output: LayerForm { main.output }
  /// Those of both paths.
  public var parameters: [Parameter] { main.parameters + (shortcut?.parameters ?? []) }
  /// Those of both paths.
  public var buffers: [Buffer] { main.buffers + (shortcut?.buffers ?? []) }
  /// One.
  public var steps: [InferenceStep] { [.residual(self)] }

  /// Applies both paths and adds their results.
  public func callAsFunction(_ x: Variable<Float>, _ pass: Pass) -> Variable<Float> {
    (main(x, pass) + (shortcut?(x, pass) ?? x)).activated(activation)
  }
}
