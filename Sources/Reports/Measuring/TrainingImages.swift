import Experiment
import FactorData
import Figures
import Foundation

/// The figures that training shows in TensorBoard: reconstructions and traversals, of the same images and values
/// every time.
public struct TrainingImages {
  private static let reconstructed = 10
  /// Images whose mean KL orders the latents.
  private static let measured = 100
  /// At most so many latents are traversed.
  private static let most = 16

  private let dataset: any FactorDataset
  private let images: [Int]

  /// Chooses the images, by the seed.
  public init(of dataset: any FactorDataset, settings: ExperimentConfiguration) {
    self.dataset = dataset
    var stream = settings.stream.split("training pictures")
    images = stream.distinct(min(Self.measured, dataset.count), below: dataset.count)
  }

  /// Draws the figures of a model.
  ///
  /// - Throws: `StructuredError` if an image cannot be read or a figure cannot be drawn.
  public func draw(_ model: Model) throws -> [TensorBoardLog.Picture] {
    let d = model.latents, codes = try model.encode(dataset, images)
    let shown = Array(images.prefix(Self.reconstructed))
    let reconstructions = try ReconstructionFigure(
      data: model.originals(shown, of: dataset),
      reconstructions: model.decodedImages(Array(codes.mean.prefix(shown.count * d))))

    let kl = (0..<d).map { k in
      images.indices.reduce(0.0) { sum, n in
        let mean = Double(codes.mean[n * d + k]), logVariance = Double(codes.logVariance[n * d + k])
        return sum + 0.5 * (mean * mean + exp(logVariance) - logVariance - 1)
      } / Double(images.count)
    }
    let values = (-3...3).map(Double.init), middle = model.middleCode
    let order = kl.indices.sorted { (kl[$1], $0) < (kl[$0], $1) }.prefix(Self.most)
    let traversals = try TraversalFigure(
      rows: order.map { latent in
        let values = model.codebook?.sortedValues(of: latent).map(Double.init) ?? values
        let codes = values.flatMap { value in (0..<d).map { $0 == latent ? Float(value) : middle[$0] } }
        return TraversalFigure.Row(
          latent: latent, kl: kl[latent], values: values, images: try model.decodedImages(codes))
      })
    return [
      try rendered("reconstructions", reconstructions.draw()), try rendered("traversals", traversals.draw()),
    ]
  }

  private func rendered(_ tag: String, _ figure: Figure) throws -> TensorBoardLog.Picture {
    let canvas = try Canvas(figure, scale: 2)
    return .init(tag: tag, png: try canvas.png(), width: canvas.width, height: canvas.height)
  }
}
