import Diagnostics
import Figures
import FileFormats
import Foundation
import Pages
import RateDecomposition

/// Runs in the rate–distortion plane, with the figures: `rate-distortion.json`.
public struct RateDistortionReport {
  /// The numbers.
  public struct Contents: Sendable, Equatable, Codable {
    /// Always "nats".
    public var units = "nats"
    /// The study's name.
    public var title: String
    /// The runs by rising rate.
    public var points: [RateDistortionPoint]
    /// The rate–distortion curve of each run's decoder, in the order of the points, null for deterministic codes; nil without
    /// `--curves`.
    public var curves: [DecoderCurve?]?
    /// What the points show, in sentences.
    public var findings: [String]
    /// The figures.
    public var figures: [FigureNote]
  }

  /// The numbers.
  public let contents: Contents
  /// The figures.
  public let figures: [Figure]

  /// Draws the plane.
  ///
  /// - Parameters:
  ///   - name: the study's name.
  ///   - runs: each run's point and its decomposition.
  ///   - curves: the curve of each run's decoder, in the same order, nil for deterministic codes; none if they are not
  ///     asked for.
  /// - Throws: `StructuredError` if there are no runs, or none of them has a distortion.
  public init(
    name: String, runs: [(point: RateDistortionPoint, decomposition: RateDecomposition)], curves: [DecoderCurve?] = []
  ) throws {
    precondition(curves.isEmpty || curves.count == runs.count, "a curve for each run")
    let rank = runs.indices.sorted { (runs[$0].point.rate, $0) < (runs[$1].point.rate, $1) }
    let order = rank.map { runs[$0] }
    let ordered = curves.isEmpty ? [] : rank.map { curves[$0] }
    guard let plane = RateDistortionFigure(points: order.map { ($0.point, $0.point.label) }, curves: ordered) else {
      throw StructuredError("there is no run with a distortion to draw", at: name)
    }
    figures = [
      plane.draw(),
      DecompositionFigure(
        bars: order.map { .init(label: $0.point.label, $0.decomposition) },
        caption: "The rate of each run and its three parts, with standard errors of measuring."
      ).draw(),
    ]
    contents = Contents(
      title: name, points: order.map(\.point), curves: ordered.isEmpty ? nil : ordered,
      findings: Self.findings(order.map(\.point))
        + zip(order, ordered).flatMap { run, curve in (curve?.findings ?? []).map { "\(run.point.label): \($0)" } },
      figures: figures.map(FigureNote.init))
  }

  private static func findings(_ points: [RateDistortionPoint]) -> [String] {
    var sentences: [String] = []
    func names(_ points: [RateDistortionPoint]) -> String {
      points.map { "\($0.label), seed \($0.seed)" }.joined(separator: "; ")
    }
    let collapsed = points.filter(\.isCollapsed), outside = points.filter { !$0.isWithinBounds }
    sentences.append(
      collapsed.isEmpty
        ? "No run has collapsed: each has active units."
        : "Collapsed, without any active unit: \(names(collapsed)).")
    sentences.append(
      outside.isEmpty
        ? "The exact mutual information of every run lies within its bounds."
        : "Outside its bounds by more than four standard errors: \(names(outside)).")
    if let best = points.filter({ $0.elbo != nil }).max(by: { ($0.elbo?.value ?? 0) < ($1.elbo?.value ?? 0) }),
      points.count > 1, let elbo = best.elbo
    {
      sentences.append("The best ELBO, \(Format.decimals(elbo.value, 2)) nats, has \(names([best])).")
    }
    return sentences
  }

  /// Makes sure that ``write(to:)`` may begin.
  ///
  /// - Throws: `StructuredError` if something else is there, or the folder above it is missing or not writable.
  public static func requireWritable(_ path: String) throws {
    try AtomicFolder.requireWritable(path, as: .rateDistortion)
  }

  /// The table and the findings for a terminal.
  public var text: String {
    ([contents.title, "", table.text(.terminal), ""] + contents.findings.map { "- " + $0 }).joined(separator: "\n")
  }

  /// Writes the folder: `index.html`, `rate-distortion.md`, `rate-distortion.json`, and `figures/`.
  ///
  /// - Throws: `StructuredError` if a file cannot be written; an earlier one is intact then.
  public func write(to path: String) throws {
    var document = Document(title: contents.title)
    document.blocks = [
      .list(contents.findings.map { [.init($0)] }), .figure("rate-distortion"), .table(table, prefix: "points."),
      .figure("decomposition"),
    ]
    try ReportFolder(kind: .rateDistortion, name: "rate-distortion").write(
      to: path, json: ReportJSON.encode(contents), document, figures)
  }

  private var table: TextTable {
    TextTable(
      header: ["run", "seed", "R", "D", "±", "ELBO", "I(x; z)", "±", "H − D", "TC(z)", "active", ""],
      rows: contents.points.enumerated().map { index, point in
        func number(_ value: Double?, _ path: String) -> TextTable.Cell {
          value.map { .number($0, at: "\(index).\(path)") } ?? "–"
        }
        return [
          .init(point.label), .init("\(point.seed)", value: Double(point.seed), path: "\(index).seed"),
          number(point.rate, "rate"), number(point.distortion?.value, "distortion.value"),
          number(point.distortion?.standardError, "distortion.standard_error"), number(point.elbo?.value, "elbo.value"),
          number(point.mutualInformation.value, "mutual_information.value"),
          number(point.mutualInformation.standardError, "mutual_information.standard_error"),
          number(point.lowerBound, "lower_bound"), number(point.totalCorrelation.value, "total_correlation.value"),
          .init(
            "\(point.activeUnits) of \(point.latents)", value: Double(point.activeUnits), path: "\(index).active_units"),
          point.isCollapsed ? "collapsed" : point.isWithinBounds ? "" : "OUTSIDE ITS BOUNDS",
        ]
      }, numeric: Set(1...9), note: "In nats. ± are standard errors of measuring.")
  }
}
