import Autodiff
import Diagnostics
import FactorData
import Foundation
import Objectives
import RateDecomposition
import StrictConfiguration
import TensorCore

// What the measurements of RateDecomposition need of data sets, models and runs.

extension FactorDataset {
  /// The values of the factors that are known for all images, one value for each image; empty where there are none.
  public func factorLabels() -> [FactorLabels] {
    zip(factors.list, factors.unknownCounts).enumerated().compactMap { k, factor in
      let (factor, unknown) = factor
      guard unknown == 0 else { return nil }
      return FactorLabels(
        name: factor.name, values: factors.column(k), isCategorical: factor.kind == .categorical)
    }
  }
}

extension MarginalLikelihood {
  /// Measures images of a data set under a model; the decoder runs images · samples + samples times.
  ///
  /// - Parameters:
  ///   - model: the model.
  ///   - dataset: where the images are.
  ///   - indices: which of them; by default as many as the options say, drawn without repetition.
  ///   - options: samples, images and seed.
  ///   - progress: called with the number of images done.
  /// - Throws: `StructuredError` if an image cannot be read, the posterior or the decoder's output is not finite, or the
  ///   options make no sense.
  public init(
    of model: Model, on dataset: any FactorDataset, images indices: [Int]? = nil, options: Options = Options(),
    progress: (Int) -> Void = { _ in }
  ) throws {
    var stream = RandomStream(seed: options.seed).split("marginal likelihood images")
    let indices = indices ?? stream.distinct(min(options.images, dataset.count), below: dataset.count).sorted()
    try model.requireDensity(for: "a marginal likelihood")
    let posterior = try model.posterior(of: dataset, indices)
    let images = try dataset.batch(indices, on: model.device)
    try self.init(
      of: posterior, indices: indices, options: options,
      likelihood: { row, codes in model.logLikelihoods(of: images.rows(row..<row + 1), at: codes) },
      likelihoods: { codes in model.logLikelihoods(ofAll: images, at: codes) }, progress: progress)
  }
}

extension Model {
  /// Makes sure that the model has posterior densities.
  ///
  /// - Parameter purpose: what they are needed for, the subject of the message.
  /// - Throws: `StructuredError` if its codes are deterministic.
  public func requireDensity(for purpose: String) throws {
    guard codebook != nil else { return }
    throw StructuredError(
      "\(purpose) needs the density of a posterior, and the codes of this model are deterministic",
      expected: "a model with Gaussian posteriors")
  }

  /// log p(x|z) in nats of one image `[1, height, width, channels]` at codes `[K, D]`, `[K]`.
  public func logLikelihoods(of image: Tensor<Float>, at codes: [Float]) -> [Double] {
    let size = min(256, codes.count / latents), pixels = image.elements
    let targets = Tensor((0..<size).flatMap { _ in pixels }, self.image.batch(size), on: device)
    var result: [Double] = []
    forEachBatch(of: codes, size: size) { z in
      let distortion = decoder.distortions(
        of: targets.rows(0..<z.shape[0]), from: z, likelihood, .evaluation(on: device))
      distortion.value.withElements { result.append(contentsOf: $0.map { -Double($0) }) }
    }
    return result
  }

  /// log p(x|z) in nats of n images `[n, height, width, channels]` at codes `[K, D]`, `[K, n]`.
  public func logLikelihoods(ofAll images: Tensor<Float>, at codes: [Float]) -> [Double] {
    let count = images.shape[0], pixels = image.count
    let flat = images.reshaped([count, pixels]), transposed = flat.transposed()
    var result: [Double] = []
    forEachBatch(of: codes, size: 256) { z in
      let batch = z.shape[0]
      let output = Variable(decoder(z, .evaluation(on: device)).value.reshaped([batch, pixels]))
      if likelihood == .bernoulli {
        // Σ softplus(l) − Σ x·l: the second sum of all images is a matrix product.
        let constants = output.softplus().sum(axis: 1, keepingAxis: true)
        let values = Variable(output.value.times(transposed)) - constants
        values.value.withElements { result.append(contentsOf: $0.map { Double($0) }) }
        return
      }
      let columns = (0..<count).map { n in
        let target = Tensor<Float>(repeating: 0, [batch, pixels], on: device)
          .combined(.add, flat.rows(n..<n + 1))
        return likelihood.distortions(output: output, target: target).value.elements
      }
      for k in 0..<batch { result.append(contentsOf: columns.map { -Double($0[k]) }) }
    }
    return result
  }

  private func forEachBatch(of codes: [Float], size: Int, _ body: (Variable<Float>) -> Void) {
    let count = codes.count / latents
    for first in stride(from: 0, to: count, by: size) {
      let end = min(first + size, count)
      body(Variable(Tensor(Array(codes[first * latents..<end * latents]), [end - first, latents], on: device)))
    }
  }
}

extension TrainedRun {
  /// What the run's objective penalises in place of TC, as `EstimatorAudit` takes it; nil where there is no such thing.
  public func dependence(
    latents: Int, on device: Device
  ) -> (title: String, value: (_ means: [Float], _ codes: [Float]) -> Double)? {
    let context = ObjectiveContext(
      latents: latents, device: device, initializer: settings.model.initializer, stream: settings.stream)
    guard let measure = settings.objectiveSettings?.objective(in: context).dependence else { return nil }
    return (
      measure.title,
      { means, codes in
        let shape: Shape = [codes.count / latents, latents]
        return measure.value(Tensor(means, shape, on: device), Tensor(codes, shape, on: device))
      }
    )
  }

  /// The adversary as it was when training saved the model's parameters, restored from the run's checkpoint; nil if the
  /// objective has none, or there is no checkpoint of this very model.
  ///
  /// - Throws: `StructuredError` if the checkpoint is damaged.
  public func adversary(of model: Model) throws -> (any Adversary)? {
    let context = ObjectiveContext(
      latents: model.latents, device: model.device, initializer: settings.model.initializer, stream: settings.stream)
    guard folder.contains(.checkpoint),
      let adversary = settings.objectiveSettings?.objective(in: context).adversary
    else { return nil }
    return try Checkpoint.restore(adversary, beside: model, from: folder.path(of: .checkpoint)) ? adversary : nil
  }

  /// This run in the rate–distortion plane.
  ///
  /// - Throws: `StructuredError` if the run's configuration cannot be read.
  public func rateDistortionPoint(_ decomposition: RateDecomposition) throws -> RateDistortionPoint {
    let document = try ConfigurationDocument(path: folder.path(of: .configuration))
    var numbers: [RateDistortionPoint.Setting] = []
    if case .mapping(let entries, _)? = document["objective"]?.content {
      numbers = entries.compactMap { entry in
        let number = entry.value["to"] ?? entry.value
        guard case .plain(let text) = number.content, let value = Double(text) else { return nil }
        return RateDistortionPoint.Setting(name: entry.key, value: value)
      }
    }
    return RateDistortionPoint(
      label: settings.name, objective: settings.objective?.name ?? "unknown", settings: numbers, seed: settings.seed,
      decomposition: decomposition)
  }
}

extension Adversary {
  /// The log density ratio of codes `[B, D]`, `[B]`, as `EstimatorAudit` takes it; nil if the adversary has none.
  public func logDensityRatios(latents: Int, on device: Device) -> (([Float]) -> [Float])? {
    guard logDensityRatio(of: Tensor(repeating: 0, [1, latents], on: device), .evaluation(on: device)) != nil else {
      return nil
    }
    return { codes in
      var ratios: [Float] = []
      let rows = codes.count / latents
      for first in stride(from: 0, to: rows, by: 256) {
        let end = min(first + 256, rows)
        let z = Tensor(Array(codes[first * latents..<end * latents]), [end - first, latents], on: device)
        ratios += self.logDensityRatio(of: z, .evaluation(on: device))?.elements ?? []
      }
      return ratios
    }
  }
}
