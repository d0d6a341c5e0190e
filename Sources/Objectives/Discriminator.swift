import Autodiff
import NeuralLayers
import StrictConfiguration
import TensorCore

/// FactorVAE's discriminator: fully connected layers with LeakyReLU(0.2) that tell q(z) from Π_d q(z_d).
///
///     loss = ½·E_q(z)[−log softmax₀ D(z)] + ½·E_Πq(z_d)[−log softmax₁ D(z)]
///
/// Kim & Mnih 2018 (arXiv:1802.05983), section 3 and appendix A.
public final class Discriminator: Adversary {
  /// Settings.
  public struct Configuration: StrictlyDecodable, Sendable {
    /// Hidden layers.
    public var layers = 6
    /// Units in each.
    public var width = 1000
    /// Its own optimiser: Adam with rate 1e-4, β₁ 0.5, β₂ 0.9.
    public var optimizer = OptimizerSettings.adam(learningRate: 1e-4, beta1: 0.5, beta2: 0.9, epsilon: 1e-8)

    /// The paper's discriminator.
    public init() {}

    /// Reads `layers`, `width` and the section `optimizer`.
    public init(from section: inout ConfigurationSection) throws {
      layers = try section.integer("layers", default: layers, in: .atLeast(1))
      width = try section.integer("width", default: width, in: .atLeast(1))
      optimizer = try section.section("optimizer") { try OptimizerSettings(from: &$0, default: optimizer) }
    }
  }

  /// Its parameters, `discriminator.linear1.weight` and so on.
  public let parameters: ParameterStore
  /// Its optimiser.
  public let optimizer: OptimizerSettings
  private let layers: [Dense]
  /// What the encoder's loss has computed on its codes, until the adversary's loss asks for it.
  private var judged: DensityRatio?

  /// A discriminator with initial parameters from the context's random stream.
  public init(_ configuration: Configuration, _ context: ObjectiveContext) {
    let store = ParameterStore(on: context.device)
    var width = context.latents
    var layers: [Dense] = []
    for number in 1...configuration.layers {
      layers.append(
        Dense(
          "discriminator.linear\(number)", inputs: width, outputs: configuration.width,
          activation: .leakyReLU(slope: 0.2), in: store))
      width = configuration.width
    }
    layers.append(Dense("discriminator.linear\(configuration.layers + 1)", inputs: width, outputs: 2, in: store))
    store.initialize(context.initializer, from: context.stream.split("discriminator"))
    (parameters, optimizer, self.layers) = (store, configuration.optimizer, layers)
  }

  /// D₀(z) − D₁(z), `[B, 1]`, with the discriminator a constant.
  ///
  /// The next ``loss(first:second:stream:_:)`` on the same codes goes on from here, so parameters must not change before.
  func ratio(of codes: Variable<Float>, _ pass: Pass) -> Variable<Float> {
    let evaluation = DensityRatio(layers, capacity: 2 * codes.shape[0], on: codes.value.device)
    evaluation.append(codes.value, pass)
    judged = codes.isTracked ? evaluation : nil
    return evaluation.ratio(of: codes, pass)
  }

  /// D₀(z) − D₁(z), which the best discriminator would make log q(z) − Σ_d log q(z_d) (Eq. 3).
  public func logDensityRatio(of codes: Tensor<Float>, _ pass: Pass) -> Tensor<Float>? {
    let evaluation = DensityRatio(layers, capacity: codes.shape[0], on: codes.device)
    evaluation.append(codes, pass)
    return evaluation.ratio(pass).value.reshaped([codes.shape[0]])
  }

  /// The cross-entropy of telling the first batch's codes from the second's with each latent shuffled over the batch.
  public func loss(first: Tensor<Float>, second: Tensor<Float>, stream: RandomStream, _ pass: Pass) -> LossTerms {
    defer { judged = nil }
    return loss(joint: first, permuted: permuteLatents(second, stream), pass)
  }

  /// The cross-entropy of telling codes of q(z) from codes of Π_d q(z_d), both `[B, D]`.
  ///
  /// With s = 1 for codes of q(z) and −1 for the others, −log softmax of the right class is softplus(−s·(D₀ − D₁)).
  package func loss(joint: Tensor<Float>, permuted: Tensor<Float>, _ pass: Pass) -> LossTerms {
    let batch = joint.shape[0]
    let evaluation: DensityRatio
    if let judged, judged.isOf(joint) {
      evaluation = judged
      evaluation.append(permuted, pass)
    } else {
      evaluation = DensityRatio(layers, capacity: 2 * batch, on: joint.device)
      evaluation.append(
        Tensor(joint.elements + permuted.elements, [2 * batch, joint.shape[1]], on: joint.device), pass)
    }
    let signs = Tensor(
      [Float](repeating: -1, count: batch) + [Float](repeating: 1, count: batch), [2 * batch, 1], on: joint.device)
    let margins = evaluation.ratio(pass) * Variable(signs)
    let right = margins.value.elements.count { $0 < 0 }
    return LossTerms(
      LossTerm("discriminator_loss", margins.softplus().mean()),
      observations: [("discriminator_accuracy", Double(right) / Double(2 * batch))])
  }

  /// Shuffles each latent over the batch, independently of the others: a sample of Π_d q(z_d).
  package func permuteLatents(_ codes: Tensor<Float>, _ stream: RandomStream) -> Tensor<Float> {
    let batch = codes.shape[0], latents = codes.shape[1]
    let source = codes.elements
    var result = source
    for latent in 0..<latents {
      var stream = stream.split("latent", latent)
      for (row, other) in stream.permutation(of: batch).enumerated() {
        result[row * latents + latent] = source[other * latents + latent]
      }
    }
    return Tensor(result, codes.shape, on: codes.device)
  }
}
