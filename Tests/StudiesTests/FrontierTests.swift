import Studies
import Testing

@Suite("Pareto frontier")
struct FrontierTests {
  @Test("Dominated points are left out, and the others stand by ascending rate")
  func closedForm() {
    // (1, 5), (2, 3) and (4, 1) are not dominated; (3, 3) is by (2, 3), (2, 4) by (2, 3), (5, 1) by (4, 1).
    let rates = [4.0, 3, 2, 1, 2, 5, 6], distortions = [1.0, 3, 3, 5, 4, 1, 9]
    let frontier = Frontier(rates: rates, distortions: distortions)
    #expect(frontier.indices == [3, 2, 0] && frontier.missing == 0)
    #expect(Frontier(rates: [1, 1, 0], distortions: [1, 1, 3]).indices == [2, 0, 1])
    #expect(Frontier(rates: [2], distortions: [2]).indices == [0])
    #expect(Frontier(rates: [], distortions: []).indices.isEmpty)
  }

  @Test("Points that are not finite are left out and counted")
  func missing() {
    let frontier = Frontier(rates: [.nan, 1, -.infinity, 0, 2], distortions: [0, .nan, 0, -.infinity, 7])
    #expect(frontier.indices == [4] && frontier.missing == 4)
    #expect(Frontier(rates: [.nan], distortions: [.nan]).indices.isEmpty)
  }

  @Test("It holds exactly the points that no other dominates", arguments: [nil, 6, 20])
  func definition(levels: Int?) {
    let rates = SyntheticScores.uniform(120, seed: 1, levels: levels)
    let distortions = SyntheticScores.uniform(120, seed: 2, levels: levels)
    let frontier = Frontier(rates: rates, distortions: distortions)
    let expected = rates.indices.filter { a in
      !rates.indices.contains { b in
        rates[b] <= rates[a] && distortions[b] <= distortions[a]
          && (rates[b] < rates[a] || distortions[b] < distortions[a])
      }
    }
    #expect(frontier.indices.sorted() == expected && !expected.isEmpty)
    for (a, b) in zip(frontier.indices, frontier.indices.dropFirst()) {
      #expect(rates[a] < rates[b] && distortions[a] > distortions[b] || (rates[a] == rates[b] && a < b))
    }
  }
}
