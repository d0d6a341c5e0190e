import TensorCore

/// How often, and from which random numbers, a sample is drawn again with replacement (the bootstrap; Efron 1979,
/// "Bootstrap methods: another look at the jackknife", The Annals of Statistics 7(1)).
///
/// The r-th resample draws from a split of the stream of its own, so that equal arguments give equal intervals.
public struct Resamples: Sendable {
  /// How many resamples are drawn; fewer than 2 give no interval.
  public var count: Int
  /// The source of randomness.
  public var stream: RandomStream

  /// Makes a plan of so many resamples.
  public init(_ count: Int, from stream: RandomStream) {
    self.count = count
    self.stream = stream
  }

  /// As many resamples from an independent stream.
  func split(_ label: String, _ index: Int) -> Resamples { Resamples(count, from: stream.split(label, index)) }

  /// A statistic of every resample.
  func map<Value>(_ statistic: (inout RandomStream) -> Value) -> [Value] {
    (0..<max(0, count)).map { index in
      var stream = stream.split("resample", index)
      return statistic(&stream)
    }
  }

  /// The percentile interval of a statistic. Resamples in which it has no value are left out.
  func interval(_ statistic: (inout RandomStream) -> Double?) -> Interval? {
    Interval(percentilesOf: map(statistic).compactMap { $0 })
  }
}

extension RandomStream {
  /// Draws as many of some rows as there are, with replacement: how often each was drawn.
  mutating func drawMultiplicities(_ multiplicities: inout some MutableCollection<Int>) {
    for position in multiplicities.indices { multiplicities[position] = 0 }
    let count = multiplicities.count
    for _ in 0..<count {
      multiplicities[multiplicities.index(multiplicities.startIndex, offsetBy: integer(below: count))] += 1
    }
  }
}
