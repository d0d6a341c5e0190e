import TensorCore

/// How parameters begin.
public enum Initializer: String, Sendable, CaseIterable {
  /// Weights uniform on ±√(6/(fan in + fan out)), biases 0 (Glorot & Bengio 2010, Eq. 16): disentanglement_lib's.
  case glorotUniform = "glorot-uniform"
  /// Weights uniform on ±√(6/fan in) (He et al. 2015, Eq. 10), biases uniform on ±1/√(fan in): disentangling-vae's.
  case kaimingUniform = "kaiming-uniform"
  /// Weights normal with standard deviation 0.02, biases 0: beta-tcvae's and 1Konny's.
  case normal

  func fill(
    _ values: UnsafeMutableBufferPointer<Float>, as role: ParameterRole, from stream: inout RandomStream
  ) {
    func uniform(_ bound: Double) {
      for i in values.indices { values[i] = Float((2 * stream.uniform() - 1) * bound) }
    }
    switch (self, role) {
    case (_, .constant(let value)): values.update(repeating: value)
    case (.glorotUniform, .weight(let fanIn, let fanOut)): uniform((6 / (Double(fanIn) + Double(fanOut))).squareRoot())
    case (.kaimingUniform, .weight(let fanIn, _)): uniform((6 / Double(fanIn)).squareRoot())
    case (.kaimingUniform, .bias(let fanIn)): uniform(1 / Double(fanIn).squareRoot())
    case (.normal, .weight):
      stream.fillNormal(values)
      for i in values.indices { values[i] *= 0.02 }
    case (_, .bias): values.update(repeating: 0)
    }
  }
}

/// What an array of parameters is in its layer, which decides how it begins.
public enum ParameterRole: Sendable, Hashable {
  /// Weights between so many inputs and outputs.
  case weight(fanIn: Int, fanOut: Int)
  /// The bias after weights of so many inputs.
  case bias(fanIn: Int)
  /// An array that begins with one value, whatever the initialiser.
  case constant(Float)
}
