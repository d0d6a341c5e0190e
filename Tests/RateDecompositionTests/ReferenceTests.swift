import FileFormats
import RateDecomposition
import TensorCore
import TestSupport
import Testing

/// The small reference values of `Tests/Fixtures`, which are always there.
@Suite("The aggregate posterior against the fixture")
struct ReferenceTests {
  @Test(
    "log q(z) and log q(z_d) equal double precision to 2e-6", arguments: VectorLevel.allCases.filter { $0 <= .best })
  func densities(level: VectorLevel) throws {
    let file = try HDF5File(reading: Fixture.path("reference.h5"))
    func doubles(_ name: String) throws -> [Double] { try file.read(name, as: Double.self).values }
    let posterior = try PosteriorTable(
      means: try doubles("mean"), logVariances: try doubles("log_variance"), latents: 3)
    let aggregate = AggregatePosterior(posterior, on: Device(threads: 2, level: level))
    let densities = aggregate.logDensities(of: try doubles("aggregate/samples").map { Float($0) }, marginals: true)
    // Sums of a few single-precision exponentials of order 1: a few units in the last place.
    #expect(absoluteDifference(densities.joint, try doubles("aggregate/log_qz")) < 2e-6)
    #expect(absoluteDifference(densities.marginals, try doubles("aggregate/log_qz_per_dimension")) < 2e-6)
  }
}
