import Autodiff
import Diagnostics
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

    /// The memory that it takes; keys are those of the section `objective.discriminator`.
    func memory(for step: StepSize) -> [MemoryRequirement] {
      let bytes = MemoryLayout<Float>.stride, action = "Choose a smaller width, or fewer layers."
      let weights = saturatingSum(
        saturatingProduct(step.latents, width), saturatingProduct(layers - 1, width, width),
        saturatingProduct(layers, width))
      let units = saturatingProduct(layers, width)
      let key = "objective.discriminator." + (layers > width ? "layers" : "width")
      return [
        MemoryRequirement(
          "the parameters of a discriminator of \(layers) layers with \(width) units, with gradients and moments,",
          bytes: saturatingProduct(weights, 2 + optimizer.momentCount, bytes), at: key,
          action: action),
        MemoryRequirement(
          "the layers of a discriminator of \(layers) layers with \(width) units",
          bytes: saturatingProduct(layers, 512),
          at: "objective.discriminator.layers", action: action),
        MemoryRequirement(
          "what \(layers) layers of \(width) units compute of two batches of \(step.batchSize) codes",
          bytes: saturatingProduct(2, step.batchSize, units, bytes), at: key,
          action: action),
      ]
    }
  }

  /// D₀(z) − D₁(z) of some codes, with what the gradients of the losses that use it have in common.
  package struct Evaluation {
    fileprivate let difference: LogitDifference<Float>
  }

  /// Its parameters, `discriminator.linear1.weight` and so on.
  public let parameters: ParameterStore
  /// Its optimiser.
  public let optimizer: OptimizerSettings
  private let layers: [Dense]

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

  /// Evaluates codes `[B, D]`, with room for as many more.
  package func evaluate(_ codes: Tensor<Float>, _ pass: Pass) -> Evaluation {
    let layers = layers.map {
      LogitDifference<Float>.Layer(weights: $0.weight.value, bias: $0.bias.value, activation: $0.activation)
    }
    let difference = LogitDifference(layers, capacity: 2 * codes.shape[0], on: codes.device)
    difference.append(codes, profile: pass.tape.profile)
    return Evaluation(difference: difference)
  }

  /// D₀(z) − D₁(z) as a function of the codes that were evaluated, `[B, 1]`; the discriminator is a constant.
  package func logDensityRatio(_ evaluation: Evaluation, of codes: Variable<Float>, _ pass: Pass) -> Variable<Float> {
    evaluation.difference.variable(of: codes, profile: pass.tape.profile)
  }

  /// D₀(z) − D₁(z), which the best discriminator would make log q(z) − Σ_d log q(z_d) (Eq. 3).
  public func logDensityRatio(of codes: Tensor<Float>, _ pass: Pass) -> Tensor<Float>? {
    evaluate(codes, pass).difference.values.reshaped([codes.shape[0]])
  }

  /// The cross-entropy of telling codes of q(z) from codes of Π_d q(z_d).
  ///
  /// With s = 1 for codes of q(z) and −1 for the others, −log softmax of the right class is softplus(−s·(D₀ − D₁)).
  ///
  /// - Parameters:
  ///   - evaluation: the codes of q(z), evaluated with the present parameters.
  ///   - permuted: as many codes of Π_d q(z_d), `[B, D]`.
  ///   - pass: an evaluation that trains ``parameters``.
  package func loss(_ evaluation: Evaluation, permuted: Tensor<Float>, _ pass: Pass) -> LossTerms {
    let difference = evaluation.difference, batch = difference.rows
    difference.append(permuted, profile: pass.tape.profile)
    let ratios = difference.variable(
      weights: layers.map { pass($0.weight) }, biases: layers.map { pass($0.bias) }, profile: pass.tape.profile)
    let signs = Tensor(
      [Float](repeating: -1, count: batch) + [Float](repeating: 1, count: permuted.shape[0]),
      [batch + permuted.shape[0], 1], on: permuted.device)
    let margins = ratios * Variable(signs)
    let right = margins.value.elements.count { $0 < 0 }
    return LossTerms(
      LossTerm("discriminator_loss", margins.softplus().mean()),
      observations: [("discriminator_accuracy", Double(right) / Double(difference.rows))])
  }

  /// Shuffles each latent over the batch, independently of the others: a sample of Π_d q(z_d) (algorithm 1).
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
