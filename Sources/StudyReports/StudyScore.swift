/// The names of the numbers of runs, as `RunResult.values` has them.
enum StudyScore {
  static let rate = "rate"
  static let totalCorrelation = "total_correlation"
  static let distortion = "distortion"
  static let elbo = "elbo"
  static let activeUnits = "active_units"
  static let logLikelihood = "log_likelihood"
  static let effectiveSamples = "log_likelihood_effective_samples"
  static let ranking = "udr"

  /// The rate, its three parts and the distortion, in nats.
  static let information = [rate, "mutual_information", totalCorrelation, "dimension_wise_kl", distortion]

  /// Whether it is a minibatch estimate of the total correlation.
  static func isMinibatch(_ name: String) -> Bool { name.hasPrefix(minibatch) }

  /// Whether it is known without the factors: runs can be chosen by it, but it says nothing of how they disentangle.
  static func needsNoFactors(_ name: String) -> Bool {
    information.contains(name)
      || [elbo, activeUnits, logLikelihood, "inference_gap", effectiveSamples, ranking].contains(name)
      || isMinibatch(name)
  }

  /// The metric that a score belongs to.
  static func metric(of name: String) -> String { name.split(separator: ":").first.map(String.init) ?? name }

  /// What a number is called in figures and tables.
  static func title(_ name: String) -> String {
    if let title = titles[name] { return title }
    return isMinibatch(name) ? "minibatch TC (\(name.dropFirst(minibatch.count).uppercased()))" : name
  }

  /// The first score of each metric, of those in `names`: the one with the metric's name alone, or else the first.
  static func firstScores(among names: [String]) -> [String] {
    var metrics: [String] = [], first: [String: String] = [:]
    for name in names where !needsNoFactors(name) {
      let metric = metric(of: name)
      if first[metric] == nil { metrics.append(metric) }
      if first[metric] == nil || name == metric { first[metric] = name }
    }
    return metrics.compactMap { first[$0] }
  }

  private static let minibatch = "minibatch_total_correlation:"
  private static let titles = [
    rate: "R", "mutual_information": "I(x; z)", totalCorrelation: "TC(z)", "dimension_wise_kl": "dwKL",
    distortion: "D", elbo: "ELBO", activeUnits: "active units", logLikelihood: "log p(x)", ranking: "UDR",
    "inference_gap": "inference gap", effectiveSamples: "effective samples of log p(x)",
  ]
}
