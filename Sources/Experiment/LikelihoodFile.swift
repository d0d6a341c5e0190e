import Diagnostics
import FactorData
import FileFormats
import Foundation
import RateDecomposition
import TensorCore

/// Likelihoods of a run's images as `disentangle likelihood` measured them, kept in the run's folder as `likelihood.json`,
/// where reports find them.
public struct LikelihoodFile: Codable {
  /// What they were measured on: the parameters and the data set, as ``PosteriorCache`` names them.
  public let source: String
  /// By annealed importance sampling.
  public var bounds: LikelihoodBounds?
  /// By importance sampling.
  public var importance: MarginalLikelihood?
  /// The rate–distortion curve of the decoder.
  public var curve: DecoderCurve?
  /// How prior and aggregate posterior overlap.
  public var coverage: PriorCoverage?

  /// What is stored for a run; empty if there is nothing, or it is of other parameters or other data.
  ///
  /// - Throws: `StructuredError` if the run's parameters or the data set's file cannot be read.
  public init(of run: TrainedRun, for dataset: any FactorDataset) throws {
    source = try PosteriorCache(of: run, for: dataset).source
    guard run.folder.contains(.likelihood), let data = try? run.folder.read(.likelihood),
      let file = try? JSONDecoder().decode(LikelihoodFile.self, from: data), file.source == source
    else { return }
    (bounds, importance, curve, coverage) = (file.bounds, file.importance, file.curve, file.coverage)
  }

  /// The images that are measured, drawn without repetition.
  public static func images(_ count: Int, of dataset: any FactorDataset, seed: UInt64) -> [Int] {
    var stream = RandomStream(seed: seed).split("likelihood images")
    return stream.distinct(min(count, dataset.count), below: dataset.count).sorted()
  }

  /// Stores it in place of an earlier one.
  ///
  /// - Throws: `StructuredError` if the file cannot be written; an earlier one is intact then.
  public func store(in run: TrainedRun) throws {
    try run.folder.write(Data((json() + "\n").utf8), as: .likelihood)
  }

  /// As JSON: indented, keys in alphabetical order, so that equal results are equal files.
  public func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }
}
