import Diagnostics
import Experiment
import FileFormats
import Foundation
import Pages

extension Comparison {
  /// Makes sure that ``write(to:)`` may begin.
  ///
  /// - Parameters:
  ///   - path: the folder.
  ///   - runs: the folders of the runs to be compared.
  ///   - force: whether a comparison of other runs is replaced.
  /// - Throws: `StructuredError` if something else is there, or the folder above it is missing or not writable.
  public static func requireWritable(_ path: String, of runs: [String], force: Bool) throws {
    try AtomicFolder.requireWritable(path, as: .comparison)
    let file = PathParts.join(path, "comparison.json")
    guard !force, FileManager.default.fileExists(atPath: file) else { return }
    let earlier = (try? ReportJSON.decode(file) as ComparisonContents)?.groups.flatMap { $0.runs.map(\.path) } ?? []
    func normal(_ paths: [String]) -> Set<String> {
      Set(paths.map { PathParts.join(PathParts($0).folder, PathParts($0).name) })
    }
    guard normal(earlier) == normal(runs) else {
      throw StructuredError(
        "the folder holds a comparison of other runs", at: path, action: "Choose another --output or pass --force.")
    }
  }

  /// The table for a terminal or Markdown.
  public func text(_ style: TextTable.Style = .terminal) -> String {
    (style == .markdown ? TextTable.heading(contents.title, style) : contents.title + "\n") + "\n" + table.text(style)
  }

  /// Writes the folder: `index.html`, `comparison.md`, `comparison.json`, and `figures/`.
  ///
  /// - Throws: `StructuredError` if a file cannot be written; an earlier comparison is intact then.
  public func write(to path: String) throws {
    var document = Document(title: contents.title)
    document.blocks = [.table(table, prefix: ""), .table(runs, prefix: "")]
    document.blocks += figures.flatMap { [.heading($0.title), .figure($0.name)] }
    try ReportFolder(kind: .comparison, name: "comparison").write(
      to: path, json: ReportJSON.encode(contents), document, figures)
  }

  /// Quantities in rows and groups in columns, or the other way round where there are many groups.
  private var table: TextTable { contents.groups.count > Self.mostColumns ? groupTable : quantityTable }

  private var groupTable: TextTable {
    let kinds = kinds.filter { kind in contents.groups.contains { $0.quantities[kind.name] != nil } }
    let rows = contents.groups.enumerated().map { index, group -> [TextTable.Cell] in
      [.init(group.label)]
        + kinds.map { kind in
          group.quantities[kind.name].map {
            .number($0.mean, at: "groups.\(index).quantities.\(kind.name).mean")
          } ?? "–"
        }
    }
    return TextTable(
      header: [""] + kinds.map(\.short), rows: rows,
      numeric: Set(1...max(1, kinds.count)),
      note:
        "R = I + TC + dwKL, the rate and its parts, D the distortion, in nats; means over the runs of a group. log p̂(x) and "
        + "the gap to the ELBO are over the images of the likelihood section, the ELBO beside them over all. Active is a "
        + "number of latents; redundancy, MIG and the metrics after it are scores. Standard deviations and errors are in "
        + "comparison.json.")
  }

  private var quantityTable: TextTable {
    let rows = kinds.compactMap { kind -> [TextTable.Cell]? in
      guard contents.groups.contains(where: { $0.quantities[kind.name] != nil }) else { return nil }
      return [.init(kind.title)]
        + contents.groups.enumerated().flatMap { index, group -> [TextTable.Cell] in
          guard let quantity = group.quantities[kind.name] else { return ["–", ""] }
          let path = "groups.\(index).quantities.\(kind.name)."
          return [.number(quantity.mean, at: path + "mean"), Self.uncertainty(quantity, path)]
        }
    }
    return TextTable(
      header: ["nats"] + contents.groups.flatMap { [$0.label, ""] }, rows: rows,
      numeric: Set(contents.groups.indices.map { 2 * $0 + 1 }),
      note:
        "± is the standard deviation over the runs of a group, with their number; for a single run, the standard error "
        + "of measuring in brackets. Active units are a number of latents; redundancy, MIG and the metrics after it are scores."
    )
  }

  private static func uncertainty(_ quantity: ComparisonContents.Quantity, _ path: String) -> TextTable.Cell {
    if let deviation = quantity.standardDeviation {
      return .init(
        "± \(Format.number(deviation)) (\(quantity.values.count) runs)", value: deviation,
        path: path + "standard_deviation")
    }
    guard let error = quantity.standardError, error > 0 else { return "" }
    return .init("(\(Format.number(error)))", value: error, path: path + "standard_error")
  }

  /// Which runs are in which group.
  private var runs: TextTable {
    TextTable(
      title: "Runs", header: ["group", "run", "name", "seed", "training"],
      rows: contents.groups.enumerated().flatMap { index, group in
        group.runs.enumerated().map { place, run in
          [
            .init(group.label), .init(run.path), .init(run.name),
            .init("\(run.seed)", value: Double(run.seed), path: "groups.\(index).runs.\(place).seed"),
            .init(run.training.rawValue),
          ]
        }
      }, numeric: [3])
  }
}

extension ReportContents {
  /// The report in a run's folder, short or full; nil if there is none, or the run's parameters or configuration are
  /// not those that it was made of.
  ///
  /// - Throws: `StructuredError` if the run's parameters cannot be read.
  public static func existing(of run: TrainedRun) throws -> ReportContents? {
    let path = PathParts.join(run.folder.reportFolder, "report.json")
    guard FileManager.default.fileExists(atPath: path), let contents = try? ReportContents(reading: path),
      contents.run.checksum == (try Report.checksum(of: run)),
      try ExperimentConfiguration.differences(from: contents.run.configuration, to: run.configuration, run.components)
        .isEmpty
    else { return nil }
    return contents
  }
}
