import Diagnostics
import RateDecomposition
import Testing

@Suite("Posterior tables")
struct PosteriorTableTests {
  @Test("take both precisions")
  func precisions() throws {
    let single = try PosteriorTable(means: [1, 2, 3, 4] as [Float], logVariances: [0, 0, -1, 1], latents: 2)
    let double = try PosteriorTable(means: [1, 2, 3, 4] as [Double], logVariances: [0, 0, -1, 1], latents: 2)
    #expect(single == double && single.count == 2 && single.latents == 2)
  }

  @Test("name the first value that is wrong", arguments: [Float.nan, .infinity, -.infinity, 3e20])
  func values(bad: Float) {
    let mean = #expect(throws: StructuredError.self) {
      try PosteriorTable(means: [0, 1, 2, bad], logVariances: [0, 0, 0, 0], latents: 2, location: "a.h5")
    }
    #expect(mean?.what.contains("mean[1, 1]") == true && mean?.location == "a.h5")
    let variance = #expect(throws: StructuredError.self) {
      try PosteriorTable(means: [0, 1, 2, 3], logVariances: [0, 0, bad, 0], latents: 2)
    }
    #expect(variance?.what.contains("log_variance[1, 0]") == true)
  }

  @Test("refuse a log-variance beyond ±150, and doubles that overflow single precision")
  func limits() throws {
    #expect(throws: StructuredError.self) { try PosteriorTable(means: [0], logVariances: [151] as [Float], latents: 1) }
    #expect(throws: StructuredError.self) { try PosteriorTable(means: [1e300], logVariances: [0], latents: 1) }
    _ = try PosteriorTable(means: [0], logVariances: [-150] as [Float], latents: 1)
  }

  @Test("refuse empty and unequal arrays")
  func shapes() {
    for (means, logVariances, latents) in [([], [], 2), ([1, 2, 3], [1, 2, 3], 2), ([1, 2], [1], 1), ([1], [1], 0)]
      as [([Float], [Float], Int)]
    {
      #expect(throws: StructuredError.self) {
        try PosteriorTable(means: means, logVariances: logVariances, latents: latents)
      }
    }
  }

  @Test("averages in closed form")
  func statistics() throws {
    let statistics = PosteriorStatistics(
      try PosteriorTable(means: [1, 0, -1, 0] as [Float], logVariances: [0, 1, 0, 1], latents: 2))
    // KL(N(±1, 1) ‖ N(0, 1)) = ½; KL(N(0, e) ‖ N(0, 1)) = ½(e − 2). Exact but for rounding in double.
    #expect(abs(statistics.klPerDimension[0] - 0.5) < 1e-12)
    #expect(abs(statistics.klPerDimension[1] - 0.5 * (2.718281828459045 - 2)) < 1e-12)
    #expect(statistics.meanVariances == [1, 0] && statistics.activeUnits == 1)
    for k in 0..<2 {
      let difference = statistics.crossEntropies[k] - statistics.conditionalEntropies[k]
      #expect(abs(difference - statistics.klPerDimension[k]) < 1e-12)
    }
  }
}
