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
    _ values: UnsafeMutableBufferPointer<Float>, fanIn: Int, fanOut: Int, isBias: Bool, from stream: inout RandomStream
  ) {
    func uniform(_ bound: Double) {
      for i in values.indices { values[i] = Float((2 * stream.uniform() - 1) * bound) }
    }
    switch (self, isBias) {
    case (.glorotUniform, false): uniform((6 / Double(fanIn + fanOut)).squareRoot())
    case (.kaimingUniform, false): uniform((6 / Double(fanIn)).squareRoot())
    case (.kaimingUniform, true): uniform(1 / Double(fanIn).squareRoot())
    case (.normal, false):
      stream.fillNormal(values)
      for i in values.indices { values[i] *= 0.02 }
    case (_, true): values.update(repeating: 0)
    }
  }
}
