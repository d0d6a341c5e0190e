import Diagnostics
import DisentanglementMetrics
import Experiment
import FactorData
import RateDecomposition
import TensorCore

/// Which images of a run's data set metrics are computed on.
public enum EvaluatedImages: String, Sendable, CaseIterable {
  /// All images.
  case all
  /// The images that training draws from.
  case training
  /// The images that training never draws, as combinations of factor values that were left out.
  case heldOut = "held-out"

  /// Some images of a data set, and which these are.
  public struct Choice: Sendable, Equatable {
    /// The images, ascending; nil for all.
    public var images: [Int]?
    /// A sentence; nil where there is nothing to say.
    public var note: String?

    /// Describes a choice; by default all images.
    public init(images: [Int]? = nil, note: String? = nil) { (self.images, self.note) = (images, note) }
  }

  /// The images of a run.
  ///
  /// - Throws: `StructuredError` if held-out images are asked for and training draws from all.
  public func choice(of run: TrainedRun, in dataset: any FactorDataset) throws -> Choice {
    let drawn = try run.settings.dataset.sampling.map { _ in
      try run.settings.dataset.distribution(of: dataset, stream: run.settings.stream).images
    }
    func some(_ count: Int) -> String { "\(Format.grouped(count)) of \(Format.grouped(dataset.count)) images" }
    switch self {
    case .all:
      return Choice(
        images: nil,
        note: drawn.map {
          "Over all \(Format.grouped(dataset.count)) images; training draws from \(Format.grouped($0.count)) of them."
        })
    case .training:
      return Choice(images: drawn, note: drawn.map { "Over the \(some($0.count)) that training draws from." })
    case .heldOut:
      guard let drawn, drawn.count < dataset.count else {
        throw StructuredError(
          "training draws from all images", at: run.folder.path,
          expected: "a run whose dataset.sampling leaves images out, for --images held-out")
      }
      var isDrawn = [Bool](repeating: false, count: dataset.count)
      for image in drawn { isDrawn[image] = true }
      let others = isDrawn.indices.filter { !isDrawn[$0] }
      return Choice(images: others, note: "Over the \(some(others.count)) that training never draws.")
    }
  }
}

extension MetricInput {
  /// The posteriors of the images of a data set whose factors are all known, with these.
  ///
  /// - Parameters:
  ///   - posterior: q(z|x) of all images.
  ///   - dataset: the images.
  ///   - choice: which of them; by default all.
  ///   - device: whose threads work.
  ///   - location: where the posteriors are from, for errors.
  /// - Throws: `StructuredError` if the data set has no factors, or none of the images has known values of all factors.
  public init(
    _ posterior: PosteriorTable, on dataset: any FactorDataset,
    _ choice: EvaluatedImages.Choice = EvaluatedImages.Choice(), device: Device, location: String
  ) throws {
    let known = try dataset.factors.completeImages(location: location), list = dataset.factors.list
    var chosen = choice.images ?? known
    if choice.images != nil, let known {
      let isKnown = Set(known)
      chosen = chosen?.filter(isKnown.contains)
    }
    guard chosen?.isEmpty != true else {
      throw StructuredError(
        "none of the chosen images has known values of all factors", at: location,
        expected: "images whose factors are all known")
    }
    let posterior = chosen.map(posterior.rows) ?? posterior, columns = list.indices.map(dataset.factors.column)
    let factors = (chosen ?? Array(0..<dataset.count)).flatMap { image in columns.map { $0[image] } }
    self.init(
      codes: try LabeledCodes(
        codes: posterior.means, latents: posterior.latents, factors: factors, names: list.map(\.name),
        sizes: list.map(\.size), categorical: list.map { $0.kind == .categorical }, location: location),
      posterior: posterior, device: device)
    notes = [choice.note].compactMap { $0 }
    if known != nil {
      notes.append(
        "Only images whose factors are all known count: \(Format.grouped(codes.count)) of "
          + "\(Format.grouped(choice.images?.count ?? dataset.count)).")
    }
  }

  /// Checks that there are images whose factors are all known, which metrics need.
  ///
  /// - Throws: `StructuredError` if the data set has no factors, or no such image.
  public static func requireFactors(of dataset: any FactorDataset, at location: String) throws {
    _ = try dataset.factors.completeImages(location: location)
  }
}
