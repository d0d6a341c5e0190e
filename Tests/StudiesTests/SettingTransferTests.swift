import Studies
import TestSupport
import Testing

@Suite("Transfer of settings between data sets")
struct SettingTransferTests {
  /// Scores by data set and setting.
  private static func transfer(
    _ table: [(dataset: String, setting: String, scores: [Double])], by center: SettingTransfer.Center = .median
  ) -> SettingTransfer {
    let rows = table.flatMap { row in row.scores.map { (row.dataset, row.setting, $0) } }
    return SettingTransfer(rows.map(\.2), datasets: rows.map(\.0), settings: rows.map(\.1), by: center)
  }

  @Test("The setting with the best median on the source has its mean on the target, beside random and best")
  func closedForm() throws {
    let table: [(dataset: String, setting: String, scores: [Double])] = [
      ("x", "p", [1, 2, 9]), ("x", "q", [3, 3, 3]), ("y", "p", [6, 8]), ("y", "q", [4, 6]), ("y", "r", [100]),
    ]
    let median = Self.transfer(table)
    #expect(median.datasets == ["x", "y"] && median.missing == 0)
    // q is the best on x by its median 3; on y its mean is 5, among 7 and 5.
    let there = try #require(median.cells[0][1])
    #expect(there.settings == ["q"] && there.chosen == 5 && there.random == 6 && there.best == 7)
    #expect(there.shareOfGain == -1 && there.settingCount == 2)
    // r is the best on y, but is not on x; then p is, with the mean 4 on x.
    let back = try #require(median.cells[1][0])
    #expect(back.settings == ["p"] && back.chosen == 4 && back.random == 3.5 && back.best == 4 && back.shareOfGain == 1)
    let own = try #require(median.cells[1][1])
    #expect(own.settings == ["r"] && own.chosen == 100 && own.settingCount == 3)
    // By the mean, p is the best on x.
    #expect(Self.transfer(table, by: .mean).cells[0][1]?.settings == ["p"])
  }

  @Test("Ties count with their mean; no common setting, one setting, and missing scores")
  func degenerate() throws {
    let tied = Self.transfer([("x", "p", [1]), ("x", "q", [1]), ("y", "p", [2]), ("y", "q", [5]), ("y", "p", [4])])
    let cell = try #require(tied.cells[0][1])
    #expect(cell.settings == ["p", "q"] && cell.chosen == 4 && cell.random == 4 && cell.best == 5)
    #expect(cell.shareOfGain == 0)
    let apart = Self.transfer([("x", "p", [1, .nan]), ("y", "q", [2]), ("y", "p", [.infinity]), ("z", "q", [.nan])])
    #expect(apart.cells[0][1] == nil && apart.cells[1][0] == nil && apart.missing == 3)
    #expect(apart.datasets == ["x", "y", "z"] && apart.cells[2].allSatisfy { $0 == nil })
    let one = try #require(apart.cells[0][0])
    #expect(one.chosen == 1 && one.shareOfGain == nil)
    let empty = SettingTransfer([], datasets: [], settings: [])
    #expect(empty.cells.isEmpty && empty.missing == 0)
  }

  @Test("It is what NumPy finds with medians and means", .enabled(if: SciPy.isInstalled, SciPy.missing))
  func numpy() throws {
    let scores = SyntheticScores.withMissing(240, seed: 1, every: 11)
    let sets = (0..<240).map { $0 % 3 }, settings = (0..<240).map { $0 / 3 % 8 }
    let transfer = SettingTransfer(scores, datasets: sets.map { "\($0)" }, settings: settings.map { "\($0)" })
    let program = """
      scores, sets, settings = table
      pick = lambda d, s: scores[(sets == d) & (settings == s) & ~np.isnan(scores)]
      for a in range(3):
        for b in range(3):
          best = np.argmax([np.median(pick(a, s)) for s in range(8)])
          means = np.array([pick(b, s).mean() for s in range(8)])
          show(best, means[best], means.mean(), means.max(),
               (means[best] - means.mean()) / (means.max() - means.mean()))
      """
    let theirs = try SciPy.numbers(program, [scores, sets.map(Double.init), settings.map(Double.init)])
    let ours = try transfer.cells.joined().flatMap { cell in
      let cell = try #require(cell), setting = try #require(cell.settings.first.flatMap { Double($0) })
      return [setting, cell.chosen, cell.random, cell.best, cell.shareOfGain ?? .nan]
    }
    #expect(absoluteDifference(ours, theirs) < 1e-13)
  }
}
