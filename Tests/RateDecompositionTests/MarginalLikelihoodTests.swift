import Diagnostics
import Foundation
import RateDecomposition
import TestSupport
import Testing

@Suite("Marginal likelihood")
struct MarginalLikelihoodTests {
  @Test("with the true posterior every code gives log p(x): no error, no gap, no loss of samples")
  func perfect() throws {
    let model = LinearVAE(images: 6, seed: 1)
    let result = try model.measure(samples: 50)
    for (image, x) in zip(result.images, model.images) {
      // The posterior is rounded to single precision.
      #expect(abs(image.importance.logLikelihood.value - model.logMarginal(x)) < 1e-5)
      #expect((image.importance.logLikelihood.standardError ?? 1) < 1e-5)
      #expect(abs(image.importance.effectiveSampleSize - 50) < 1e-6)
      #expect(abs(image.gap.value) < 1e-9)
      #expect(abs(image.elbo.value - model.logMarginal(x)) < 1e-5)
    }
    #expect(result.images.map(\.index) == Array(100..<106))
  }

  @Test("with another posterior both estimates meet log p(x), and the gap is KL(q ‖ p(z|x))")
  func closedForm() throws {
    let model = LinearVAE(images: 40, seed: 2, shift: 0.4, stretch: 1.3)
    let result = try model.measure(samples: 4_000, seed: 5)
    var deviations: [Double] = [], known = 0
    for (image, x) in zip(result.images, model.images) {
      let exact = model.logMarginal(x)
      func deviation(_ estimate: Estimate, _ value: Double) -> Double {
        (estimate.value - value) / (estimate.standardError ?? .nan)
      }
      #expect(image.importance.effectiveSampleSize > 1_000 && image.importance.effectiveSampleSize < 4_000)
      for value in [
        deviation(image.importance.logLikelihood, exact), deviation(image.gap, model.gap),
        deviation(image.elbo, exact - model.gap),
      ] { #expect(abs(value) < 4.5) }
      deviations.append(deviation(image.importance.logLikelihood, exact))
      // The prior's own estimate has an error where enough of its codes count.
      if let error = image.prior.logLikelihood.standardError {
        known += 1
        #expect(abs(image.prior.logLikelihood.value - exact) < 5 * error)
        #expect(error > (image.importance.logLikelihood.standardError ?? 1))
      }
    }
    #expect(known >= 20, "images whose estimate by the prior has an error: \(known)")
    // Squares of 40 standard normal values: mean 1, standard deviation √(2/40) = 0.22.
    let square = deviations.reduce(0) { $0 + $1 * $1 } / 40
    #expect(square > 0.1 && square < 2, "mean square of the deviations in standard errors: \(square)")
    let exact = model.images.reduce(0) { $0 + model.logMarginal($1) } / 40
    #expect(abs(result.importance.value - exact) < 4 * (result.importance.samplingError ?? 0))
    #expect(abs(result.prior.value - exact) < 4 * (result.prior.samplingError ?? 0))
    #expect(abs(result.gap.value - model.gap) < 4 * (result.gap.samplingError ?? 0))
    #expect(abs(result.gap.value - (result.importance.value - result.elbo.value)) < 1e-9)
    #expect(result.warnings.allSatisfy { $0.contains("Naive") })
  }

  @Test("sampling errors are those seen over repeated seeds, though all images weigh the same codes of the prior")
  func honest() throws {
    let model = LinearVAE(images: 8, seed: 3, shift: 0.5, stretch: 1.4)
    let results = try (0..<80).map { try model.measure(samples: 400, seed: UInt64($0)) }
    func check(_ name: String, _ mean: (MarginalLikelihood) -> MarginalLikelihood.Mean) {
      expectCalibrated(name, results.map { Estimate(value: mean($0).value, standardError: mean($0).samplingError) })
    }
    check("ELBO", \.elbo)
    check("importance", \.importance)
    check("gap", \.gap)
    check("prior", \.prior)
    for p in results[0].curve.indices {
      let size = results[0].curve[p].samples
      // Two groups tell a spread poorly; by then the delta method serves.
      check("importance, K = \(size)") { $0.curve[p].importance }
      if results.allSatisfy({ $0.curve[p].prior.samplingError != nil }) {
        check("prior, K = \(size)") { $0.curve[p].prior }
      }
    }
    expectCalibrated("one image", results.map { $0.images[3].importance.logLikelihood })
    expectCalibrated("one image's gap", results.map { $0.images[3].gap })
  }

  @Test("the curve begins at the ELBO, ends at the estimate, and rises in between")
  func curve() throws {
    let result = try LinearVAE(images: 30, seed: 4, shift: 1, stretch: 2).measure(samples: 1_200)
    let curve = result.curve
    #expect(curve.map(\.samples) == [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 1_200])
    #expect(curve.map(\.groups) == [1_200, 600, 240, 120, 60, 24, 12, 6, 2, 1, 1])
    let first = try #require(curve.first), last = try #require(curve.last)
    #expect(abs(first.importance.value - result.elbo.value) < 1e-9)
    #expect(abs(last.importance.value - result.importance.value) < 1e-9)
    #expect(abs(last.prior.value - result.prior.value) < 1e-9)
    // Codes of posteriors are independent from image to image, those of the prior are the same for all.
    #expect(
      relativeDifference(try #require(last.importance.samplingError), try #require(result.importance.samplingError))
        < 1e-9)
    let alone = try (result.images.map { try #require($0.importance.logLikelihood.standardError) })
    let independent = alone.reduce(0) { $0 + $1 * $1 }.squareRoot() / 30
    #expect(relativeDifference(try #require(last.importance.samplingError), independent) < 1e-9)
    for (a, b) in zip(curve, curve.dropFirst()) {
      let errors = [a.importance.samplingError, b.importance.samplingError].map { $0 ?? 0 }
      #expect(b.importance.value > a.importance.value - 3 * hypot(errors[0], errors[1]))
    }
    #expect(last.importance.value > first.importance.value + 0.5)
  }

  @Test("where hardly any code counts there is no standard error, and the report says so")
  func degenerate() throws {
    let result = try LinearVAE(images: 3, seed: 5, shift: 12, stretch: 0.05).measure(samples: 100)
    for image in result.images {
      #expect(image.importance.effectiveSampleSize < 10 && image.importance.logLikelihood.standardError == nil)
    }
    #expect(result.importance.samplingError == nil && result.importance.standardError != nil)
    #expect(result.warnings.contains { $0.contains("Importance sampling") && $0.contains("3 of 3 images") })
    #expect(
      String(decoding: try JSONEncoder().encode(result.importance), as: UTF8.self).contains("\"sampling_error\":null"))
    #expect(try JSONDecoder().decode(MarginalLikelihood.self, from: JSONEncoder().encode(result)) == result)
  }

  @Test("one image has no error over images; the same seed gives the same numbers")
  func single() throws {
    let model = LinearVAE(images: 1, seed: 6, shift: 0.3)
    let result = try model.measure(samples: 20, seed: 9)
    #expect(result.importance.standardError == nil && result.elbo.samplingError != nil)
    #expect(try model.measure(samples: 20, seed: 9) == result)
    // Of twenty codes of the prior fewer than ten count.
    #expect(result.warnings.count == 1 && result.warnings[0].contains("size below 10 for 1 of 1 images"))
    #expect(try model.measure(samples: 20, seed: 10) != result)
  }

  @Test("impossible settings and outputs are refused by name")
  func refused() throws {
    let model = LinearVAE(images: 2, seed: 7)
    #expect(throws: StructuredError.self) { try model.measure(samples: 1) }
    let posterior = try model.posterior()
    func message(_ indices: [Int], _ value: Double) -> String {
      do {
        _ = try MarginalLikelihood(
          of: posterior, indices: indices,
          likelihood: { _, codes in [Double](repeating: value, count: codes.count / 2) },
          likelihoods: { codes in [Double](repeating: value, count: codes.count) })
        return "nothing"
      } catch { return "\(error)" }
    }
    #expect(message([1], 0).contains("1 indices for 2 posteriors"))
    #expect(message([1, 2], .nan).contains("not 10000 finite numbers"))
  }
}
