import Architectures
import Autodiff
import Diagnostics
import FactorData
import NeuralLayers
import RateDecomposition
import TensorCore

/// The two networks with their parameters.
public final class Model {
  /// The registry entry it was built from.
  public let architecture: Architecture
  /// Height, width and channels of its images.
  public let image: ImageShape
  /// D.
  public let latents: Int
  /// What the decoder's output means; an objective that calibrates it changes it in training.
  public package(set) var likelihood: Likelihood
  /// The values that codes take, if they are deterministic; nil for Gaussian posteriors.
  public package(set) var codebook: Codebook?
  /// All parameters of encoder and decoder.
  public let parameters: ParameterStore
  /// q(z|x).
  public let encoder: Encoder
  /// p(x|z).
  public let decoder: Decoder

  /// Builds a model whose parameters are still zero.
  ///
  /// - Throws: `StructuredError` if the architecture does not take such images, or two of its layers do not fit.
  public init(
    _ architecture: Architecture, image: ImageShape, latents: Int, likelihood: Likelihood, on device: Device
  ) throws {
    if let needed = architecture.requirement(image) {
      throw StructuredError(
        "the images are \(image)", at: "architecture \(architecture.name)", expected: needed,
        action:
          "Choose another architecture with --set model.architecture=…; `disentangle list architectures` shows all.")
    }
    (self.architecture, self.image, self.latents, self.likelihood) = (architecture, image, latents, likelihood)
    parameters = ParameterStore(on: device)
    let networks = try architecture.build(image, latents, parameters)
    (encoder, decoder) = (networks.encoder, networks.decoder)
    try parameters.requirement(
      "the parameters of \(architecture.name) for images of \(image) and \(latents) latents", copies: 1, at: "model"
    ).check()
  }

  /// What training takes of memory at least: parameters with gradients and the optimiser's moments, and a batch with what
  /// the networks compute of it.
  func memory(training: ExperimentConfiguration.Training) -> [MemoryRequirement] {
    let kept = saturatingSum(encoder.network.keptCount, decoder.network.keptCount, image.count)
    return [
      parameters.requirement(
        "the parameters of \(architecture.name) for images of \(image) and \(latents) latents, with gradients and moments,",
        copies: 2 + training.optimizer.momentCount, at: "model"),
      MemoryRequirement(
        "a batch of \(training.batchSize) images of \(image) and what \(architecture.name) computes of it",
        bytes: saturatingProduct(training.batchSize, kept, MemoryLayout<Float>.stride), at: "training.batch_size",
        action: "Choose a smaller batch with --set training.batch_size=…"),
    ]
  }

  /// Where it runs.
  public var device: Device { parameters.device }

  /// Means and log-variances, `[N, D]` each, of the posteriors of images `indices` of a data set.
  ///
  /// - Parameters:
  ///   - dataset: where the images are.
  ///   - indices: which of them, in this order.
  ///   - progress: called now and then with the number of images done.
  /// - Throws: `StructuredError` if an image cannot be read.
  public func encode(
    _ dataset: any FactorDataset, _ indices: some RandomAccessCollection<Int>, progress: (Int) -> Void = { _ in }
  ) throws -> (mean: [Float], logVariance: [Float]) {
    var mean: [Float] = [], logVariance: [Float] = []
    mean.reserveCapacity(indices.count * latents)
    logVariance.reserveCapacity(indices.count * latents)
    try forEachBatch(of: indices, size: 256) { batch, done in
      let posterior = encoder(try dataset.batch(batch, on: device), .evaluation(on: device))
      if let codebook {
        mean += codebook.quantized(posterior.mean.value.elements)
      } else {
        posterior.mean.value.withElements { mean.append(contentsOf: $0) }
        posterior.logVariance.value.withElements { logVariance.append(contentsOf: $0) }
      }
      progress(done)
    }
    if codebook != nil { logVariance = [Float](repeating: PosteriorTable.pointLogVariance, count: mean.count) }
    return (mean, logVariance)
  }

  /// The posteriors of images `indices` of a data set; for deterministic codes the codes themselves.
  ///
  /// - Throws: `StructuredError` if an image cannot be read, or a posterior is not finite.
  public func posterior(
    of dataset: any FactorDataset, _ indices: some RandomAccessCollection<Int>,
    location: String = "the model's posteriors", progress: (Int) -> Void = { _ in }
  ) throws -> PosteriorTable {
    let codes = try encode(dataset, indices, progress: progress)
    return try PosteriorTable(
      means: codes.mean, logVariances: codes.logVariance, latents: latents, codebookSize: codebook?.count,
      location: location)
  }

  /// What p(x|z) looks like for codes `[B, D]`: its mean, `[B, height, width, channels]`.
  public func decode(_ codes: [Float]) -> [Float] {
    var pictures: [Float] = []
    forEachBatch(of: 0..<codes.count / latents, size: 256) { batch, _ in
      let rows = Array(codes[(batch[0] * latents)..<((batch[batch.count - 1] + 1) * latents)])
      let z = Variable(Tensor(rows, [batch.count, latents], on: device))
      likelihood.mean(output: decoder(z, .evaluation(on: device)).value).withElements {
        pictures.append(contentsOf: $0)
      }
    }
    return pictures
  }

  /// −log p(x|z) in nats with one z ~ q(z|x) for each of the given images, `[count]`: a sample of the distortion.
  ///
  /// - Throws: `StructuredError` if an image cannot be read.
  public func distortions(
    _ dataset: any FactorDataset, _ indices: [Int], stream: RandomStream
  ) throws -> [Double] {
    var result: [Double] = [], stream = stream
    try forEachBatch(of: indices, size: 256) { batch, _ in
      let pass = Pass.evaluation(on: device)
      let images = try dataset.batch(batch, on: device)
      let posterior = encoder(images, pass)
      let noise = stream.normalTensor([batch.count, latents], on: device)
      let codes =
        codebook.map { Variable(Tensor($0.quantized(posterior.mean.value.elements), noise.shape, on: device)) }
        ?? posterior.sample(noise: noise)
      let distortion = decoder.distortions(of: images, from: codes, likelihood, pass)
      distortion.value.withElements { result.append(contentsOf: $0.map(Double.init)) }
    }
    return result
  }

  /// −log p(x|z) in nats of images `indices` of a data set at codes `[count, D]`, one for each of them, `[count]`.
  ///
  /// - Throws: `StructuredError` if an image cannot be read.
  public func distortions(_ dataset: any FactorDataset, _ indices: [Int], at codes: [Float]) throws -> [Double] {
    precondition(codes.count == indices.count * latents, "one code for each image")
    var result: [Double] = []
    try forEachBatch(of: indices, size: 256) { batch, done in
      let images = try dataset.batch(batch, on: device)
      let z = Array(codes[(done - batch.count) * latents..<done * latents])
      let distortion = decoder.distortions(
        of: images, from: Variable(Tensor(z, [batch.count, latents], on: device)), likelihood, .evaluation(on: device))
      distortion.value.withElements { result.append(contentsOf: $0.map(Double.init)) }
    }
    return result
  }

  /// `count` codes drawn from the prior, `[count, D]`: from N(0, I), or with equal chances from the values of each latent.
  public func priorCodes(_ count: Int, from stream: inout RandomStream) -> [Float] {
    guard let codebook else {
      var codes = [Float](repeating: 0, count: count * latents)
      codes.withUnsafeMutableBufferPointer { stream.fillNormal($0) }
      return codes
    }
    return (0..<count * latents).map { place in
      codebook.values[place % latents * codebook.count + stream.integer(below: codebook.count)]
    }
  }

  /// A code in the middle of the prior, `[D]`: 0, or the middle one of the values of each latent.
  public var middleCode: [Float] {
    guard let codebook else { return [Float](repeating: 0, count: latents) }
    return (0..<latents).map { codebook.sortedValues(of: $0)[codebook.count / 2] }
  }

  private func forEachBatch(
    of indices: some RandomAccessCollection<Int>, size: Int, _ body: (_ batch: [Int], _ done: Int) throws -> Void
  ) rethrows {
    var rest = indices[...], done = 0
    while !rest.isEmpty {
      let batch = Array(rest.prefix(size))
      done += batch.count
      rest = rest.dropFirst(size)
      try flushingDenormals { try body(batch, done) }
    }
  }
}
