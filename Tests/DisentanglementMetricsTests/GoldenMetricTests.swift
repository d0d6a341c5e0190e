import DisentanglementMetrics
import FileFormats
import TensorCore
import TestSupport
import Testing

/// Holds metrics in closed form to disentanglement_lib's own functions on the same 10,000 codes.
@Suite("Golden metrics")
struct GoldenMetricTests {
  let device = Device(threads: 2)
  let stream = RandomStream(seed: 1)

  func evaluate(
    _ configuration: any MetricConfiguration.Type, _ golden: GoldenMetrics, _ settings: String = "{bootstrap: 0}",
    preset: MetricPreset = .dlib
  ) throws -> MetricResult {
    try decode(configuration, settings, preset: preset).metric()
      .evaluate(MetricInput(codes: golden.codes, device: device), stream: stream)
  }

  // All sums are in double precision over at most 10,000 terms; the references are good to 1e-11.
  static let tolerance = 1e-10

  @Test(arguments: GoldenMetrics.representations)
  func `Golden MIG`(representation: String) throws {
    let golden = try GoldenMetrics(representation), result = try evaluate(MIG.Configuration.self, golden)
    #expect(abs(try #require(result.score("mig")?.value) - (try golden.scalar("mig/score"))) < Self.tolerance)
    let gaps = try #require(result.part("gap")).values.map { $0 ?? .nan }
    #expect(absoluteDifference(gaps, try golden.array("mig/gap")) < Self.tolerance)
  }

  @Test(arguments: GoldenMetrics.representations)
  func `Golden modularity`(representation: String) throws {
    let golden = try GoldenMetrics(representation), result = try evaluate(Modularity.Configuration.self, golden)
    #expect(abs(try #require(result.score("modularity")?.value) - (try golden.scalar("modularity/all"))) < 1e-10)
    let latents = try #require(result.part("modularity_per_latent")).values.map { $0 ?? 0 }
    #expect(absoluteDifference(latents, try golden.array("modularity/per_dim")) < Self.tolerance)
  }

  @Test(arguments: GoldenMetrics.representations)
  func `Golden IRS, with the factors in bins as dlib has it and without`(representation: String) throws {
    let golden = try GoldenMetrics(representation)
    for (name, quantile) in [("q99", 0.99), ("q100", 1.0)] {
      let result = try evaluate(IRS.Configuration.self, golden, "{bootstrap: 0, quantile: \(quantile)}")
      #expect(abs(try #require(result.score("irs")?.value) - (try golden.scalar("irs/\(name)/score"))) < Self.tolerance)
      func part(_ name: String) throws -> [Double] { try #require(result.part(name)).values.compactMap { $0 } }
      #expect(absoluteDifference(try part("irs_matrix"), try golden.array("irs/\(name)/matrix")) < Self.tolerance)
      #expect(absoluteDifference(try part("weight"), try golden.array("irs/max_deviations")) < Self.tolerance)
      let exact = try evaluate(IRS.Configuration.self, golden, "{bootstrap: 0, quantile: \(quantile)}", preset: .exact)
      let reference = try golden.scalar("irs/\(name)/score_undiscretised_factors")
      #expect(abs(try #require(exact.score("irs")?.value) - reference) < Self.tolerance)
    }
  }

  @Test(arguments: GoldenMetrics.representations)
  func `Golden unsupervised scores`(representation: String) throws {
    let golden = try GoldenMetrics(representation), result = try evaluate(Unsupervised.Configuration.self, golden)
    func value(_ name: String) throws -> Double { try #require(result.score(name)?.value) }
    func reference(_ name: String) throws -> Double { try golden.scalar("unsupervised/\(name)") }
    #expect(abs(try value("mutual_information_score") - reference("mutual_info_score")) < Self.tolerance)
    // dlib's matrix square root is good to 2e-9 of the distance; with a constant latent it is singular.
    let isConstant = representation == "mixed_const"
    let distance = try reference("gaussian_wasserstein_correlation")
    #expect(abs(try value("gaussian_wasserstein_correlation") - distance) < (isConstant ? 1e-4 : 1e-7) * distance)
    let normalised = try reference("gaussian_wasserstein_correlation_norm")
    #expect(
      abs(try value("gaussian_wasserstein_correlation_normalised") - normalised) < (isConstant ? 1e-4 : 1e-7))
    if !isConstant {
      // dlib's is NaN with a constant latent; ours leaves it out.
      let total = try reference("gaussian_total_correlation")
      #expect(abs(try value("gaussian_total_correlation") - total) < Self.tolerance * max(total, 1))
    }
    let covariance = try #require(result.part("covariance")).values.map { $0 ?? .nan }
    #expect(relativeDifference(covariance, try golden.array("unsupervised/cov")) < Self.tolerance)
  }

  @Test(arguments: GoldenMetrics.representations)
  func `Golden FactorVAE score from stored batches: every vote`(representation: String) throws {
    let golden = try GoldenMetrics(representation)
    var input = MetricInput(codes: golden.codes, device: device)
    input.factorVAEBatches = try golden.batches("factor_vae", "rows")
    for (name, threshold) in [("prune0", 0.0), ("prune005", 0.05)] {
      // dlib's threshold of 0 lets a constant latent win every vote by 0/0, a fault that we do not inherit.
      if name == "prune0", representation == "mixed_const" { continue }
      let metric = try decode(FactorVAEScore.Configuration.self, "{prune_threshold: \(threshold)}").metric()
      let result = try metric.evaluate(input, stream: stream)
      #expect(result.score("score")?.value == (try golden.scalar("factor_vae/\(name)/eval_accuracy")))
      #expect(result.score("train_accuracy")?.value == (try golden.scalar("factor_vae/\(name)/train_accuracy")))
      #expect(
        absoluteDifference(
          try #require(result.part("global_variance")).values.map { $0 ?? .nan },
          try golden.array("factor_vae/global_variances")) < Self.tolerance)
      let active = try golden.array("factor_vae/\(name)/active")
      let isActive = try #require(result.part("active")).values.map { $0 ?? .nan }
      #expect(absoluteDifference(isActive, active) == 0)
      // dlib numbers latents after pruning.
      let kept = active.indices.filter { active[$0] == 1 }
      for part in ["train_votes", "evaluation_votes"] {
        let votes = try #require(result.part(part)).values.map { $0 ?? .nan }
        let ours = (0..<5).flatMap { k in kept.map { votes[k * 10 + $0] } }
        let theirs = try golden.array("factor_vae/\(name)/\(part == "train_votes" ? part : "eval_votes")")
        let reference = (0..<5).flatMap { k in kept.indices.map { theirs[k * 10 + $0] } }
        #expect(absoluteDifference(ours, reference) == 0)
      }
    }
  }

  @Test func `Golden UDR by rank correlation and by Lasso`() throws {
    let file = try HDF5File(reading: Golden.path("metrics/udr.h5")), names = ["disentangled", "rotated", "mixed"]
    func reference(_ name: String) throws -> [Double] { try file.read(name, as: Double.self).values }
    let runs = try names.map { name in
      let golden = try GoldenMetrics(name)
      let kl = try golden.inputs.read("kl/\(name)", as: Double.self).values
      return MetricInput(codes: golden.codes, meanKL: kl, device: device)
    }
    let metric = try decode(UDR.Configuration.self, "{points: 0, groups: 0}").metric()
    let result = try #require(metric as? any MultiRunMetric).compare(runs, labels: names, stream: stream)
    // scikit-learn's Lasso stops at a duality gap of 1e-4.
    for (relation, tolerance) in [("spearman", Self.tolerance), ("lasso", 1e-3)] {
      let pairwise = try #require(result.part("\(relation)_pairwise")).values.map { $0 ?? .nan }
      #expect(absoluteDifference(pairwise, try reference("\(relation)/pairwise")) < tolerance)
      let scores = names.compactMap { result.score("\(relation) \($0)")?.value }
      #expect(absoluteDifference(scores, try reference("\(relation)/model_scores")) < tolerance)
    }
    // From the coefficients of a coordinate descent run to 1e-14, with latents of little KL left out.
    let kept = try names.map { name in
      try GoldenMetrics(name).inputs.read("kl/\(name)", as: Double.self).values.map { $0 > 0.01 }
    }
    for i in 0..<3 {
      for j in 0..<3 where i != j {
        let exact = try reference("lasso/exact_\(i)_\(j)")
        let rows = (0..<10).filter { kept[i][$0] }, columns = (0..<10).filter { kept[j][$0] }
        let matrix = rows.flatMap { row in columns.map { abs(exact[row * 10 + $0]) } }
        func strength(_ lists: [[Double]]) -> Double {
          lists.reduce(0) { sum, list in
            let total = list.reduce(0, +), largest = list.reduce(0, max)
            return sum + (total > 0 ? largest * largest / total : 0)
          } / Double(lists.count)
        }
        let byRow = rows.indices.map { r in columns.indices.map { matrix[r * columns.count + $0] } }
        let byColumn = columns.indices.map { c in rows.indices.map { matrix[$0 * columns.count + c] } }
        let expected = (strength(byRow) + strength(byColumn)) / 2
        let value = try #require(result.part("lasso_pairwise")?.values[i * 3 + j])
        // Converged to a duality gap of 1e-12 of the variance, so coefficients to 1e-6.
        #expect(abs(value - expected) < 1e-5)
      }
    }
  }

  @Test func `Nearest-neighbour information is scikit-learn's`() throws {
    // mutual_info_classif(z, factor, discrete_features=False, n_neighbors=10, random_state=0), scikit-learn 1.9.1,
    // which adds noise of 1e-10 standard deviations to break ties.
    let references: [(String, Int, [Double])] = [
      (
        "disentangled", 0,
        [0, 1.098539, 0.004707, 0.006243, 0.000148, 0.001457, 0.000571, 0.003966, 0.002247, 0.002465]
      ),
      ("disentangled", 2, [0, 0.001784, 2.275948, 0, 0.001804, 0, 0, 0.001744, 0.004096, 0]),
      ("mixed", 2, [0, 0, 0.00021, 1.904019, 1.192522, 0, 0.001951, 0.006045, 5.8e-05, 0.001876]),
    ]
    for (name, factor, reference) in references {
      let codes = try GoldenMetrics(name).codes
      let estimator = NearestNeighborInformation(neighbors: 10, count: codes.count)
      let information = (0..<10).map { latent in
        estimator.information(
          codes.values(ofLatent: latent).map(Double.init), [codes.values(ofFactor: factor)])[0]
      }
      // These codes lie on grids; ties, which scikit-learn breaks by noise, make up most neighbours of narrow latents.
      #expect(absoluteDifference(information, reference) < 8e-3)
    }
  }
}
