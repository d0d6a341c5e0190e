import Experiment
import FactorData
import Figures
import RateDecomposition

/// The figures of images in a report: reconstructions, traversals, samples and interpolations.
struct ReportImages {
  /// What the figures show, as numbers. Optional values are nil in the short form.
  struct Facts: Sendable, Equatable, Codable {
    /// The latents that are traversed, by falling KL.
    var latents: [Int]
    /// What each latent is set to while all others are 0, `[values]`; nil for deterministic codes, too.
    var priorValues: [Double]?
    /// What each of ``latents`` is set to while the others are those of an image, `[latents][values]`: the mean of q(z_d)
    /// and up to three of its standard deviations on either side, or for deterministic codes all its values.
    var posteriorValues: [[Double]]
    /// The image whose code the posterior traversals start from.
    var posteriorImage: Int
    /// The images that are reconstructed.
    var reconstructedImages: [Int]
    /// The number of codes drawn from the prior.
    var priorSamples: Int?
    /// The pairs of images between which is interpolated.
    var interpolatedImages: [[Int]]?

    enum CodingKeys: String, CodingKey {
      case latents
      case priorValues = "prior_values"
      case posteriorValues = "posterior_values"
      case posteriorImage = "posterior_image"
      case reconstructedImages = "reconstructed_images"
      case priorSamples = "prior_samples"
      case interpolatedImages = "interpolated_images"
    }
  }

  /// At most so many latents are traversed.
  static let most = 16
  private static let frames = 13

  let facts: Facts
  let figures: [Figure]
  /// Traversals as an animation; nil in the short form.
  let animation: TraversalAnimation?

  /// Decodes all images of a form of the report; the short form has reconstructions, and traversals from an image.
  init(_ run: EncodedRun, _ latents: LatentInformation, form: ReportContents.Form) throws {
    let chosen = Array(latents.byKL.prefix(Self.most))
    let values = (-3...3).map(Double.init)
    let reconstructed = run.images(10, "pictures"), ends = run.images(8, "interpolations")
    let pairs = stride(from: 0, to: ends.count - 1, by: 2).map { [ends[$0], ends[$0 + 1]] }
    let base = run.images(1, "traversals")[0]
    let codebook = run.model.codebook
    let posteriorValues = chosen.map { latent in
      codebook?.sortedValues(of: latent.latent).map(Double.init)
        ?? values.map { latent.mean + $0 * latent.standardDeviation }
    }
    let isFull = form == .full, samples = 40
    facts = Facts(
      latents: chosen.map(\.latent), priorValues: isFull && codebook == nil ? values : nil,
      posteriorValues: posteriorValues,
      posteriorImage: base, reconstructedImages: reconstructed, priorSamples: isFull ? samples : nil,
      interpolatedImages: isFull ? pairs : nil)

    let d = run.model.latents, middle = run.model.middleCode, code = run.means(of: [base])
    func rows(_ base: [Float], _ values: [[Double]]) throws -> [TraversalFigure.Row] {
      try zip(chosen, values).map { latent, values in
        let codes = values.flatMap { value in
          var code = base
          code[latent.latent] = Float(value)
          return code
        }
        return TraversalFigure.Row(
          latent: latent.latent, kl: codebook == nil ? latent.kl : latent.mutualInformation.value, values: values,
          images: try run.decode(codes))
      }
    }
    let left = d > chosen.count ? " Shown are the \(chosen.count) latents of the highest KL." : ""
    let reconstructions = try Self.reconstructions(of: run, reconstructed).draw()
    let fromImage = try TraversalFigure(rows: rows(code, posteriorValues)).draw(
      name: "traversals-posterior", title: "Traversals from an image",
      caption: codebook == nil
        ? "Each row sets one latent to the value below each image: the mean of q(z_d) and up to three of its "
          + "standard deviations on either side. All others stay at the posterior mean of image \(base)." + left
        : "Each row sets one latent to each of its values. All others stay at the code of image \(base)." + left)
    guard isFull else {
      (figures, animation) = ([reconstructions, fromImage], nil)
      return
    }
    var noise = run.stream.split("prior samples")
    let codes = run.model.priorCodes(samples, from: &noise)
    var figures = [
      reconstructions,
      try TraversalFigure(rows: rows(middle, codebook == nil ? chosen.map { _ in values } : posteriorValues)).draw(
        name: "traversals-prior", title: "Traversals from the \(codebook == nil ? "mean" : "middle") of the prior",
        caption: codebook == nil
          ? "Each row sets one latent to the value below each image, all others to 0, the mean of the prior. "
            + "Latents are sorted by KL, the largest first; it stands below their names." + left
          : "Each row sets one latent to each of its values, all others to the middle one of theirs. Below the names of latents "
            + "stands I(x; z_d), by which they are sorted." + left),
      fromImage,
      ImagesFigure(
        images: try run.decode(codes), name: "samples", title: "Samples from the prior",
        caption: "p(x|z) for \(samples) codes z drawn from "
          + (codebook == nil ? "the prior N(0, I)." : "the values of each latent with equal chances.")
      ).draw(),
    ]
    if !pairs.isEmpty {
      figures.append(
        InterpolationFigure(
          rows: try pairs.map { pair in
            let codes = run.means(of: pair), first = codes[..<d], second = codes[d...]
            let between = (0..<7).flatMap { step in
              zip(first, second).map { $0 + Float(step) / 6 * ($1 - $0) }
            }
            return InterpolationFigure.Row(ends: try run.originals(pair), between: try run.decode(between))
          }
        ).draw())
    }
    self.figures = figures
    let path = (0..<Self.frames).map { -3 + 6 * Double($0) / Double(Self.frames - 1) }
    animation = TraversalAnimation(
      rows: try rows(middle, codebook == nil ? chosen.map { _ in path } : posteriorValues))
  }

  /// Originals and their reconstructions.
  static func reconstructions(of run: EncodedRun, _ images: [Int]) throws -> ReconstructionFigure {
    try ReconstructionFigure(
      data: try run.originals(images), reconstructions: try run.decode(run.means(of: images)))
  }
}

extension EncodedRun {
  /// p(x|z) of codes `[B, D]`, as images.
  func decode(_ codes: [Float]) throws -> ImageStack { try model.decodedImages(codes) }

  /// Images of the data set.
  func originals(_ images: [Int]) throws -> ImageStack { try model.originals(images, of: dataset) }
}

extension Model {
  /// p(x|z) of codes `[B, D]`, as images.
  func decodedImages(_ codes: [Float]) throws -> ImageStack {
    try ImageStack(
      decode(codes), count: codes.count / latents, height: image.height, width: image.width, channels: image.channels)
  }

  /// Images of a data set, in the shape of the model's.
  func originals(_ images: [Int], of dataset: any FactorDataset) throws -> ImageStack {
    try ImageStack(
      try dataset.batch(images, on: device).elements, count: images.count, height: image.height, width: image.width,
      channels: image.channels)
  }
}
