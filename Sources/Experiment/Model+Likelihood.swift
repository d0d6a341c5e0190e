import Autodiff
import Diagnostics
import FactorData
import NeuralLayers
import RateDecomposition
import TensorCore

extension Model {
  /// Codes that the decoder sees at once.
  private static let codesAtOnce = 256

  /// log p(x|z) of images `[n, height, width, channels]` with its gradient at the codes.
  ///
  /// Codes are rounded to single precision, in which the decoder computes.
  public func codeLikelihood(of images: Tensor<Float>) -> CodeLikelihood {
    let pixels = image.count, elements = images.elements
    return CodeLikelihood(latents: latents, images: images.shape[0]) { [self] codes, numbers in
      var values: [Double] = [], gradients: [Double] = []
      values.reserveCapacity(numbers.count)
      gradients.reserveCapacity(codes.count)
      for first in stride(from: 0, to: numbers.count, by: Self.codesAtOnce) {
        let part = numbers[first..<min(first + Self.codesAtOnce, numbers.count)]
        let target = Tensor<Float>(uninitialized: image.batch(part.count), on: device)
        target.withMutableElements { target in
          for (row, number) in part.enumerated() {
            _ = UnsafeMutableBufferPointer(rebasing: target[row * pixels..<(row + 1) * pixels])
              .update(fromContentsOf: elements[number * pixels..<(number + 1) * pixels])
          }
        }
        let z = codes[first * latents..<(first + part.count) * latents].map { Float($0) }
        let (minus, slopes) = try flushingDenormals { try distortions(of: target, at: z) }
        for value in minus { values.append(-Double(value)) }
        for slope in slopes { gradients.append(-Double(slope)) }
      }
      return (values, gradients)
    }
  }

  /// −log p(x|z) for each image and its gradient at the codes `[n, D]`.
  private func distortions(of images: Tensor<Float>, at codes: [Float]) throws -> ([Float], [Float]) {
    let pass = Pass.evaluation(on: device)
    let z = pass.tape.track(Tensor(codes, [images.shape[0], latents], on: device))
    let distortions = decoder.distortions(of: images, from: z, likelihood, pass)
    let gradients = try pass.tape.backward(from: distortions.sum())
    return (distortions.value.elements, gradients[z].elements)
  }

  /// Images drawn from the model: z ~ p(z), x ~ p(x|z).
  ///
  /// - Returns: the codes `[count, D]` and the images `[count, height, width, channels]`.
  public func simulate(_ count: Int, from stream: RandomStream) -> (codes: [Float], images: Tensor<Float>) {
    var codeStream = stream.split("codes"), pixelStream = stream.split("pixels")
    let codes = priorCodes(count, from: &codeStream)
    let z = Variable(Tensor(codes, [count, latents], on: device))
    let output = flushingDenormals { decoder(z, .evaluation(on: device)).value }
    return (codes, likelihood.sample(output: output, from: &pixelStream))
  }
}

extension LikelihoodBounds.Subject {
  /// Images of a data set under a model, read when they are needed.
  fileprivate init(_ model: Model, _ dataset: any FactorDataset, _ indices: [Int]) throws {
    self.init(posterior: try model.posterior(of: dataset, indices), indices: indices) { rows in
      model.codeLikelihood(of: try dataset.batch(Array(indices[rows]), on: model.device))
    }
  }

  /// Images drawn from a model.
  fileprivate init(simulating count: Int, from model: Model, stream: RandomStream) throws {
    let (codes, images) = model.simulate(count, from: stream)
    let posterior = flushingDenormals { model.encoder(images, .evaluation(on: model.device)) }
    try self.init(
      posterior: PosteriorTable(
        means: posterior.mean.value.elements, logVariances: posterior.logVariance.value.elements,
        latents: model.latents, location: "the model's posteriors of images drawn from it"),
      indices: Array(0..<count), exactCodes: codes.map(Double.init)
    ) { rows in model.codeLikelihood(of: images.rows(rows)) }
  }
}

extension LikelihoodBounds {
  /// As many images are drawn from a model at most.
  private static let mostSimulated = 256

  /// Measures images of a data set under a model.
  ///
  /// - Parameters:
  ///   - model: the model.
  ///   - dataset: where the images are.
  ///   - indices: which of them.
  ///   - options: how to measure.
  ///   - progress: called now and then with the share of the work that is done.
  /// - Throws: `StructuredError` if an image cannot be read, a posterior or a log-likelihood is not finite, or the
  ///   model's codes are deterministic.
  public init(
    of model: Model, on dataset: any FactorDataset, images indices: [Int], options: Options = Options(),
    progress: @escaping (Double) -> Void = { _ in }
  ) throws {
    try model.requireDensity(for: "annealed importance sampling")
    let simulated =
      options.isBidirectional
      ? try Subject(
        simulating: min(indices.count, Self.mostSimulated), from: model,
        stream: RandomStream(seed: options.seed).split("simulated images")) : nil
    try self.init(
      of: Subject(model, dataset, indices), simulated: simulated,
      pixels: model.likelihood.isDiscrete && dataset.isBinary ? model.image.count : nil, options: options,
      progress: progress)
  }
}

extension DecoderCurve {
  /// Measures the decoder of a model on images of a data set.
  ///
  /// - Parameters: as those of ``LikelihoodBounds``.
  /// - Throws: as ``LikelihoodBounds``.
  public init(
    of model: Model, on dataset: any FactorDataset, images indices: [Int], options: Options = Options(),
    progress: @escaping (Double) -> Void = { _ in }
  ) throws {
    try model.requireDensity(for: "a rate–distortion curve")
    try self.init(
      of: .init(model, dataset, indices), options: options, progress: progress)
  }
}
