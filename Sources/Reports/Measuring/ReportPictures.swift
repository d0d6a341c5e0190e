import Figures
import RateDecomposition

/// The pictures of a report: what the model draws.
struct ReportPictures {
  /// What the pictures show, as numbers.
  struct Facts: Sendable, Equatable, Codable {
    /// The latents that are traversed, by falling KL.
    var latents: [Int]
    /// What each latent is set to while all others are 0, `[values]`.
    var priorValues: [Double]
    /// What each of ``latents`` is set to while the others are those of an image, `[latents][values]`: the mean of q(z_d)
    /// and up to three of its standard deviations on either side.
    var posteriorValues: [[Double]]
    /// The image whose code the posterior traversals start from.
    var posteriorImage: Int
    /// The images that are reconstructed.
    var reconstructedImages: [Int]
    /// The number of codes drawn from the prior.
    var priorSamples: Int
    /// The pairs of images between which is interpolated.
    var interpolatedImages: [[Int]]

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
  /// The moving picture.
  let animation: TraversalAnimation

  /// Decodes all pictures of a run.
  init(_ run: EncodedRun, _ latents: LatentInformation) throws {
    let chosen = Array(latents.byKL.prefix(Self.most))
    let values = (-3...3).map(Double.init)
    let reconstructed = run.images(10, "pictures"), ends = run.images(8, "interpolations")
    let pairs = stride(from: 0, to: ends.count - 1, by: 2).map { [ends[$0], ends[$0 + 1]] }
    let base = run.images(1, "traversals")[0]
    let posteriorValues = chosen.map { latent in values.map { latent.mean + $0 * latent.standardDeviation } }
    facts = Facts(
      latents: chosen.map(\.latent), priorValues: values, posteriorValues: posteriorValues, posteriorImage: base,
      reconstructedImages: reconstructed, priorSamples: 40, interpolatedImages: pairs)

    let d = run.model.latents, zero = [Float](repeating: 0, count: d), code = run.means(of: [base])
    func rows(_ base: [Float], _ values: [[Double]]) throws -> [TraversalsPicture.Row] {
      try zip(chosen, values).map { latent, values in
        let codes = values.flatMap { value in
          var code = base
          code[latent.latent] = Float(value)
          return code
        }
        return TraversalsPicture.Row(
          latent: latent.latent, kl: latent.kl, values: values, images: try run.decode(codes))
      }
    }
    let left = d > chosen.count ? " Shown are the \(chosen.count) latents of the highest KL." : ""
    var noise = run.stream.split("prior samples")
    var codes = [Float](repeating: 0, count: facts.priorSamples * d)
    codes.withUnsafeMutableBufferPointer { noise.fillNormal($0) }
    var figures = [
      try Self.reconstructions(of: run, reconstructed).draw(),
      try TraversalsPicture(rows: rows(zero, chosen.map { _ in values })).draw(
        name: "traversals-prior", title: "Traversals from the mean of the prior",
        caption: "Each row sets one latent to the value below each image, all others to 0, the mean of the prior. "
          + "Latents by falling KL, which stands below their names." + left),
      try TraversalsPicture(rows: rows(code, posteriorValues)).draw(
        name: "traversals-posterior", title: "Traversals from an image",
        caption: "Each row sets one latent to the value below each image: the mean of q(z_d) and up to three of its "
          + "standard deviations on either side. All others stay at the posterior mean of image \(base)." + left),
      ImagesPicture(
        images: try run.decode(codes), name: "samples", title: "Samples from the prior",
        caption: "p(x|z) for \(facts.priorSamples) codes z drawn from the prior N(0, I)."
      ).draw(),
    ]
    if !pairs.isEmpty {
      figures.append(
        InterpolationsPicture(
          rows: try pairs.map { pair in
            let codes = run.means(of: pair), first = codes[..<d], second = codes[d...]
            let between = (0..<7).flatMap { step in
              zip(first, second).map { $0 + Float(step) / 6 * ($1 - $0) }
            }
            return InterpolationsPicture.Row(ends: try run.originals(pair), between: try run.decode(between))
          }
        ).draw())
    }
    self.figures = figures
    let path = (0..<Self.frames).map { -3 + 6 * Double($0) / Double(Self.frames - 1) }
    animation = TraversalAnimation(rows: try rows(zero, chosen.map { _ in path }))
  }

  /// Originals and their reconstructions.
  static func reconstructions(of run: EncodedRun, _ images: [Int]) throws -> ReconstructionsPicture {
    try ReconstructionsPicture(
      data: try run.originals(images), reconstructions: try run.decode(run.means(of: images)))
  }
}

extension EncodedRun {
  /// p(x|z) of codes `[B, D]`, as images.
  func decode(_ codes: [Float]) throws -> ImageStack {
    try ImageStack(
      model.decode(codes), count: codes.count / model.latents, height: model.image.height, width: model.image.width,
      channels: model.image.channels)
  }

  /// Images of the data set.
  func originals(_ images: [Int]) throws -> ImageStack {
    try ImageStack(
      try dataset.batch(images, on: model.device).elements, count: images.count, height: model.image.height,
      width: model.image.width, channels: model.image.channels)
  }
}
