import Figures
import Studies

/// The figures of a study's report. Those of one data set among several end in its number: `scores-2`.
struct StudyFigures {
  let columns: [StudyColumns]
  let contents: StudyReport.Contents

  /// The kinds of figures that each data set has.
  enum Kind: String, CaseIterable {
    case scores, information, strengths
    case strengthsOfInformation = "strengths-information"
    case plane, correlations, variance, superiority
  }

  /// The name of a data set's figure.
  static func name(_ kind: Kind, _ dataset: Int, of count: Int) -> String {
    count > 1 ? "\(kind.rawValue)-\(dataset + 1)" : kind.rawValue
  }

  /// All figures, in the order of the page.
  var all: [Figure] {
    Kind.allCases.flatMap { kind in columns.indices.compactMap { figure(kind, $0) } }
      + [
        ChoiceFigure(
          choices: contents.choices,
          caption: "For each score, that of the run that a value known without labels chooses"
            + (columns.count > 1 ? ", the mean over data sets" : "") + ". " + Self.intervals
        ).draw(), transfer,
      ].compactMap { $0 }
  }

  private static let intervals = "Intervals are 95 % intervals of the bootstrap over runs."

  /// All objectives that have runs, so that they have one colour on all data sets.
  private var objectives: [String] {
    contents.runs.objectives.filter { objective in columns.contains { $0.objectives.contains(objective) } }
  }

  private func figure(_ kind: Kind, _ dataset: Int) -> Figure? {
    let set = columns[dataset], numbers = contents.datasets[dataset]
    let name = Self.name(kind, dataset, of: columns.count)
    switch kind {
    case .scores:
      return violins(
        name, StudyDrawing.title("Scores by objective", set.dataset), set, set.metrics,
        "The first score of each metric.")
    case .information:
      return violins(
        name, StudyDrawing.title("Information by objective", set.dataset), set, set.information,
        "Rate R, its exact parts, and distortion D, in nats.")
    case .strengths:
      return strengths(
        name, StudyDrawing.title("Scores by strength", set.dataset), set, set.metrics, "The first score of each metric")
    case .strengthsOfInformation:
      return strengths(
        name, StudyDrawing.title("Information by strength", set.dataset), set,
        set.information + [StudyScore.activeUnits].filter(set.has),
        "Rate R, its exact parts, and distortion D, in nats, and the number of active units")
    case .plane: return plane(name, set)
    case .correlations:
      let names = numbers.correlations.scores.map(StudyScore.title)
      return MatrixFigure(
        name: name, title: StudyDrawing.title("Rank correlations", set.dataset),
        panels: numbers.correlations.hasPairs ? [.init(values: numbers.correlations.coefficients)] : [], rows: names,
        columns: names,
        range: -1...1,
        caption: "Spearman's ρ over all runs. Grey where a score is constant or there are fewer than 3 runs."
      ).draw()
    case .variance:
      return VarianceFigure(
        name: name, title: StudyDrawing.title("Variance explained", set.dataset), variance: numbers.variance,
        caption: "Shares of the variance of each score over all runs, adjusted for the number of groups (ε²); below 0 "
          + "drawn as 0. Lines are 95 % intervals: above of the share of the objective, below of objective and "
          + "strength together."
      ).draw()
    case .superiority:
      return MatrixFigure(
        name: name, title: StudyDrawing.title("Probability of a higher score", set.dataset),
        panels: numbers.superiority.map { .init(title: StudyScore.title($0.score), values: $0.probabilities) },
        rows: set.objectives, columns: set.objectives, range: 0...1,
        caption: "P(A > B) + ½·P(A = B) for one random run of objective A (row) and one of B (column), of any strength."
      ).draw()
    }
  }

  private func violins(
    _ name: String, _ title: String, _ set: StudyColumns, _ scores: [String], _ subject: String
  ) -> Figure? {
    ViolinFigure(
      name: name, title: title,
      panels: scores.map { score in
        .init(
          title: StudyScore.title(score), values: objectives.map { set.values(score, set.rows(of: $0)) })
      }, objectives: objectives,
      caption: subject + " Each point is a run, of any strength and seed; bars are quartiles, strokes medians."
    ).draw()
  }

  private func strengths(
    _ name: String, _ title: String, _ set: StudyColumns, _ scores: [String], _ subject: String
  ) -> Figure? {
    let columns = set.objectives.map { objective in set.cells.filter { $0.objective == objective } }
    return StrengthFigure(
      name: name, title: title,
      columns: zip(set.objectives, columns).map { .init(objective: $0, strengths: $1.map(\.strength)) },
      rows: scores.map { score in
        .init(title: StudyScore.title(score), values: columns.map { $0.map { set.values(score, $0.rows) } })
      },
      caption: subject + ", over the strengths of each objective in the order of the plan. Each point is a run; bars "
        + "are quartiles, dots medians."
    ).draw()
  }

  private func plane(_ name: String, _ set: StudyColumns) -> Figure? {
    let rates = set.column(StudyScore.rate), distortions = set.column(StudyScore.distortion), objectives = objectives
    let known = set.runs.indices.filter { rates[$0].isFinite && distortions[$0].isFinite }
      .sorted { (rates[$0], $0) < (rates[$1], $1) }
    let frontier = Set(Frontier(rates: rates, distortions: distortions).indices)
    let points = known.map { row in
      StudyPlaneFigure.Point(
        objective: objectives.firstIndex(of: set.runs[row].objective) ?? 0, rate: rates[row],
        distortion: distortions[row], isCollapsed: set.runs[row].measured?.isCollapsed ?? false,
        isOnFrontier: frontier.contains(row))
    }
    return StudyPlaneFigure(
      name: name, title: StudyDrawing.title("The rate–distortion plane", set.dataset), objectives: objectives,
      points: points,
      caption: "Each point is a run. No run has a lower rate and a lower distortion than one on the frontier."
        + (points.contains(where: \.isCollapsed) ? " Rings mark collapsed runs." : "")
    ).draw()
  }

  private var transfer: Figure? {
    guard let first = contents.transfers.first else { return nil }
    let datasets = StudyDrawing.withoutSharedWords(first.datasets).labels
    return MatrixFigure(
      name: "transfer", title: "Transfer of settings between data sets",
      panels: contents.transfers.map { .init(title: StudyScore.title($0.score), values: $0.shares) },
      rows: datasets, columns: datasets, range: -1...1, xLabel: "judged on", yLabel: "chosen on",
      caption: "The setting of objective and strength with the best median score on one data set, and its share of the "
        + "possible gain on another: 1 for the best setting there, 0 for a random one. On the diagonal it is judged by "
        + "the scores that it was chosen by."
    ).draw()
  }
}
