/// The finished runs of a study on one data set, with their numbers as columns.
struct StudyColumns {
  /// Runs that differ in nothing but their seeds.
  struct Cell {
    var objective: String
    var strength: String
    /// The runs, `[n]`.
    var rows: [Int]
  }

  /// The data set; empty if the study has no axis of all runs.
  let dataset: String
  /// The runs, `[N]`.
  let runs: [StudyRun]
  /// The objectives that have runs, in the order of the plan.
  let objectives: [String]
  /// The cells that have runs, in the order of the plan.
  let cells: [Cell]
  /// The names of all scores, in the order of their first appearance.
  let names: [String]
  /// The first score of each metric that has a finite value.
  let metrics: [String]
  private let columns: [String: [Double]]
  private let rowsOfObjective: [String: [Int]]

  /// - Parameters:
  ///   - runs: finished runs on the data set.
  ///   - order: the settings of objective and strength in the order of the plan.
  init(_ dataset: String, _ runs: [StudyRun], order: [(objective: String, strength: String)]) {
    self.dataset = dataset
    self.runs = runs
    var names: [String] = [], columns: [String: [Double]] = [:]
    for (row, run) in runs.enumerated() {
      for score in run.measured?.values ?? [] {
        if columns[score.name] == nil {
          names.append(score.name)
          columns[score.name] = [Double](repeating: .nan, count: runs.count)
        }
        if let value = score.value, value.isFinite { columns[score.name]?[row] = value }
      }
    }
    self.names = names
    self.columns = columns
    metrics = StudyScore.firstScores(among: names).filter { columns[$0]?.contains(where: \.isFinite) ?? false }
    var rows: [String: [String: [Int]]] = [:]
    for (row, run) in runs.enumerated() { rows[run.objective, default: [:]][run.strength, default: []].append(row) }
    let cells = order.compactMap { setting in
      rows[setting.objective]?[setting.strength].map {
        Cell(objective: setting.objective, strength: setting.strength, rows: $0)
      }
    }
    self.cells = cells
    rowsOfObjective = rows.mapValues { $0.values.flatMap { $0 }.sorted() }
    var objectives: [String] = []
    for cell in cells where !objectives.contains(cell.objective) { objectives.append(cell.objective) }
    self.objectives = objectives
  }

  /// A score of every run, `[N]`; NaN where it is missing.
  func column(_ name: String) -> [Double] { columns[name] ?? [Double](repeating: .nan, count: runs.count) }

  /// Whether a score has a finite value in some run.
  func has(_ name: String) -> Bool { columns[name]?.contains(where: \.isFinite) ?? false }

  /// The runs of an objective.
  func rows(of objective: String) -> [Int] { rowsOfObjective[objective] ?? [] }

  /// A score of some runs.
  func values(_ name: String, _ rows: [Int]) -> [Double] {
    guard let column = columns[name] else { return [Double](repeating: .nan, count: rows.count) }
    return rows.map { column[$0] }
  }

  /// The strengths of an objective, in the order of the plan.
  func strengths(of objective: String) -> [String] { cells.filter { $0.objective == objective }.map(\.strength) }

  /// The rate, its parts and the distortion, as far as they are known.
  var information: [String] { StudyScore.information.filter(has) }

  /// The minibatch estimates of the total correlation.
  var minibatch: [String] { names.filter { StudyScore.isMinibatch($0) && has($0) } }
}

extension StudyColumns {
  /// The finished runs of each data set, in the order of the plan.
  static func all(_ runs: [StudyRun]) -> [StudyColumns] {
    var settings: [(objective: String, strength: String)] = [], known: Set<[String]> = []
    var byDataset: [String: [StudyRun]] = [:], datasets: [String] = []
    var objectives: [String] = []
    for run in runs where known.insert([run.objective, run.strength]).inserted {
      settings.append((run.objective, run.strength))
      if !objectives.contains(run.objective) { objectives.append(run.objective) }
    }
    // The plan alternates between objectives where it must; here the strengths of an objective stand together.
    let order = objectives.flatMap { objective in settings.filter { $0.objective == objective } }
    for run in runs where run.measured != nil {
      if byDataset[run.dataset] == nil { datasets.append(run.dataset) }
      byDataset[run.dataset, default: []].append(run)
    }
    return datasets.map { StudyColumns($0, byDataset[$0] ?? [], order: order) }
  }
}
