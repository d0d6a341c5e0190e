import Diagnostics
import Experiment
import FactorData
import FileFormats
import Foundation
import NeuralLayers
import Pages
import RateDecomposition
import TensorCore

/// A page that shows what each latent draws: one slider for each, and the decoder running in the page itself.
///
/// The page is one file without references to any other. It carries
/// - the decoder's weights, as the program holds them, in single precision (1.3 MB of text for the `burgess` decoder, 42
///   MB for the `fully-connected` one of 64 × 64 pixels);
/// - a sub-grid of the data set's images with the means and log-variances of their posteriors, as the program's encoder
///   gave them;
/// - for each latent its KL, the mean and standard deviation of the aggregate posterior and its density over ± 3
///   standard deviations, smoothed by a 54th of one, over all N data points.
public struct LatentExplorer {
  /// Images and codes together take at most this many bytes before compression.
  static let budget = 5_000_000
  /// Points at which densities are drawn.
  static let densityPoints = 161

  private let model: Model
  private let dataset: any FactorDataset
  private let posterior: PosteriorTable
  private let title: String

  /// Writes the page of a model.
  ///
  /// - Parameters:
  ///   - model: the trained model.
  ///   - dataset: what it was trained on.
  ///   - posterior: the posteriors of all N images of the data set, in order.
  ///   - title: what the page is called.
  ///   - path: the file.
  /// - Throws: `StructuredError` if the posterior is not the data set's, a value is not finite, or the file cannot be
  ///   written.
  public static func write(
    _ model: Model, on dataset: any FactorDataset, posterior: PosteriorTable, title: String, to path: String
  ) throws {
    let page = try LatentExplorer(model, on: dataset, posterior: posterior, title: title).html()
    try AtomicFile.write(Data(page.utf8), to: path)
  }

  /// Prepares the page; see ``write(_:on:posterior:title:to:)``.
  ///
  /// - Throws: `StructuredError` if the posterior is not the data set's.
  public init(_ model: Model, on dataset: any FactorDataset, posterior: PosteriorTable, title: String) throws {
    guard posterior.count == dataset.count, posterior.latents == model.latents else {
      throw StructuredError(
        "the posterior has \(posterior.count) data points and \(posterior.latents) latents",
        expected: "\(dataset.count) and \(model.latents), as the data set and the model have")
    }
    (self.model, self.dataset, self.posterior, self.title) = (model, dataset, posterior, title)
  }

  /// The page.
  ///
  /// - Throws: `StructuredError` if a weight is not finite, the decoder has a layer that the page cannot compute, or an
  ///   image cannot be read.
  public func html() throws -> String {
    let layers = try ExplorerLayer.layers(of: model.decoder.network)
    let weights = layers.flatMap(\.weights)
    guard weights.allSatisfy({ $0.isFinite }) else {
      throw StructuredError(
        "a weight of the decoder is not finite", expected: "finite weights",
        action: "Check that training did not diverge.")
    }
    let bytesPerImage = dataset.isBinary ? (model.image.count + 7) / 8 : model.image.count
    let selection = ImageSelection(of: dataset, limit: Self.budget / (bytesPerImage + 8 * model.latents))
    let codes = selection.indices.flatMap { posterior.means[row($0)] + posterior.logVariances[row($0)] }
    let facts = Facts(
      title: title, likelihood: .init(model.likelihood), image: model.image, binary: dataset.isBinary,
      dataset: .init(name: dataset.name, count: dataset.count), layers: layers,
      latents: try latents(), choices: selection.choices, indices: selection.indices,
      factors: selection.choices.isEmpty ? listedFactors(of: selection.indices) : nil)
    return PageTemplate(PackageResources.explorer_html).filled([
      "title": PageTemplate.escaped(title), "style": String(decoding: PackageResources.explorer_css, as: UTF8.self),
      "script": String(decoding: PackageResources.explorer_js, as: UTF8.self), "facts": try PageTemplate.json(facts),
      "weights": base64(weights), "codes": base64(codes), "images": try images(selection.indices),
    ])
  }

  private func row(_ index: Int) -> Range<Int> { index * model.latents..<(index + 1) * model.latents }

  /// Each latent's aggregate posterior, by falling KL.
  private func latents() throws -> [Facts.Latent] {
    let d = model.latents, n = Double(posterior.count)
    let statistics = PosteriorStatistics(posterior)
    var means = [Double](repeating: 0, count: d)
    for (i, mean) in posterior.means.enumerated() { means[i % d] += Double(mean) / n }
    // E μ² + E σ² is in the cross-entropy ½(log 2π + E μ² + E σ²).
    let deviations = (0..<d).map { k in
      let second = 2 * statistics.crossEntropies[k] - log(2 * Double.pi)
      return max(second - means[k] * means[k], 1e-12).squareRoot()
    }
    let spacing = 6 / Double(Self.densityPoints - 1)
    let points = (0..<Self.densityPoints).map { -3 + spacing * Double($0) }
    let codes = points.flatMap { point in (0..<d).map { Float(means[$0] + point * deviations[$0]) } }
    // Smoothed by half the distance of the points, so that no narrow posterior falls between two of them.
    let smoothed = posterior.logVariances.enumerated().map { i, logVariance in
      let width = spacing / 2 * deviations[i % d]
      return Float(log(exp(Double(logVariance)) + width * width))
    }
    let densities = AggregatePosterior(
      try PosteriorTable(means: posterior.means, logVariances: smoothed, latents: d), on: model.device
    ).logDensities(of: codes, marginals: true).marginals
    // Deterministic codes have the same rate in each latent: what they carry tells them apart.
    let counted = posterior.codebookSize.map { _ in
      LatentInformation(of: IntegratedPosterior(posterior, on: model.device)).latents
    }
    let nats = counted?.map(\.mutualInformation.value) ?? statistics.klPerDimension
    let order = (0..<d).sorted { (nats[$0], $1) > (nats[$1], $0) }
    return order.map { k in
      let density = points.indices.map { exp(densities[$0 * d + k]) }, peak = density.max() ?? 1
      return Facts.Latent(
        index: k, kl: nats[k], values: model.codebook?.sortedValues(of: k), mean: means[k], deviation: deviations[k],
        active: counted?[k].isActive ?? (statistics.meanVariances[k] >= PosteriorStatistics.activeVariance),
        // Four digits of the peak are more than a screen shows.
        density: density.map { ($0 / peak * 1e4).rounded() / 1e4 }, peak: peak)
    }
  }

  private func listedFactors(of indices: [Int]) -> Facts.ListedFactors? {
    guard !dataset.factors.isEmpty else { return nil }
    return .init(names: dataset.factors.names, values: indices.map { dataset.factors.values(at: $0) })
  }

  /// The images, one bit or one byte for each value, deflated.
  private func images(_ indices: [Int]) throws -> String {
    let size = model.image.count
    var bytes: [UInt8] = []
    for start in stride(from: 0, to: indices.count, by: 256) {
      let batch = Array(indices[start..<min(start + 256, indices.count)])
      try dataset.batch(batch, on: model.device).withElements { values in
        for image in stride(from: 0, to: values.count, by: size) {
          if dataset.isBinary {
            for first in stride(from: image, to: image + size, by: 8) {
              let eight = values[first..<min(first + 8, image + size)]
              bytes.append(eight.enumerated().reduce(0) { $0 | ($1.element > 0.5 ? 1 << UInt8($1.offset) : 0) })
            }
          } else {
            bytes += values[image..<image + size].map { UInt8((min(1, max(0, $0)) * 255).rounded()) }
          }
        }
      }
    }
    guard let encoder = ZlibEncoder(level: 9) else { throw StructuredError("there is not enough memory") }
    return Data(bytes.withUnsafeBytes { encoder.encode($0) }).base64EncodedString()
  }

  private func base64(_ values: [Float]) -> String {
    values.withUnsafeBytes { Data($0).base64EncodedString() }
  }
}

/// What the page knows besides arrays.
private struct Facts: Encodable {
  struct Likelihood: Encodable {
    let name: String
    let scale: Float?

    init(_ likelihood: TensorCore.Likelihood) {
      name = likelihood.name
      switch likelihood {
      case .bernoulli: scale = nil
      case .gaussian(let deviation): scale = deviation
      case .laplace(let b): scale = b
      }
    }
  }

  struct Dataset: Encodable {
    let name: String
    let count: Int
  }

  struct Latent: Encodable {
    let index: Int
    /// The KL from the prior; of deterministic codes I(x; z_d).
    let kl: Double
    /// The values of deterministic codes.
    let values: [Float]?
    let mean: Double
    let deviation: Double
    let active: Bool
    let density: [Double]
    let peak: Double
  }

  struct ListedFactors: Encodable {
    let names: [String]
    let values: [[Int?]]
  }

  let title: String
  let likelihood: Likelihood
  let image: ImageShape
  let binary: Bool
  let dataset: Dataset
  let layers: [ExplorerLayer]
  let latents: [Latent]
  let choices: [ImageSelection.Choice]
  let indices: [Int]
  let factors: ListedFactors?
}
