import Diagnostics
import Foundation
import RateDecomposition
import TensorCore
import Testing

@Suite("Decompositions as text and JSON")
struct DecompositionTableTests {
  static let entropy = log(400.0)

  static func example(images: ImageTerms? = nil) throws -> RateDecomposition {
    try RateDecomposition(
      of: LinearGaussian.example.posterior(count: 400, seed: 1), images: images, options: options(samples: 1_000),
      on: Device(threads: 1))
  }

  static func bernoulli(distortion: Double) -> ImageTerms {
    ImageTerms(distortion: distortion, likelihood: "bernoulli", likelihoodIsDiscrete: true, dataEntropy: entropy)
  }

  @Test("JSON holds every field of the contract, with null and a reason where something does not apply")
  func contract() throws {
    let json = try Self.example().json()
    let object = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
    for key in [
      "units", "data_points", "latents", "samples", "seed", "estimator", "rate", "mutual_information",
      "total_correlation", "dimension_wise_kl", "kl_per_dimension", "joint_entropy", "marginal_entropies",
      "active_units", "distortion", "data_entropy", "identity_residual", "monte_carlo_residual", "minibatch_estimates",
    ] { #expect(object[key] != nil, "\(key) is missing") }
    #expect(object["units"] as? String == "nats")
    #expect(object["data_entropy"] is NSNull && object["data_entropy_reason"] is String)
    #expect(object["distortion"] is NSNull && object["distortion_reason"] is String)
    #expect(object["log_qz"] == nil && object["log_qz_per_dimension"] == nil)
    for key in [
      "mutual_information", "total_correlation", "dimension_wise_kl", "joint_entropy", "monte_carlo_residual",
    ] {
      let estimate = try #require(object[key] as? [String: Any])
      #expect(estimate["value"] is Double && estimate["standard_error"] is Double, "\(key)")
    }
    let kl = try #require(object["dimension_wise_kl"] as? [String: Any])
    #expect((kl["per_dimension"] as? [Double])?.count == 3)
    let minibatch = try #require(object["minibatch_estimates"] as? [[String: Any]])
    #expect(minibatch.map { $0["estimator"] as? String } == ["mws", "mss"])
    for key in ["batch_size", "mutual_information", "total_correlation", "dimension_wise_kl"] {
      #expect(minibatch[0][key] is Double)
    }
  }

  @Test("JSON comes back equal, and equal results are equal texts")
  func roundTrip() throws {
    let result = try Self.example(images: Self.bernoulli(distortion: 5.5))
    let decoded = try JSONDecoder().decode(RateDecomposition.self, from: Data(try result.json().utf8))
    #expect(decoded == result)
    #expect(try decoded.json() == result.json())
  }

  @Test("the lower bound needs a discrete likelihood and a known entropy")
  func bounds() throws {
    let discrete = try Self.example(images: Self.bernoulli(distortion: 5.5))
    #expect(discrete.informationBounds.lower == Self.entropy - 5.5 && discrete.informationBounds.hold)
    #expect(discrete.dataEntropy == Self.entropy && discrete.distortion == 5.5)
    // A distortion that no code with so little information could reach.
    let impossible = try Self.example(images: Self.bernoulli(distortion: 0.1))
    #expect(!impossible.informationBounds.hold && impossible.warnings.contains { $0.contains("bounds") })
    let gaussian = try Self.example(
      images: ImageTerms(
        distortion: 0.1, likelihood: "gaussian", likelihoodIsDiscrete: false, dataEntropy: Self.entropy))
    #expect(gaussian.informationBounds.lower == nil && gaussian.informationBounds.hold)
    #expect(gaussian.informationBounds.lowerReason?.contains("gaussian") == true)
  }

  @Test("the entropy of data with repeated images")
  func entropy() {
    #expect(abs(TensorCore.entropy(ofCounts: [1, 1, 1, 1]) - log(4)) < 1e-12)
    #expect(abs(TensorCore.entropy(ofCounts: [4])) < 1e-12)
    // Two of four images alike: ½ log 2 + ½ log 4.
    #expect(abs(TensorCore.entropy(ofCounts: [2, 1, 1]) - 1.5 * log(2)) < 1e-12)
  }

  @Test("text shows every term with its error, the bounds in words, and how far minibatch estimates are off")
  func text() throws {
    let result = try Self.example(images: Self.bernoulli(distortion: 5.5))
    let text = DecompositionTable(result).text()
    for piece in [
      "mutual information", "total correlation", "dimension-wise KL", "nats", "±", "H − D", "holds", "rounding",
      "within four standard errors", "MWS, B = 64", "MSS, B = 64", "(+", "active units",
      String(format: "%.4f", result.mutualInformation.value), String(format: "%.4f", result.rate),
    ] { #expect(text.contains(piece), "“\(piece)” is missing from\n\(text)") }
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(!lines.contains { $0.hasSuffix(" ") })
    // The bounds stand above what they lack.
    let gaussian = try Self.example(
      images: ImageTerms(distortion: 5.5, likelihood: "gaussian", likelihoodIsDiscrete: false, dataEntropy: 6))
    let checks = DecompositionTable(gaussian).checks.rows.map { $0[0].text }
    #expect(checks == ["bounds", "no lower bound", "ceiling", "sum of the terms", "samples against closed form"])
    let summary = DecompositionTable(result).summary.rows.map { $0.map(\.text) }
    #expect(summary[3][2] == "by quadrature" && summary[0][2] == "closed form")
    #expect(summary[1][2] == "± " + Format.number(try #require(result.mutualInformation.standardError)))
    #expect(text.hasSuffix("\n") && !text.hasSuffix("\n\n"))
  }

  @Test("Markdown tables have as many cells in every row as in the heading")
  func markdown() throws {
    let text = DecompositionTable(try Self.example()).text(.markdown)
    #expect(text.contains("## Rate decomposition"))
    for table in text.components(separatedBy: "\n\n").filter({ $0.hasPrefix("|") }) {
      let counts = table.split(separator: "\n").map { line in
        line.replacingOccurrences(of: "\\|", with: "").count { $0 == "|" }
      }
      #expect(Set(counts).count == 1, "\(table)")
    }
    #expect(text.contains("E KL(q(z\\|x)"))
  }

  @Test("Notes are escaped in Markdown, and in the terminal as they are")
  func notes() throws {
    let collapsed = try PosteriorTable(
      means: [Double](repeating: 0, count: 100), logVariances: [Double](repeating: 0, count: 100), latents: 1)
    let result = try RateDecomposition(of: collapsed, options: options(samples: 1_000), on: Device(threads: 1))
    #expect(DecompositionTable(result).text(.markdown).contains("- The whole posterior has collapsed"))
    #expect(DecompositionTable(result).text(.markdown).contains("(Var(μ) \\< 0.01)"))
    #expect(DecompositionTable(result).text().contains("(Var(μ) < 0.01)"))
  }
}
