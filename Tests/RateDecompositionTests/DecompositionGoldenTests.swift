import FileFormats
import Foundation
import RateDecomposition
import TensorCore
import TestSupport
import Testing

/// The decomposition against the numbers of one golden set, `decomposition`.
@Suite("Golden decomposition")
struct DecompositionGoldenTests {
  let device = Device()

  struct Reference {
    let file: HDF5File
    init(_ name: String) throws { file = try HDF5File(reading: Golden.path("decomposition/\(name).h5")) }
    func array(_ name: String) throws -> [Double] { try file.read(name, as: Double.self).values }
    func floats(_ name: String) throws -> [Float] { try file.read(name, as: Float.self).values }
    func scalar(_ name: String) throws -> Double { try array(name)[0] }
    func posterior() throws -> PosteriorTable {
      try PosteriorTable(means: floats("mu"), logVariances: floats("logvar"), latents: 6)
    }
  }

  @Test(
    "aggregate posterior: log densities to 2e-5 at every vector level",
    arguments: VectorLevel.allCases.filter { $0 <= .best })
  func densities(level: VectorLevel) throws {
    let golden = try Reference("aggregate_posterior"), posterior = try golden.posterior()
    let values = AggregatePosterior(posterior, on: Device(level: level))
      .logDensities(of: try golden.floats("z"), marginals: true)
    // The stated tolerance is 2e-5; single precision with sums in double stays well below.
    #expect(absoluteDifference(values.joint, try golden.array("log_qz")) < 2e-6)
    #expect(absoluteDifference(values.marginals, try golden.array("log_qzj")) < 2e-6)
  }

  @Test("aggregate posterior: the three terms over fixed samples with their data points")
  func fixedSamples() throws {
    let golden = try Reference("aggregate_posterior"), posterior = try golden.posterior()
    let indices = try golden.array("index").map { Int($0) }
    let fixed = try RateDecomposition.FixedSamples(codes: golden.floats("z"), indices: indices, for: posterior)
    let result = try RateDecomposition(of: posterior, fixed: fixed, on: device)
    // Means of values good to 2e-6; the standard errors to four digits.
    #expect(abs(result.mutualInformation.value - (try golden.scalar("mc/mi"))) < 1e-5)
    #expect(abs(result.totalCorrelation.value - (try golden.scalar("mc/tc"))) < 1e-5)
    #expect(abs(result.dimensionWiseKL.value - (try golden.scalar("mc/dwkl"))) < 1e-5)
    #expect(abs((result.mutualInformation.standardError ?? 0) / (try golden.scalar("mc/mi_stderr")) - 1) < 2e-3)
    #expect(abs((result.totalCorrelation.standardError ?? 0) / (try golden.scalar("mc/tc_stderr")) - 1) < 2e-3)
    #expect(abs((result.dimensionWiseKL.standardError ?? 0) / (try golden.scalar("mc/dwkl_stderr")) - 1) < 2e-3)
    #expect(absoluteDifference(result.dimensionWiseKL.perDimension, try golden.array("mc/dwkl_per_dim")) < 1e-5)
    #expect(absoluteDifference(result.marginalEntropies, try golden.array("peer/marginal_entropies")) < 1e-5)
    #expect(abs(result.jointEntropy.value - (try golden.scalar("peer/joint_entropy"))) < 1e-5)
    #expect(abs(result.identityResidual) < 1e-9)
    #expect(result.estimator == .fixedSamples && result.samples == 512)
    #expect(absoluteDifference(result.logDensities ?? [], try golden.array("log_qz")) < 2e-6)
    #expect(
      absoluteDifference((result.logDensitiesPerDimension ?? []).flatMap { $0 }, try golden.array("log_qzj")) < 2e-6)
  }

  @Test("aggregate posterior: without the data points, mutual information by the conditional entropy in closed form")
  func fixedSamplesWithoutIndices() throws {
    let golden = try Reference("aggregate_posterior"), posterior = try golden.posterior()
    let fixed = try RateDecomposition.FixedSamples(codes: golden.floats("z"), indices: nil, for: posterior)
    let result = try RateDecomposition(of: posterior, fixed: fixed, on: device)
    #expect(abs(result.mutualInformation.value - (try golden.scalar("peer/information_mi"))) < 1e-5)
    #expect(abs(result.totalCorrelation.value - (try golden.scalar("mc/tc"))) < 1e-5)
    #expect(abs(result.identityResidual) < 1e-9)
    #expect(result.warnings.contains { $0.contains("conditional entropy") })
  }

  @Test("aggregate posterior: own samples, exact marginals")
  func ownSamples() throws {
    let golden = try Reference("aggregate_posterior"), posterior = try golden.posterior()
    let result = try RateDecomposition(of: posterior, options: options(samples: 20_000, seed: 4), on: device)
    #expect(result.estimator == .exact)
    // Quadrature against quadrature: both are good to 1e-8.
    #expect(absoluteDifference(result.marginalEntropies, try golden.array("exact/marginal_entropies")) < 1e-7)
    #expect(absoluteDifference(result.dimensionWiseKL.perDimension, try golden.array("exact/dwkl_per_dim")) < 1e-7)
    #expect(abs(result.rate - (try golden.scalar("exact/kl"))) < 1e-6)
    #expect(absoluteDifference(result.klPerDimension, try golden.array("exact/kl_per_dim")) < 1e-6)
    // Two Monte Carlo values: four of their joint standard errors.
    let own = result.jointEntropy.standardError ?? .infinity, other = try golden.scalar("long/joint_entropy_stderr")
    #expect(own < 0.01)
    let bound = 4 * (own * own + other * other).squareRoot()
    #expect(abs(result.jointEntropy.value - (try golden.scalar("long/joint_entropy"))) < bound)
    #expect(abs(result.mutualInformation.value - (try golden.scalar("long/mi"))) < bound)
    #expect(abs(result.totalCorrelation.value - (try golden.scalar("long/tc"))) < bound)
    #expect(result.monteCarloResidual.withinFourStandardErrors == true)
  }

  @Test(
    "minibatch estimators on one batch",
    arguments: [("mws", MinibatchEstimator.weighted), ("mss_paper", .stratified)])
  func minibatch(name: String, estimator: MinibatchEstimator) throws {
    let golden = try Reference("aggregate_posterior"), posterior = try golden.posterior()
    let indices = try golden.array("index").prefix(64).map { Int($0) }
    func rows(_ values: [Float]) -> [Double] { indices.flatMap { values[$0 * 6..<$0 * 6 + 6].map { Double($0) } } }
    let codes = try golden.floats("z").prefix(64 * 6).map { Double($0) }
    let means = rows(posterior.means), logVariances = rows(posterior.logVariances)
    let densities = estimator.densities(
      codes: codes, means: means, logVariances: logVariances, latents: 6, dataCount: 4096)
    // Double against double, in another order of summation.
    #expect(absoluteDifference(densities.joint, try golden.array("minibatch64/\(name)/log_qz")) < 1e-10)
    #expect(absoluteDifference(densities.marginals, try golden.array("minibatch64/\(name)/log_qzj")) < 1e-10)
    let terms = estimator.terms(codes: codes, means: means, logVariances: logVariances, latents: 6, dataCount: 4096)
    #expect(abs(terms.mutualInformation - (try golden.scalar("minibatch64/\(name)/mi"))) < 1e-10)
    #expect(abs(terms.totalCorrelation - (try golden.scalar("minibatch64/\(name)/tc"))) < 1e-10)
    #expect(abs(terms.dimensionWiseKL - (try golden.scalar("minibatch64/\(name)/dwkl"))) < 1e-10)
  }

  @Test("linear-Gaussian encoders meet their closed forms", arguments: ["d2", "d6", "d10"])
  func linearGaussian(name: String) throws {
    let golden = try Reference("linear_gaussian")
    let offset = try golden.array("\(name)/m"), d = offset.count
    let flat = try golden.array("\(name)/A"), p = flat.count / d
    let model = LinearGaussian(
      matrix: (0..<d).map { Array(flat[$0 * p..<($0 + 1) * p]) }, offset: offset,
      variances: try golden.array("\(name)/s"))
    #expect(abs(model.mutualInformation - (try golden.scalar("\(name)/mi"))) < 1e-9)
    try checkClosedForm(
      model, mutualInformation: golden.scalar("\(name)/mi"), totalCorrelation: golden.scalar("\(name)/tc"),
      dimensionWiseKL: golden.scalar("\(name)/dwkl"), device: device)
  }

  @Test("aggregate posterior: entropy, KL and information of each latent by quadrature")
  func latents() throws {
    let golden = try Reference("aggregate_posterior")
    let posterior = IntegratedPosterior(try golden.posterior(), on: device)
    let latents = LatentInformation(of: posterior).latents
    // Quadrature against quadrature: both are good to 1e-8.
    #expect(absoluteDifference(latents.map(\.entropy.value), try golden.array("exact/marginal_entropies")) < 1e-7)
    #expect(absoluteDifference(latents.map(\.marginalKL.value), try golden.array("exact/dwkl_per_dim")) < 1e-7)
    #expect(absoluteDifference(latents.map(\.kl), try golden.array("exact/kl_per_dim")) < 1e-6)
    // No pair shares more than each latent knows of the data; dimensions 0 and 1, and 2 and 3, were drawn dependent,
    // dimensions 4 and 5 were not.
    let pairs = try PairwiseInformation(of: posterior)
    for pair in pairs.pairs {
      let most = min(latents[pair.first].mutualInformation.value, latents[pair.second].mutualInformation.value)
      let slack = 4 * (pair.mutualInformation.standardError ?? 0) + 1e-6
      #expect(pair.mutualInformation.value > -slack && pair.mutualInformation.value < most + slack)
    }
    let shared = [(0, 1), (2, 3), (3, 4), (4, 5)].map { pairs[$0.0, $0.1]?.value ?? .nan }
    #expect(shared[0] > 0.1 && shared[1] > 0.05 && abs(shared[2]) < 0.02 && abs(shared[3]) < 0.02, "\(shared)")
  }

  @Test("aggregate posterior: the pairs' information from the golden samples' own densities")
  func pairs() throws {
    let golden = try Reference("aggregate_posterior"), posterior = try golden.posterior()
    let aggregate = AggregatePosterior(posterior, on: device), codes = try golden.floats("z")
    let marginals = try golden.array("log_qzj")
    let joint = aggregate.logPairDensities(of: codes, references: marginals)
    // The columns alone, through the kernel of joint densities.
    func chosen(_ values: [Float]) -> [Float] { values.indices.filter { [1, 4].contains($0 % 6) }.map { values[$0] } }
    let two = MixtureDensity(
      means: chosen(posterior.means), logVariances: chosen(posterior.logVariances), dimensions: 2, on: device)
    let expected = two.logDensities(at: chosen(codes), marginals: false, on: device).joint
    // (1, 4) is the eighth of fifteen pairs: (0, 1) … (0, 5), (1, 2), (1, 3), (1, 4).
    #expect(absoluteDifference((0..<512).map { joint[$0 * 15 + 7] }, expected) < 2e-6)
  }

  @Test(
    "linear-Gaussian encoders: every pair's information, and the Gaussian approximation",
    arguments: ["d2", "d6", "d10"])
  func linearGaussianPairs(name: String) throws {
    let golden = try Reference("linear_gaussian")
    let s = try golden.array("\(name)/S"), offset = try golden.array("\(name)/m"), d = offset.count
    let flat = try golden.array("\(name)/A"), p = flat.count / d, count = 16_384
    let model = LinearGaussian(
      matrix: (0..<d).map { Array(flat[$0 * p..<($0 + 1) * p]) }, offset: offset,
      variances: try golden.array("\(name)/s"))
    let sets = try (0..<6).map { try model.posterior(count: count, seed: UInt64(70 + $0)) }
    var options = PairwiseInformation.Options()
    options.samples = 500
    let results = try sets.enumerated().map { number, set in
      options.seed = UInt64(number)
      return try PairwiseInformation(of: IntegratedPosterior(set, on: device), options: options)
    }
    for i in 0..<d {
      for j in i + 1..<max(d, i + 1) {
        let expected = -0.5 * log(1 - s[i * d + j] * s[i * d + j] / (s[i * d + i] * s[j * d + j]))
        // Six sets tell their spread to a third; the finite set's own bias is of the order of moments/N.
        expectValue("(\(i), \(j))", results.map { $0[i, j]?.value ?? .nan }, expected, bias: 0.002)
      }
    }
    var few = RateDecomposition.Options()
    few.samples = 100
    let exact = try RateDecomposition(of: sets[0], options: few, on: device)
    var audit = EstimatorAudit.Options()
    (audit.batchSizes, audit.batches) = ([8], 1)
    let row = try #require(
      try EstimatorAudit(of: sets[0], exact: exact, options: audit, on: device).rows.last { $0.estimator == .gaussian })
    // Moments of 16,384 points: D²/N relative, and 1/√N of noise.
    #expect(abs((row.totalCorrelation?.mean ?? .nan) - (try golden.scalar("\(name)/tc"))) < 0.05)
    #expect(abs((row.mutualInformation?.mean ?? .nan) - (try golden.scalar("\(name)/mi"))) < 0.05)
    #expect(abs((row.dimensionWiseKL?.mean ?? .nan) - (try golden.scalar("\(name)/dwkl"))) < 0.05)
  }
}
