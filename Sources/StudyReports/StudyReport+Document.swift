import Diagnostics
import Pages

extension StudyReport {
  /// The page.
  var document: Document {
    let tables = StudyTables(contents)
    var document = Document(title: contents.title)
    document.blocks = [.list(contents.findings.map { [.init($0)] }), .table(tables.facts, prefix: "")]
    let perDataset: [(String, [StudyFigures.Kind], (Int) -> [TextTable?])] = [
      (
        "Scores by objective", [.scores, .information],
        { set in StudyTables.Subject.allCases.map { tables.medians($0, of: set) } }
      ),
      (
        "Scores by strength", [.strengths, .strengthsOfInformation],
        { set in
          StudyTables.Subject.allCases.flatMap {
            [tables.medians($0, of: set, byStrength: true), tables.means($0, of: set)]
          }
        }
      ),
      ("Rate and distortion", [.plane], { _ in [] }),
      (
        "Does low total correlation mean disentangled?", [.correlations],
        { set in [false, true].map { tables.totalCorrelation(of: set, withinObjectives: $0) } }
      ),
      ("Objectives, strengths and seeds", [.variance], { [tables.variance(of: $0)] }),
      ("Objectives against each other", [.superiority], { [tables.superiority(of: $0)] }),
    ]
    for (heading, kinds, table) in perDataset { add(heading, kinds, table, to: &document) }
    add("Choosing without labels", [figure("choices")] + [table(tables.choices)], to: &document)
    add("Other data sets", [figure("transfer")] + [table(tables.transfers)], to: &document)
    add("Downstream tasks", contents.datasets.indices.map { table(tables.downstream(of: $0)) }, to: &document)
    if contents.datasets.count > 1 {
      add(
        "Findings by data set",
        contents.datasets.flatMap { set in
          [Document.Block.paragraph([.init(set.name)]), .list(set.findings.map { [.init($0)] })]
        }, to: &document)
    }
    document.blocks += runLists
    return document
  }

  /// Adds a section with figures and tables of each data set, if there are any.
  private func add(
    _ heading: String, _ kinds: [StudyFigures.Kind], _ tables: (Int) -> [TextTable?], to document: inout Document
  ) {
    let blocks = contents.datasets.indices.flatMap { dataset in
      kinds.map { figure(StudyFigures.name($0, dataset, of: contents.datasets.count)) } + tables(dataset).map(table)
    }
    add(heading, blocks, to: &document)
  }

  /// Adds a section of the blocks that there are, if there are any.
  private func add(_ heading: String, _ blocks: [Document.Block?], to document: inout Document) {
    let known = blocks.compactMap { $0 }
    if !known.isEmpty { document.blocks += [.heading(heading)] + known }
  }

  private func figure(_ name: String) -> Document.Block? {
    figures.contains { $0.name == name } ? .figure(name) : nil
  }

  private func table(_ table: TextTable?) -> Document.Block? { table.map { .table($0, prefix: "") } }

  /// The collapsed runs, and those that failed or cannot be read.
  private var runLists: [Document.Block] {
    let runs = contents.runs
    func shortened(_ lines: [String]) -> Document.Block {
      let most = StudyTables.mostLines, rest = lines.count - most
      return .list((lines.prefix(most) + (rest > 0 ? ["and \(Format.grouped(rest)) more"] : [])).map { [.init($0)] })
    }
    var blocks: [Document.Block] = []
    if !runs.collapsed.isEmpty { blocks += [.heading("Collapsed runs"), shortened(runs.collapsed)] }
    if !runs.failures.isEmpty {
      blocks += [
        .heading("Failed and unreadable runs"),
        shortened(runs.failures.map { "\($0.run): \($0.state)\($0.error.map { ", \($0)" } ?? "")" }),
      ]
    }
    return blocks
  }
}
