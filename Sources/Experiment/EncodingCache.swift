import Diagnostics
import FactorData
import NeuralLayers
import TensorCore

/// The posteriors of the whole data set, encoded every so many steps for objectives that ask for them.
///
/// A run that was resumed between two encodings needs the very posteriors of the last one. They follow from the parameters
/// of that step, which are kept here and in checkpoints: of a large data set they are much smaller.
package final class EncodingCache {
  /// Steps between two encodings.
  package let interval: Int
  /// The model's parameters and buffers when the data set was encoded last, all values in a row; nil before.
  package internal(set) var parameters: [Float]?

  private var mixture: CachedMixture?

  init(interval: Int) { self.interval = interval }

  /// How many values ``parameters`` has.
  static func count(_ model: Model) -> Int {
    model.parameters.buffers.reduce(model.parameters.values.count) { $0 + $1.value.count }
  }

  /// What the posteriors of `count` images take: means, log-variances, and the table of the mixture.
  static func memory(_ count: Int, latents: Int) -> MemoryRequirement {
    MemoryRequirement(
      "the posteriors of all \(count) images in \(latents) latents",
      bytes: saturatingProduct(
        saturatingProduct(count, saturatingSum(saturatingProduct(5, latents), 1)), MemoryLayout<Float>.stride),
      at: "objective.estimator", action: "Choose an estimator that needs the batch alone.")
  }

  /// The posteriors for a step.
  ///
  /// - Throws: `StructuredError` if an image cannot be read or a posterior is not finite.
  func mixture(at step: Int, _ model: Model, _ dataset: any FactorDataset) throws -> CachedMixture {
    if let mixture, step % interval != 0 { return mixture }
    let present = Self.values(of: model)
    if step % interval == 0 { parameters = present }
    // After resuming between two encodings, with the parameters of the last one.
    Self.set(parameters ?? present, in: model)
    defer { Self.set(present, in: model) }
    let posterior = try model.posterior(of: dataset, 0..<dataset.count)
    let new = CachedMixture(
      means: posterior.means, logVariances: posterior.logVariances, dimensions: model.latents, on: model.device)
    mixture = new
    return new
  }

  private static func tensors(of model: Model) -> [Tensor<Float>] {
    [model.parameters.values] + model.parameters.buffers.map(\.value)
  }

  private static func values(of model: Model) -> [Float] { tensors(of: model).flatMap(\.elements) }

  private static func set(_ values: [Float], in model: Model) {
    var first = 0
    for tensor in tensors(of: model) {
      tensor.copy(from: Tensor(Array(values[first..<first + tensor.count]), tensor.shape, on: tensor.device))
      first += tensor.count
    }
  }
}
