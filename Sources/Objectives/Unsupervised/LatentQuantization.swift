import Autodiff
import Diagnostics
import NeuralLayers
import StrictConfiguration
import TensorCore

/// QLAE: an auto-encoder whose latents are quantised, each to a short list of learned values of its own.
///
///     e = encoder(x),   q_d = the value of latent d nearest to e_d,   z = e + stop(q − e)
///     L = E[−log p(x|z)]/P + λ_q·E[1/D·‖stop(e) − q‖²] + λ_c·E[1/D·‖e − stop(q)‖²]
///
/// Hsu et al. 2023 (arXiv:2305.18378), with P the values of an image: the published loss is a mean over pixels and latents.
/// The gradient passes the quantisation straight through; the second term moves the values, the third the encoder. Codes are
/// deterministic: there is no posterior and no rate in the loss, and the encoder's variance is not used.
/// The aggregate posterior is discrete, so its I(x; z), TC and entropies follow by counting (`Codebook`).
///
/// The paper trains with AdamW (weight decay 0.1), twice as many latents as factors and 200,000 steps.
public final class LatentQuantization: Objective {
  /// Settings.
  public struct Configuration: ObjectiveConfiguration {
    /// V, the number of values of each latent.
    public var values = 10
    /// Whether the values are learned; otherwise they stay from −½ to ½ in equal steps.
    public var isLearned = true
    /// Weight of the distance that moves the values.
    public var quantization: Schedule = 0.01
    /// Weight of the distance that moves the encoder.
    public var commitment: Schedule = 0.01

    /// Reads `values`, `learned`, `quantization` and `commitment`.
    public init(from section: inout ConfigurationSection) throws {
      values = try section.integer("values", default: values, in: .within(2...65_536))
      isLearned = try section.boolean("learned", default: isLearned)
      quantization = try section.schedule("quantization", default: quantization, in: .atLeast(0))
      commitment = try section.schedule("commitment", default: commitment, in: .atLeast(0))
    }

    /// The objective; the values of each latent begin at −½ … ½ in equal steps.
    public func objective(in context: ObjectiveContext) -> any Objective {
      LatentQuantization(self, latents: context.latents, on: context.device)
    }

    /// Which value is nearest, for each value of each latent of each image, `[B, D, V]`, and the product with the values.
    public func memory(for step: StepSize) -> [MemoryRequirement] {
      [
        MemoryRequirement(
          "the choice among \(values) values for \(step.latents) latents of \(step.batchSize) images",
          bytes: saturatingProduct(
            saturatingProduct(2, step.batchSize, step.latents), values, MemoryLayout<Float>.stride),
          at: "objective.values", action: "Choose fewer values or a smaller batch.")
      ]
    }
  }

  private let configuration: Configuration
  private let latents: Int
  /// −½ … ½ in equal steps, V values for each latent.
  private let initial: [Float]
  /// How far the values have moved, `[D, V]`, if they are learned.
  private let moves: Parameter?

  init(_ configuration: Configuration, latents: Int, on device: Device) {
    (self.configuration, self.latents) = (configuration, latents)
    let count = configuration.values
    initial = (0..<latents * count).map { Float($0 % count) / Float(count - 1) - 0.5 }
    moves = configuration.isLearned ? ParameterStore(on: device).add("codebook", [latents, count]) : nil
  }

  /// How far the values of the latents have moved, if they are learned.
  public var parameters: ParameterStore? { moves?.store }

  /// The values of the latents.
  public var codebook: Codebook? { Codebook(values, latents: latents) }

  private var values: [Float] { moves.map { zip(initial, $0.value.elements).map { $0 + $1 } } ?? initial }

  /// E[−log p(x|z)]/P + λ_q·quantisation + λ_c·commitment.
  public func loss(of step: TrainingStep) -> LossTerms {
    let encoded = step.posterior.mean, quantized = quantized(encoded, step.pass)
    let codes = encoded + Variable(quantized.value.combined(.subtract, encoded.value))
    let pixels = Double(step.images.count / step.batchSize)
    return LossTerms(
      .reconstruction(step.meanDistortion(of: step.images, from: codes), weight: 1 / pixels),
      LossTerm(
        "quantization", (Variable(encoded.value) - quantized).squared().mean(),
        weight: configuration.quantization.value(at: step.number)),
      LossTerm(
        "commitment", (encoded - Variable(quantized.value)).squared().mean(),
        weight: configuration.commitment.value(at: step.number)))
  }

  /// The value nearest to each element of codes `[B, D]`, as a function of the values.
  private func quantized(_ encoded: Variable<Float>, _ pass: Pass) -> Variable<Float> {
    let elements = encoded.value.elements, device = encoded.value.device
    guard let moves else {
      return Variable(Tensor(Codebook(initial, latents: latents).quantized(elements), encoded.shape, on: device))
    }
    let count = configuration.values, batch = encoded.shape[0]
    let indices = Codebook(values, latents: latents).indices(of: elements)
    var choice = [Float](repeating: 0, count: batch * latents * count)
    for (place, index) in indices.enumerated() { choice[place * count + index] = 1 }
    let chosen = Variable(Tensor(choice, [batch, latents, count], on: device))
    let all = (pass(moves) + Variable(Tensor(initial, [latents, count], on: device))).reshaped([1, latents, count])
    return (chosen * all).sum(axis: 2, keepingAxis: false)
  }
}
