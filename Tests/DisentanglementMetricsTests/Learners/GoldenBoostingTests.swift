import DisentanglementMetrics
import FileFormats
import TensorCore
import TestSupport
import Testing

/// Boosted trees against scikit-learn's, tree by tree: the numbers of one golden set, `metrics/gbt_small`.
@Suite("Golden boosting")
struct GoldenBoostingTests {
  let device = Device(threads: 2)

  @Test func `Trees without ties are scikit-learn's in every number`() throws {
    let golden = try HDF5File(reading: Golden.path("metrics/gbt_small.h5"))
    func doubles(_ name: String) throws -> [Double] { try golden.read(name, as: Double.self).values }
    func integers(_ name: String) throws -> [Int] { try golden.read(name, as: Int.self).values }
    let rows = FeatureMatrix(try doubles("x"), features: 4)
    let model = try GradientBoosting(rounds: 10).fit(
      rows, labels: try integers("y").map { Int32($0) }, stream: RandomStream(seed: 5), device: device)

    // Sums in another order, over 400 rows and 10 rounds: some 1e-15 was seen.
    let tolerance = 1e-12
    #expect(relativeDifference(model.importances ?? [], try doubles("importance")) < tolerance)
    #expect(relativeDifference(model.losses, try doubles("train_loss")) < tolerance)
    #expect(relativeDifference(model.decisionValues(rows, device: device), try doubles("raw_scores")) < tolerance)
    #expect(
      relativeDifference(model.rawScores(rows, rounds: 1, device: device), try doubles("raw_scores_round1")) < tolerance
    )
    for k in 0..<3 {
      let nodes = model.trees[0][k].nodes, group = "round1/class\(k)"
      let leaves = nodes.map { $0.feature < 0 }
      let features = nodes.map { $0.feature < 0 ? -2 : Int($0.feature) }
      let isSameShape =
        try features == integers("\(group)/feature") && nodes.map { Int($0.left) } == integers("\(group)/left")
        && nodes.map { Int($0.right) } == integers("\(group)/right")
      #expect(isSameShape, "class \(k)")
      let thresholds = zip(nodes, leaves).map { $1 ? -2 : $0.threshold }
      #expect(relativeDifference(thresholds, try doubles("\(group)/threshold")) < tolerance)
      func atLeaves(_ values: [Double]) -> [Double] { zip(values, leaves).filter { $1 }.map { $0.0 } }
      #expect(relativeDifference(atLeaves(nodes.map(\.value)), atLeaves(try doubles("\(group)/value"))) < tolerance)
    }
  }
}
