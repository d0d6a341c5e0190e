import Testing

@testable import TensorCore

@Suite("The order of a mixture")
struct MixtureOrderTests {
  @Test("Every component has one place, and dimensions come by the distance of means in units of σ")
  func permutation() {
    var stream = RandomStream(seed: 1)
    let count = 3_000
    var means: [Float] = [], logVariances: [Float] = []
    for _ in 0..<count {
      // Far apart and wide; close and narrow; all at one place; far apart and narrow.
      means += [9, 0.1, 0, 3].map { Float($0 * stream.normalPair().0) }
      logVariances += [4, -4, 0, -4]
    }
    let order = MixtureOrder(means: means, logVariances: logVariances, dimensions: 4)
    #expect(order.components.sorted() == Array(0..<count))
    #expect(order.dimensions == [3, 0, 1, 2])
  }

  @Test("Neighbours on the curve are near each other: tiles of a plane are small")
  func neighbours() {
    // A grid of 64 × 64 places, in random order.
    var stream = RandomStream(seed: 2)
    let places = stream.permutation(of: 4_096)
    let means = places.flatMap { [Float($0 / 64), Float($0 % 64)] }
    let order = MixtureOrder(means: means, logVariances: [Float](repeating: 0, count: means.count), dimensions: 2)
    for tile in 0..<64 {
      let members = order.components[64 * tile..<64 * tile + 64].map { places[$0] }
      for axis in [members.map { $0 / 64 }, members.map { $0 % 64 }] {
        #expect((axis.max() ?? 0) - (axis.min() ?? 64) < 16)
      }
    }
  }

  @Test("Equal components, one component and means without a range keep their order")
  func equal() {
    for (means, variances) in [
      ([Float](repeating: 2, count: 30), [Float](repeating: -1, count: 30)), ([1, 2, 3], [0, 0, 0]),
    ] {
      let order = MixtureOrder(means: means, logVariances: variances, dimensions: 3)
      #expect(order.components == Array(0..<means.count / 3))
      #expect(order.dimensions == [0, 1, 2])
    }
  }
}
