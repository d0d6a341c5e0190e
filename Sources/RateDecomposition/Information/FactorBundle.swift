import TensorCore

/// Factors of which the densities q(z_d|v) are tabulated together.
///
/// Every factor divides the same data points among its values. Data points that agree in all factors of a bundle are a
/// cell: their Gaussians are added up once, and the sum of a cell goes to one value of each factor. Since the Gaussians
/// take nearly all of the time, a bundle takes little more of it than one factor alone.
struct FactorBundle {
  /// A cell must have so many data points on average, for its sum to take less time than its Gaussians.
  static let pointsPerCell = 512
  /// Grid points of all values together.
  private static let largestTables = 1 << 22

  /// The factors, by their numbers.
  let factors: Range<Int>
  /// The data points of each value, `[factor][value]`.
  private let groups: [[[Int]]]
  /// The data points, cell by cell, and where each cell begins, with the end behind the last.
  private let points: [Int]
  private let starts: [Int]
  /// The value of each cell, `[cell][factor]`.
  private let values: [[Int]]

  /// Bundles factors that follow each other, while cells stay large enough.
  static func bundles(_ groups: [[[Int]]], count: Int) -> [FactorBundle] {
    var ranges: [Range<Int>] = [], cells = 0
    for (factor, values) in groups.enumerated() {
      if let last = ranges.last, cells * values.count <= count / pointsPerCell {
        ranges[ranges.count - 1] = last.lowerBound..<factor + 1
        cells *= values.count
      } else {
        ranges.append(factor..<factor + 1)
        cells = values.count
      }
    }
    return ranges.map { FactorBundle($0, Array(groups[$0]), count: count) }
  }

  private init(_ factors: Range<Int>, _ groups: [[[Int]]], count: Int) {
    (self.factors, self.groups) = (factors, groups)
    guard factors.count > 1 else {
      (points, starts, values) = ([], [0], [])
      return
    }
    var cells = [Int](repeating: 0, count: count)
    for groups in groups {
      for (value, group) in groups.enumerated() {
        for n in group { cells[n] = cells[n] * groups.count + value }
      }
    }
    var members = [[Int]](repeating: [], count: groups.reduce(1) { $0 * $1.count })
    for (n, cell) in cells.enumerated() { members[cell].append(n) }
    let occupied = members.indices.filter { !members[$0].isEmpty }
    points = occupied.flatMap { members[$0] }
    starts = occupied.reduce(into: [0]) { $0.append($0[$0.count - 1] + members[$1].count) }
    values = occupied.map { cell in
      var rest = cell
      return groups.reversed().map { group in
        defer { rest /= group.count }
        return rest % group.count
      }.reversed()
    }
  }

  /// Σ_v p(v)·H(z_d|v) of each factor in nats, `[factor][D]`; nil where a density cannot be integrated.
  ///
  /// - Parameter latents: which latents to measure; the others are nil.
  func conditionalEntropies(_ posterior: PosteriorTable, latents: [Int], on device: Device) -> [[Double?]] {
    let d = posterior.latents
    var tables = [[[Double?]]?](repeating: nil, count: latents.count)
    if factors.count > 1 {
      tables.withUnsafeMutableBufferPointer { tables in
        nonisolated(unsafe) let tables = tables
        try? device.forEachItem(latents.count) { _, item in
          tables[item] = entropiesByCells(posterior, latent: latents[item], device.level)
        }
      }
    }
    // The others value by value.
    let items = latents.indices.filter { tables[$0] == nil }.flatMap { item in
      groups.enumerated().flatMap { factor, groups in groups.indices.map { (item, factor, $0) } }
    }
    var entropies = [Double?](repeating: nil, count: items.count)
    entropies.withUnsafeMutableBufferPointer { entropies in
      nonisolated(unsafe) let entropies = entropies
      try? device.forEachItem(items.count) { _, number in
        let (item, factor, value) = items[number], k = latents[item], group = groups[factor][value]
        entropies[number] =
          MarginalDensity(
            means: group.map { posterior.means[$0 * d + k] },
            logVariances: group.map { posterior.logVariances[$0 * d + k] }, instructions: device.level
          )?.entropy
      }
    }
    for ((item, factor, value), entropy) in zip(items, entropies) {
      var table = tables[item] ?? groups.map { [Double?](repeating: nil, count: $0.count) }
      table[factor][value] = entropy
      tables[item] = table
    }
    return groups.enumerated().map { factor, groups in
      var result = [Double?](repeating: nil, count: d)
      for (item, k) in latents.enumerated() {
        guard let entropies = tables[item]?[factor], !entropies.contains(nil) else { continue }
        result[k] = zip(groups, entropies).reduce(0.0) {
          $0 + Double($1.0.count) / Double(posterior.count) * ($1.1 ?? 0)
        }
      }
      return result
    }
  }

  /// H(z_d|v), `[factor][value]`; nil where a density cannot be integrated.
  ///
  /// - Returns: nil if tables would take more time or memory than they are worth.
  private func entropiesByCells(_ posterior: PosteriorTable, latent k: Int, _ level: VectorLevel) -> [[Double?]]? {
    let d = posterior.latents
    let cells = values.indices.map { cell in
      let points = points[starts[cell]..<starts[cell + 1]]
      return OctaveComponents(
        means: points.map { posterior.means[$0 * d + k] },
        logVariances: points.map { posterior.logVariances[$0 * d + k] })
    }
    var tables = groups.enumerated().map { factor, groups in
      var parts = [[OctaveComponents]](repeating: [], count: groups.count)
      for (cell, components) in cells.enumerated() { parts[values[cell][factor]].append(components) }
      return parts.map { MixtureGrid($0).map(OctaveSums.init) }
    }
    /// Whether the sum of a cell is of use; if not, its points may be out of bounds.
    func isNeeded(_ cell: Int) -> Bool { tables.indices.contains { tables[$0][values[cell][$0]] != nil } }
    var work = 0
    for (cell, components) in cells.enumerated() where isNeeded(cell) {
      components.forEach { work += $1.points.count }
    }
    let size = tables.joined().reduce(0) { $0 + ($1?.grid.count ?? 0) }
    guard size <= Self.largestTables, work <= Self.pointsPerCell / 8 * posterior.count else { return nil }
    for (cell, components) in cells.enumerated() where isNeeded(cell) {
      components.forEach { number, octave in
        let points = octave.points, sum = OctaveComponents.sum(octave, number: number, at: points, level)
        for factor in tables.indices { tables[factor][values[cell][factor]]?.add(sum, at: points, number) }
      }
    }
    return zip(tables, groups).map { tables, groups in
      zip(tables, groups).map { table, group in
        table.map { table in
          MarginalDensity(table.grid, count: group.count) { table.sums[table.index($0.number)] }.entropy
        }
      }
    }
  }
}

/// Sums of Gaussians on the grids of a mixture.
private struct OctaveSums {
  let grid: MixtureGrid
  /// Σ N(z; μ, σ²) at the points of each level; nil if there are no components.
  private(set) var sums: [[Double]?]

  init(_ grid: MixtureGrid) {
    self.grid = grid
    sums = [[Double]?](repeating: nil, count: grid.levels.count)
  }

  /// Which level has an octave.
  func index(_ octave: Int) -> Int { grid.levels[0].number - octave }

  mutating func add(_ sum: [Double], at points: Range<Int>, _ octave: Int) {
    let index = index(octave), all = grid.levels[index].points, offset = points.lowerBound - all.lowerBound
    var sums = self.sums[index] ?? [Double](repeating: 0, count: all.count)
    self.sums[index] = nil
    sums.withUnsafeMutableBufferPointer { sums in
      for i in sum.indices { sums[offset + i] += sum[i] }
    }
    self.sums[index] = sums
  }
}
