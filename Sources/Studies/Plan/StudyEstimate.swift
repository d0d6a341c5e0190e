import Diagnostics
import Experiment
import Foundation
import StrictConfiguration
import TensorCore

/// How long the training of a study takes, and how much disk its finished runs.
public struct StudyEstimate: Sendable {
  /// Seconds of training of all runs one after another, each on the study's number of threads.
  public private(set) var seconds = 0.0
  /// Bytes of what is kept.
  public private(set) var bytes = 0.0
  /// Runs whose data set cannot be opened here, so that nothing is known of them.
  public private(set) var unknown = 0
  private var unknownReason: String?
  private let threads: Int
  private let keep: StudyConfiguration.Keep

  /// A result, a configuration, the log of training, an environment and a lock, with the blocks that they fill.
  private static let bytesBesides = 60_000.0

  /// Trains a few steps of the first run of each variant and combination of settings.
  ///
  /// - Throws: `StructuredError` if a run cannot be trained at all.
  public init(of plan: StudyPlan, components: Components) throws {
    (threads, keep) = (plan.study.threads, plan.study.keep)
    let device = Device(threads: plan.study.threads), datasets = SharedDatasets()
    for group in Dictionary(grouping: plan.runs, by: { "\($0.commonLabel)\n\($0.variant)" }).sorted(by: {
      $0.key < $1.key
    }) {
      guard let run = group.value.first else { continue }
      let resolved = try plan.configuration(of: run).experiment(components)
      do {
        let dataset = try datasets.open(resolved, on: device)
        let trainer = try Trainer(resolved.value, dataset: dataset, on: device)
        let each = try Trainer.secondsPerStep(resolved.value, dataset: dataset, on: device) * Double(trainer.steps)
        let weights = Double(trainer.model.parameters.count) * 4
        let posteriors = Double(dataset.count * resolved.value.model.latents) * 8
        let kept = (keep == .nothing ? 0 : weights) + (keep == .posteriors ? posteriors : 0) + Self.bytesBesides
        seconds += each * Double(group.value.count)
        bytes += kept * Double(group.value.count)
      } catch let error as StructuredError {
        unknown += group.value.count
        unknownReason = unknownReason ?? "\(error)"
      }
    }
  }

  /// The estimate in a few lines.
  public var text: String {
    let cores = max(1, Device.availableThreads / threads)
    var lines = [
      "training \(Format.duration(seconds)) of one worker, about \(Format.duration(seconds / Double(cores))) of the "
        + "\(cores) that run here at once",
      "disk     \(Format.value(bytes / 1e9, decimals: 1)) GB for finished runs (keep: \(keep.rawValue))",
    ]
    if let unknownReason { lines.append("without  \(Format.grouped(unknown)) runs: \(unknownReason)") }
    return lines.joined(separator: "\n")
  }
}
