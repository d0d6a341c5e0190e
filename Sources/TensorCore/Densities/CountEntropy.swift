import Foundation

/// The entropy of a value that occurs c_m times among N = Σ_m c_m, in nats:
///
///     H = −Σ_m (c_m/N) log(c_m/N) = log N − (1/N) Σ_m c_m log c_m
///
/// Exactly 0 for a single value, and for no values.
///
/// - Parameter counts: c_m ≥ 0.
public func entropy(ofCounts counts: some Sequence<Int>) -> Double {
  var total = 0, distinct = 0, sum = 0.0
  for count in counts where count > 0 {
    total += count
    distinct += 1
    if count > 1 { sum += Double(count) * log(Double(count)) }
  }
  return distinct < 2 ? 0 : log(Double(total)) - sum / Double(total)
}
