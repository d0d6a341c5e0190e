import Studies

/// The statistics of the runs on one data set.
struct StudyAnalysis {
  typealias Contents = StudyReport.Contents

  let columns: StudyColumns
  /// Each statistic draws from a split of its own.
  let resamples: Resamples

  /// All of them.
  var contents: Contents.Dataset {
    var contents = Contents.Dataset(
      name: columns.dataset, runs: columns.runs.count, metrics: columns.metrics, scores: columns.names,
      objectives: columns.objectives.map { setting($0, nil, columns.rows(of: $0)) },
      settings: columns.cells.map { setting($0.objective, $0.strength, $0.rows) }, frontier: frontier,
      correlations: correlations, totalCorrelation: totalCorrelation, variance: variance, superiority: superiority,
      downstream: downstream, findings: [])
    contents.findings = DatasetFindings(contents).sentences
    return contents
  }

  private func split(_ label: String, _ indices: Int...) -> Resamples {
    Resamples(
      resamples.count, from: indices.reduce(resamples.stream.split(label)) { $0.split("index", $1) })
  }

  private func setting(_ objective: String, _ strength: String?, _ rows: [Int]) -> Contents.Setting {
    Contents.Setting(
      objective: objective, strength: strength, runs: rows.count,
      collapsed: rows.count { columns.runs[$0].measured?.isCollapsed ?? false },
      scores: columns.names.compactMap { Contents.Summary($0, of: columns.values($0, rows)) })
  }

  private var frontier: [Contents.FrontierRun] {
    let rates = columns.column(StudyScore.rate), distortions = columns.column(StudyScore.distortion)
    return Frontier(rates: rates, distortions: distortions).indices.map {
      Contents.FrontierRun(run: columns.runs[$0].label, rate: rates[$0], distortion: distortions[$0])
    }
  }

  private var correlations: Contents.Correlations {
    let others = [
      StudyScore.totalCorrelation, StudyScore.rate, StudyScore.distortion, StudyScore.elbo, StudyScore.activeUnits,
    ]
    let names = columns.metrics + others.filter(columns.has) + columns.minibatch
    let matrix = RankCorrelation.matrix(names.map(columns.column))
    return Contents.Correlations(
      scores: names, coefficients: matrix.map { $0.map(\.coefficient) }, counts: matrix.map { $0.map(\.count) })
  }

  private var totalCorrelation: [Contents.Correlation] {
    let exact = StudyScore.totalCorrelation
    guard columns.has(exact) else { return [] }
    var result: [Contents.Correlation] = []
    for (place, name) in ([exact] + columns.minibatch).enumerated() {
      let values = columns.column(name)
      let scores = name == exact ? columns.metrics : [exact] + columns.metrics
      for (index, score) in scores.enumerated() {
        result.append(
          .init(
            score, with: name,
            .spearman(columns.column(score), values, resamples: split("correlation", place, index))))
      }
    }
    guard columns.objectives.count > 1 else { return result }
    for (place, objective) in columns.objectives.enumerated() {
      let rows = columns.rows(of: objective), values = columns.values(exact, rows)
      for (index, score) in columns.metrics.enumerated() {
        result.append(
          .init(
            score, with: exact, objective: objective,
            .spearman(
              columns.values(score, rows), values, resamples: split("correlation within objective", place, index))))
      }
    }
    return result
  }

  private var variance: [Contents.Variance] {
    let explained = VarianceExplained.of(
      columns: columns.names.map(columns.column), objectives: columns.runs.map(\.objective),
      strengths: columns.runs.map(\.strength), resamples: split("variance"))
    return zip(columns.names, explained).compactMap { name, variance in variance.map { .init(name, $0) } }
  }

  private var superiority: [Contents.Superiority] {
    guard columns.objectives.count > 1 else { return [] }
    return columns.metrics.enumerated().map { index, score in
      let groups = columns.objectives.map { columns.values(score, columns.rows(of: $0)) }
      let matrix = ProbabilityOfSuperiority.matrix(groups, resamples: split("superiority", index))
      return Contents.Superiority(
        score: score, objectives: columns.objectives, probabilities: matrix.map { $0.map(\.probability) },
        intervals: matrix.map { $0.map { $0.interval.map(Contents.Interval.init) } })
    }
  }

  /// The efficiencies of downstream tasks, or their accuracies where there are no efficiencies.
  private var downstream: [Contents.Correlation] {
    let tasks = columns.names.filter { StudyScore.metric(of: $0) == "downstream" && columns.has($0) }
    let efficiencies = tasks.filter { $0.contains("efficiency") }
    guard tasks.contains(where: { $0.contains(":") }) else { return [] }
    let scores =
      columns.metrics.filter { !tasks.contains($0) }
      + [StudyScore.totalCorrelation, StudyScore.elbo].filter(columns.has)
    return (efficiencies.isEmpty ? tasks : efficiencies).enumerated().flatMap { place, task in
      scores.enumerated().map { index, score in
        .init(
          score, with: task,
          .spearman(
            columns.column(score), columns.column(task), resamples: split("downstream", place, index)))
      }
    }
  }
}
