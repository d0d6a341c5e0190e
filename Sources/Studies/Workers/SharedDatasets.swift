import Experiment
import FactorData
import StrictConfiguration
import Synchronization
import TensorCore

/// The data sets of the runs at work in one process, each opened once for all of them.
public final class SharedDatasets: Sendable {
  private struct Entry: Sendable {
    let key: String
    let dataset: any FactorDataset
  }

  /// The latest last; no more than are likely to be in use, because a data set may take gigabytes.
  private let entries = Mutex<[Entry]>([])
  private let most: Int

  /// - Parameter most: how many are kept.
  public init(most: Int = 1) { self.most = most }

  /// Opens the data set of a run, or returns the one that is open.
  ///
  /// - Throws: `StructuredError` if it cannot be opened.
  func open(
    _ resolved: ResolvedConfiguration<ExperimentConfiguration>, on device: Device
  ) throws -> any FactorDataset {
    let key = try ConfigurationDocument(yaml: resolved.yaml, source: "the configuration of a run").values.filter {
      $0.path.hasPrefix("dataset.") && !$0.path.hasPrefix("dataset.sampling")
    }.map { "\($0.path)=\($0.value)\n" }.sorted().joined()
    // Workers that want the same data set wait for the first of them.
    return try entries.withLock { entries in
      if let index = entries.firstIndex(where: { $0.key == key }) {
        entries.append(entries.remove(at: index))
      } else {
        entries.append(Entry(key: key, dataset: try resolved.value.dataset.open(on: device)))
        if entries.count > most { entries.removeFirst() }
      }
      return entries[entries.count - 1].dataset
    }
  }
}
