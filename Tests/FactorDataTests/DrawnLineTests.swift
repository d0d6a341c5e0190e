import Diagnostics
import FactorData
import FileFormats
import Foundation
import StrictConfiguration
import TensorCore
import TestSupport
import Testing

/// Correlated factors by a drawn line.
@Suite("Sampling along a line")
struct DrawnLineTests {
  private struct Section: StrictlyDecodable {
    let sampling: ImageSampling
    init(from section: inout ConfigurationSection) throws { sampling = try section.section("sampling") }
  }

  private func distribution(_ strength: Double, _ factors: Factors) throws -> ImageDistribution {
    let yaml = "sampling: {rule: line, pairs: ['a:b'], strengths: [\(strength)]}"
    let section: ResolvedConfiguration<Section> = try ConfigurationDocument(yaml: yaml, source: "test").decode()
    return try section.value.sampling.distribution(
      of: factors, count: factors.imageCount ?? 0, stream: RandomStream(seed: 1))
  }

  private func grid(_ rows: Int, _ columns: Int) throws -> Factors {
    .grid(try FactorSpace([Factor("a", size: rows), Factor("c", size: 2), Factor("b", size: columns)]))
  }

  @Test(
    "Tables and frequencies are those of the golden pictures, and what they leave out is never drawn",
    arguments: [
      "dsprites_orientation_posX", "shapes3d_scale_orientation", "mpi3d_horizontal_vertical",
      "shapes3d_object_hue_orientation", "shapes3d_object_hue_scale", "dsprites_scale_posX",
    ], [0.2, 0.4, 0.7])
  func golden(name: String, strength: Double) throws {
    let file = try HDF5File(reading: Golden.path("datasets/correlated/correlated.h5"))
    let (joint, shape) = try file.read("traeuble/\(name)_\(strength)/joint", as: Double.self)
    let factors = try grid(shape[0], shape[1]), distribution = try distribution(strength, factors)
    let table = distribution.joint(0, 2, of: factors).flatMap { $0 }
    #expect(table.count == joint.count && absoluteDifference(table, joint) < 1e-12)
    var counts = [Int](repeating: 0, count: joint.count), others = [0, 0], stream = RandomStream(seed: 3)
    let draws = 40_000
    for _ in 0..<draws {
      let values = factors.values(at: distribution.draw(from: &stream)).compactMap { $0 }
      counts[values[0] * shape[1] + values[2]] += 1
      others[values[1]] += 1
    }
    let found = ChiSquared(counts, joint)
    #expect(found.deviations < 5, "\(found)")
    #expect(abs(others[0] - draws / 2) < 500)
  }

  @Test("Pictures of other sizes are OpenCV's, pixel for pixel") func otherSizes() throws {
    let data = try Data(contentsOf: URL(fileURLWithPath: Fixture.path("drawn-lines.json")))
    let rows = try JSONDecoder().decode([[Double]].self, from: data)
    #expect(rows.count == 192)
    for row in rows {
      let factors = try grid(Int(row[0]), Int(row[1])), distribution = try distribution(row[2], factors)
      let table = distribution.joint(0, 2, of: factors).flatMap { $0 }
      let pixels = table.map { $0 * row[3] }, rounded = pixels.map { $0.rounded() }
      #expect(absoluteDifference(pixels, rounded) < 1e-9, "\(row)")
      #expect(rounded.reduce(0, +) == row[3] && rounded.allSatisfy { $0 <= 255 }, "\(row)")
      #expect(zip(rounded, 0...).reduce(0) { $0 + $1.0 * Double($1.1 * 7 % 101) } == row[4], "\(row)")
    }
  }

  @Test("From strength 1 on, all combinations are equally frequent") func uniform() throws {
    for strength in [1.0, 10] {
      let factors = try grid(4, 9), table = try distribution(strength, factors).joint(0, 2, of: factors)
      #expect(table.allSatisfy { $0.allSatisfy { abs($0 - 1.0 / 36) < 1e-15 } })
    }
  }

  @Test("A table that does not fit into memory is one error") func memory() throws {
    let list = [Factor("a", size: 1 << 31 - 1), Factor("b", size: 1 << 31 - 1)]
    let factors = Factors.table(try FactorTable(list, values: [0, 0, 1, 1]))
    let error = #expect(throws: StructuredError.self) { try distribution(0.2, factors) }
    #expect(error?.location == "dataset.sampling.pairs", "\(error.map { "\($0)" } ?? "")")
  }
}
