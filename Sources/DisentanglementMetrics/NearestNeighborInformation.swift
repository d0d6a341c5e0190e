/// Mutual information of a continuous and a discrete quantity from distances to nearest neighbours, in nats.
///
///     I = ψ(N) + ⟨ψ(kₙ)⟩ − ⟨ψ(N_vₙ)⟩ − ⟨ψ(mₙ)⟩
///
/// with kₙ neighbours among the N_v points of the same value v, and mₙ points of any value closer than the farthest of
/// these, the point itself included (Ross 2014, "Mutual information between discrete and continuous data sets", PLoS ONE
/// 9(2):e87357, Eq. 2); scikit-learn's `mutual_info_classif`. Almost without bias where plugged-in information of many
/// cells is not. Values that occur once are left out. Points that coincide with their kₙ-th neighbour take all
/// coinciding ones for kₙ and mₙ (Gao et al. 2017, arXiv:1709.06212), so that a discrete code is right, too;
/// scikit-learn adds noise of 1e-10 instead. Negative estimates become 0.
public struct NearestNeighborInformation: Sendable {
  /// How many neighbours.
  public let neighbors: Int
  /// ψ(n) for n = 0 …; ψ(0) is not used.
  private let digamma: [Double]

  /// Prepares for up to `count` points.
  public init(neighbors: Int, count: Int) {
    self.neighbors = neighbors
    // ψ(n) = −γ + Σ 1/i over i < n; γ cancels, so that it may be any number.
    var digamma = [0.0, -0.577_215_664_901_532_9]
    for n in 1...max(1, count) { digamma.append(digamma[n] + 1 / Double(n)) }
    self.digamma = digamma
  }

  /// I of one latent with several factors.
  ///
  /// - Parameters:
  ///   - values: the latent, `[N]`.
  ///   - factors: the factors, `[K][N]`.
  /// - Returns: `[K]`.
  public func information(_ values: [Double], _ factors: [[Int32]]) -> [Double] {
    let order = values.indices.sorted { (values[$0], $0) < (values[$1], $1) }
    return factors.map { factor in
      var groups: [Int32: [Int]] = [:]
      for n in order { groups[factor[n], default: []].append(n) }
      let used = groups.filter { $0.value.count > 1 }
      // Without the points whose value occurs once, the whole sample is what remains.
      let kept = order.filter { used[factor[$0]] != nil }.map { values[$0] }
      guard kept.count > 1 else { return 0 }
      var sum = 0.0
      for (_, members) in used.sorted(by: { $0.key < $1.key }) {
        let own = members.map { values[$0] }, k = min(neighbors, own.count - 1)
        var left = 0
        for n in own.indices {
          // The window of k + 1 points around n with the smallest reach moves right as n does.
          left = max(left, n - k)
          while left + k + 1 < own.count, left < n, own[left + k + 1] - own[n] < own[n] - own[left] { left += 1 }
          let radius = max(own[n] - own[left], own[left + k] - own[n])
          let near = Self.count(own, closerTo: own[n], than: radius)
          let all = Self.count(kept, closerTo: own[n], than: radius)
          sum += digamma[radius > 0 ? k : near] - digamma[own.count] - digamma[all]
        }
      }
      return max(0, digamma[kept.count] + sum / Double(kept.count))
    }
  }

  /// How many sorted values are closer to x than a radius; those that equal x if it is 0.
  private static func count(_ sorted: [Double], closerTo x: Double, than radius: Double) -> Int {
    func firstIndex(_ isInside: (Double) -> Bool) -> Int {
      var low = 0, high = sorted.count
      while low < high {
        let middle = (low + high) / 2
        if isInside(sorted[middle]) { high = middle } else { low = middle + 1 }
      }
      return low
    }
    guard radius > 0 else { return firstIndex { $0 > x } - firstIndex { $0 >= x } }
    return firstIndex { $0 - x >= radius } - firstIndex { x - $0 < radius }
  }
}
