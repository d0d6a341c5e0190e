import Diagnostics
import Figures
import RateDecomposition

/// The figures of a comparison: those of single runs, overlaid.
struct ComparisonFigures {
  let groups: [ComparisonContents.Group]
  /// The reports of each group's runs.
  let reports: [[ReportContents]]

  var all: [Figure] { [decomposition, latents, training, likelihood, plane].compactMap { $0 } }

  private var over: String {
    groups.contains { $0.runs.count > 1 }
      ? "Mean over the runs of a group, and their standard deviation where there are several."
      : "One run each; uncertainties are standard errors of measuring."
  }

  private var decomposition: Figure {
    DecompositionFigure(
      bars: groups.map { group in
        func part(_ name: String) -> Estimate {
          let quantity = group.quantities[name]
          return Estimate(
            value: quantity?.mean ?? .nan, standardError: quantity?.standardDeviation ?? quantity?.standardError)
        }
        return .init(
          label: group.label, rate: group.quantities["rate"]?.mean ?? .nan,
          parts: [part("mutual_information"), part("total_correlation"), part("dimension_wise_kl")])
      }, caption: "The rate and its three parts. " + over
    ).draw()
  }

  private var latents: Figure {
    let height = 220.0
    let legend = Legend(
      groups.enumerated().map { (.line(.series($0.offset), markers: true), $0.element.label) }, width: 340)
    var figure = Figure(
      name: "latents", title: "KL of latents, the largest first",
      caption: "E KL(q(z_d|x) ‖ p(z_d)) by rank: latents of different runs have no common order. " + over, width: 400,
      height: height + legend.height)
    let last = Double(max(2, groups.map(\.sortedKL.count).max() ?? 2))
    let tops = groups.flatMap { $0.sortedKL.map { $0.mean + ($0.standardDeviation ?? 0) } }
    let plot = Plot(
      x: Scale(.linear, 0.5...last + 0.5, from: 48, to: 392),
      y: Scale(covering: tops, includingZero: true, from: height - 34, to: 12))
    plot.drawAxes(
      in: &figure, xLabel: "rank", yLabel: "nats", xTicks: plot.x.ticks(8, isCount: true).filter { $0.value >= 1 },
      yTicks: plot.y.ticks(5))
    for (index, group) in groups.enumerated() {
      let style = Plot.Style.series(index)
      let points = group.sortedKL.enumerated().map { (rank: Double($0.offset + 1), quantity: $0.element) }
      if points.contains(where: { $0.quantity.standardDeviation != nil }) {
        plot.band(
          points.map {
            let deviation = $0.quantity.standardDeviation ?? 0
            return ($0.rank, $0.quantity.mean - deviation, $0.quantity.mean + deviation)
          }, style.paint, in: &figure)
      }
      plot.line(points.map { ($0.rank, $0.quantity.mean) }, style, width: 1.25, markers: last <= 24, in: &figure)
    }
    legend.draw(48, height - 2, in: &figure)
    return figure
  }

  private var training: Figure? {
    let curves = reports.map { $0.compactMap(\.training).map(TrainingCurves.init) }
    var titles: [(title: String, unit: String)] = []
    for panel in curves.joined().flatMap(\.panels) where !titles.contains(where: { $0.title == panel.title }) {
      titles.append((panel.title, panel.unit))
    }
    let panels = titles.map { title, unit in
      CurvesFigure.Panel(
        title: title,
        series: curves.enumerated().compactMap { index, group in
          Self.series(groups[index].label, group.flatMap { $0.panels.filter { $0.title == title } }).map { ($0, index) }
        }, unit: unit)
    }
    guard !panels.isEmpty else { return nil }
    return CurvesFigure(
      panels: panels, legend: groups.map(\.label),
      caption: "What training logged. " + over
        + " Curves called exact are decompositions over a fixed part of the data; "
        + "MWS and MSS are biased estimates."
    ).draw()
  }

  /// The mean over the curves of several runs at the steps that all of them have.
  private static func series(_ name: String, _ panels: [TrainingCurves.Panel]) -> CurvesFigure.Series? {
    guard let first = panels.first else { return nil }
    let tables = panels.map { Dictionary($0.points.map { ($0.step, $0.value) }) { $1 } }
    return CurvesFigure.Series(
      name: name,
      points: first.points.compactMap { point in
        let values = tables.compactMap { $0[point.step] }
        guard values.count == tables.count else { return nil }
        let quantity = ComparisonContents.Quantity(values.map { ($0, nil) })
        return (Double(point.step), quantity.mean, quantity.standardDeviation)
      }, hasMarkers: first.isExact)
  }

  private var likelihood: Figure? {
    let known = reports.enumerated().compactMap { index, group -> (index: Int, points: [(Double, Double, Double?)])? in
      let curves = group.compactMap { $0.likelihood?.curve }
      guard let first = curves.first else { return nil }
      let points = first.compactMap { point -> (Double, Double, Double?)? in
        let values = curves.compactMap { $0.first { $0.samples == point.samples }?.importance.value }
        guard values.count == curves.count else { return nil }
        let quantity = ComparisonContents.Quantity(values.map { ($0, nil) })
        return (Double(point.samples), quantity.mean, quantity.standardDeviation)
      }
      return (index, points)
    }
    guard !known.isEmpty else { return nil }
    let height = 210.0
    let legend = Legend(
      known.map { (.line(.series($0.index), markers: true), groups[$0.index].label) }, width: 340)
    var figure = Figure(
      name: "likelihood", title: "Marginal likelihood over K",
      caption: "Mean log p̂(x) by importance sampling with K codes for each image. " + over, width: 400,
      height: height + legend.height)
    let points = known.flatMap(\.points)
    let plot = Plot(
      x: Scale(.logarithmic, 0.9...1.1 * (points.map(\.0).max() ?? 10), from: 64, to: 392),
      y: Scale(
        covering: points.flatMap { [$0.1 - ($0.2 ?? 0), $0.1 + ($0.2 ?? 0)] }, from: height - 34, to: 12))
    plot.drawAxes(
      in: &figure, xLabel: "K, codes for each image", yLabel: "mean log p̂(x), nats", xTicks: plot.x.ticks(),
      yTicks: plot.y.ticks(5), labelRoom: 46)
    for (index, points) in known {
      let style = Plot.Style.series(index)
      if points.contains(where: { $0.2 != nil }) {
        plot.band(points.map { ($0.0, $0.1 - ($0.2 ?? 0), $0.1 + ($0.2 ?? 0)) }, style.paint, in: &figure)
      }
      plot.line(points.map { ($0.0, $0.1) }, style, markers: true, in: &figure)
    }
    legend.draw(64, height - 2, in: &figure)
    return figure
  }

  private var plane: Figure? {
    RateDistortionFigure(
      points: zip(groups, reports).flatMap { group, reports in
        reports.map { ($0.rateDistortion, group.label) }
      })?.draw()
  }
}

extension RateDistortionFigure {
  /// The plane of some runs, with the curves of their decoders where these were measured; nil if none has a distortion.
  init?(points: [(point: RateDistortionPoint, label: String)], curves: [DecoderCurve?] = []) {
    let drawn = points.enumerated().compactMap { number, run in
      let (point, label) = run
      return point.distortion.map { distortion in
        Point(
          label: label, rate: point.rate, distortion: distortion.value,
          mutualInformation: point.mutualInformation, lowerBound: point.lowerBound, isCollapsed: point.isCollapsed,
          curve: curves.isEmpty ? nil : curves[number])
      }
    }
    guard !drawn.isEmpty else { return nil }
    let samples = Set(points.map(\.point.samples)).sorted().map(Format.grouped).joined(separator: " or ")
    var caption =
      "D against R of each run, and on the same line its exact I(x; z), from \(samples) samples of q(z), in "
      + "its band from H − D (or 0) to R."
    if let curve = curves.lazy.compactMap({ $0 }).first {
      caption +=
        " Curves: the rate that an encoder needs for each distortion with this decoder, at most, on "
        + "\(Format.grouped(curve.images)) images."
    }
    if let reason = points.lazy.compactMap(\.point.lowerBoundReason).first { caption += " No lower bound: \(reason)." }
    self.init(points: drawn, dataEntropy: points[0].point.dataEntropy, caption: caption)
  }
}
