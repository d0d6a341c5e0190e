import Diagnostics
import FactorData
import FileFormats
import Foundation
import StrictConfiguration
import TensorCore
import TestSupport
import Testing

/// Which images training sees, and how often.
@Suite("Sampling of images")
struct ImageSamplingTests {
  private struct Section: StrictlyDecodable {
    let sampling: ImageSampling
    init(from section: inout ConfigurationSection) throws { sampling = try section.section("sampling") }
  }

  private func sampling(_ yaml: String) throws -> ImageSampling {
    let section: ResolvedConfiguration<Section> = try ConfigurationDocument(yaml: "sampling: \(yaml)", source: "test")
      .decode()
    return section.value.sampling
  }

  private func distribution(_ yaml: String, _ factors: Factors) throws -> ImageDistribution {
    try sampling(yaml).distribution(of: factors, count: factors.imageCount ?? 0, stream: RandomStream(seed: 1))
  }

  private var dsprites: Factors { get throws { .grid(try FactorSpace(DSprites.factors)) } }

  @Test(
    "Frequencies of correlated factors are those of the golden tables",
    arguments: [
      ("{pairs: [scale:posX], strengths: [0.1]}", ["scale", "posX"], "roth/scale_posX_0.1/joint"),
      ("{pairs: [orientation:posX], strengths: [0.4]}", ["orientation", "posX"], "roth/orientation_posX_0.4/joint"),
      ("{pairs: [shape:posX], strengths: [0.1]}", ["shape", "posX"], "roth/shape_posX_0.1/joint"),
      (
        "{pairs: [scale:posX], strengths: [0.1], rule: inverse-gaussian}", ["scale", "posX"],
        "roth/inverse_scale_posX_0.1/joint"
      ),
      (
        "{pairs: [scale:posX, orientation:posX], strengths: [0.1, 0.4]}", ["scale", "orientation", "posX"],
        "roth/two_pairs/joint"
      ),
    ])
  func correlated(yaml: String, names: [String], array: String) throws {
    let factors = try dsprites, distribution = try distribution(yaml, factors)
    let joint = try HDF5File(reading: Golden.path("datasets/correlated/correlated.h5")).read(array, as: Double.self)
      .values
    let columns = names.map { name in DSprites.factors.firstIndex { $0.name == name }! }
    let sizes = columns.map { DSprites.factors[$0].size }
    var counts = [Int](repeating: 0, count: joint.count), others = [Int](repeating: 0, count: 32)
    var stream = RandomStream(seed: 3)
    for _ in 0..<60_000 {
      let image = distribution.draw(from: &stream)
      let cell = zip(columns, sizes).reduce(0) { $0 * $1.1 + (factors.value(of: $1.0, at: image) ?? 0) }
      counts[cell] += 1
      others[factors.value(of: 4, at: image) ?? 0] += 1
    }
    let found = ChiSquared(counts, joint), uniform = ChiSquared(uniform: others)
    #expect(found.deviations < 5, "\(found)")
    #expect(uniform.deviations < 5, "posY stays uniform: \(uniform)")
    // The same factors uniformly do not fit.
    #expect(ChiSquared(uniform: counts).deviations > 20)
  }

  @Test("Combinations that are left out never occur, and all others equally often") func excluded() throws {
    let factors = Factors.grid(try FactorSpace([Factor("a", size: 3), Factor("b", size: 4), Factor("c", size: 2)]))
    let distribution = try distribution("{excluded: ['a=1,b=2', 'c=0, a=0']}", factors)
    #expect(distribution.isUniform && distribution.count == 24 - 2 - 4)
    for image in distribution.images {
      let v = factors.values(at: image)
      #expect(!(v[0] == 1 && v[1] == 2) && !(v[0] == 0 && v[2] == 0))
    }
    var stream = RandomStream(seed: 5), counts = [Int](repeating: 0, count: 24)
    for _ in 0..<9_000 { counts[distribution.draw(from: &stream)] += 1 }
    let found = ChiSquared(uniform: distribution.images.map { counts[$0] })
    #expect(found.deviations < 5 && counts.reduce(0, +) == 9_000, "\(found)")
  }

  @Test("A fraction is of the stated size, a function of the seed, and works without factors") func fraction() throws {
    func images(_ fraction: String, seed: UInt64 = 1) throws -> [Int] {
      try sampling("{fraction: \(fraction)}").distribution(of: .none, count: 1_000, stream: RandomStream(seed: seed))
        .images
    }
    let third = try images("0.333")
    #expect(third.count == 333 && third == third.sorted() && Set(third).count == 333)
    #expect(try images("0.333") == third && images("0.333", seed: 2) != third)
    #expect(try images("1").count == 1_000 && images("1e-9").count == 1)
    // Smaller parts of a seed are parts of the larger ones.
    #expect(Set(try images("0.1")).isSubset(of: third))
  }

  @Test(
    "Settings that do not fit are one error",
    arguments: [
      ("{pairs: [scale:posX]}", "strengths has 0 numbers for 1 pairs"),
      ("{pairs: [scale], strengths: [1]}", "pairs has the pair 'scale'"),
      ("{pairs: [scale:scale], strengths: [1]}", "pairs has the pair 'scale:scale'"),
      ("{pairs: [scale:posX], strengths: [0]}", "strengths"), ("{fraction: 0}", "fraction is 0"),
      ("{fraction: 1.5}", "fraction is 1.5"), ("{rule: band}", "rule is 'band'"),
      ("{excluded: ['scale']}", "excluded has 'scale'"), ("{excluded: ['scale=-1']}", "excluded has 'scale=-1'"),
      ("{pairs: [scale:pos], strengths: [1]}", "the data set has no factor \"pos\""),
      ("{excluded: ['scale=6']}", "the factor \"scale\" has no value 6"),
      ("{excluded: ['shape=0', 'shape=1', 'shape=2']}", "no image is left to train on"),
    ])
  func errors(yaml: String, message: String) throws {
    let factors = try dsprites
    let error = #expect(throws: StructuredError.self) { try distribution(yaml, factors) }
    #expect(error?.what.contains(message) == true, "\(error.map { "\($0)" } ?? "none")")
  }

  @Test("A factor that is unknown for some images cannot be correlated") func unknown() throws {
    let table = try FactorTable([Factor("a", size: 2), Factor("b", size: 2)], values: [0, 1, -1, 0])
    let error = #expect(throws: StructuredError.self) {
      try distribution("{pairs: [a:b], strengths: [1]}", .table(table))
    }
    #expect(error?.what == "the factor \"a\" is unknown for 1 images")
    let without = #expect(throws: StructuredError.self) { try distribution("{excluded: ['a=0']}", .none) }
    #expect(without?.expected == "a data set with factors")
  }
}
