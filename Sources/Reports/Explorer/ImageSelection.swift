import FactorData

/// The images of a data set that a page carries: a sub-grid of its factors, or images at even distances.
struct ImageSelection: Equatable {
  /// One factor and which of its values can be chosen, rising.
  struct Choice: Encodable, Equatable {
    let name: String
    let size: Int
    let values: [Int]
  }

  /// The factors, slowest first, where the data set is a grid: the images are all combinations of the choices, the last
  /// factor changing fastest. Empty where it is none.
  let choices: [Choice]
  /// The images, as indices of the data set.
  let indices: [Int]

  /// Chooses at most `limit` images (and at least one).
  ///
  /// All values of a factor stay if they can; else the factor with the most loses one after the other, and those that
  /// stay are at even distances, first and last included.
  init(of dataset: any FactorDataset, limit: Int) {
    guard let space = dataset.factorSpace, !space.factors.isEmpty else {
      choices = []
      indices = Self.spread(min(dataset.count, max(1, limit)), over: dataset.count)
      return
    }
    var counts = space.sizes
    func product() -> Int { counts.reduce(1, *) }
    while product() > limit, let largest = counts.max(), largest > 1 {
      // The last of several largest, so that the first factors, which say more, keep theirs.
      counts[counts.lastIndex(of: largest) ?? 0] -= 1
    }
    let choices = zip(space.factors, counts).map { factor, count in
      Choice(name: factor.name, size: factor.size, values: Self.spread(count, over: factor.size))
    }
    self.choices = choices
    indices = zip(choices, space.strides).reduce([0]) { indices, factor in
      let (choice, stride) = factor
      return indices.flatMap { index in choice.values.map { index + $0 * stride } }
    }
  }

  /// `count` numbers from 0 to `size` − 1 at even distances.
  private static func spread(_ count: Int, over size: Int) -> [Int] {
    guard count > 1 else { return [0] }
    return (0..<count).map { (2 * $0 * (size - 1) + count - 1) / (2 * (count - 1)) }
  }
}
