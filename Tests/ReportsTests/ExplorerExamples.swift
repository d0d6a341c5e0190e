import Architectures
import Experiment
import FactorData
import FileFormats
import Foundation
import NeuralLayers
import RateDecomposition
import Reports
import TensorCore
import TestSupport

/// A model with random weights, images for it, and their posteriors.
struct ExplorerExample {
  let model: Model
  let dataset: any FactorDataset
  let posterior: PosteriorTable
  // Keeps the data set's file.
  private let folder: TemporaryFolder

  /// - Parameters:
  ///   - extents: `[N, H, W]` or `[N, H, W, C]`.
  ///   - factors: values of the factors, `[N][K]`; none where empty.
  ///   - isBinary: whether pixels are 0 and 1, or bytes.
  init(
    _ architecture: Architecture, images extents: [Int], factors: [[Int]] = [], isBinary: Bool = true, latents: Int = 5,
    likelihood: Likelihood = .bernoulli
  ) throws {
    folder = try TemporaryFolder()
    let device = Device(threads: 2)
    var stream = RandomStream(seed: 7)
    let file = try HDF5Writer()
    let pixels = (0..<extents.reduce(1, *)).map { _ in UInt8(stream.integer(below: isBinary ? 2 : 256)) }
    try file.write("images", pixels, shape: extents)
    if let width = factors.first?.count {
      try file.write("factors", factors.flatMap { $0 }, shape: [factors.count, width])
      try file.setAttribute("names", ["size", "<place> & more", "turn"].prefix(width).map { $0 }, of: "factors")
    }
    try file.save(to: folder.file("images.h5"))
    dataset = try ImageFile(
      path: folder.file("images.h5"), images: nil, factors: factors.isEmpty ? nil : "factors", on: device)
    model = try Model(architecture, image: dataset.imageShape, latents: latents, likelihood: likelihood, on: device)
    model.parameters.initialize(.kaimingUniform, from: RandomStream(seed: 11))
    model.parameters.disturbNormalizations(RandomStream(seed: 12))
    let codes = try model.encode(dataset, 0..<dataset.count)
    posterior = try PosteriorTable(means: codes.mean, logVariances: codes.logVariance, latents: latents)
  }

  func html(title: String = "example") throws -> String {
    try LatentExplorer(model, on: dataset, posterior: posterior, title: title).html()
  }

  /// All combinations of values, the last factor fastest.
  static func grid(_ sizes: [Int]) -> [[Int]] {
    sizes.reduce([[]]) { rows, size in rows.flatMap { row in (0..<size).map { row + [$0] } } }
  }

  /// A decoder with what no architecture of the registry has: odd extents, overlapping kernels, leaky ReLU.
  static let odd = Architecture(name: "odd", summary: "", paper: "") { image, latents, store in
    let encoder = try Encoder.heads(of: image, latents: latents, in: store)
    var mirror = NetworkBuilder("decoder", from: .vector(latents), in: store)
    mirror.dense(
      to: .image(ImageShape(height: image.height - 4, width: image.width - 4, channels: 3)),
      activation: .leakyReLU(slope: 0.2))
    try mirror.transposedConvolution(4, kernel: 3, activation: .tanh)
    try mirror.transposedConvolution(image.channels, kernel: 3)
    return Networks(encoder: encoder, decoder: try mirror.decoder(of: image))
  }
}
