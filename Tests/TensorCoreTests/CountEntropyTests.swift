import Foundation
import TensorCore
import TestSupport
import Testing

@Suite("Entropies of counts")
struct CountEntropyTests {
  @Test("The entropy of counts is that of their shares, and exactly 0 for a single value")
  func entropies() {
    #expect(entropy(ofCounts: []) == 0 && entropy(ofCounts: [0, 737_280, 0]) == 0)
    let counts = [5, 0, 1, 94]
    let shares = counts.filter { $0 > 0 }.map { Double($0) / 100 }
    // A sum of a few terms, to rounding.
    #expect(abs(entropy(ofCounts: counts) + shares.reduce(0) { $0 + $1 * log($1) }) < 1e-14)
    // Ones: exactly the logarithm of their number.
    #expect(entropy(ofCounts: [Int](repeating: 1, count: 737_280)) == log(737_280.0))
  }
}

@Suite("Weights of minibatch estimators")
struct MinibatchEstimatorWeightsTests {
  @Test(
    "Stratified weights of a row add up to 1, weighted ones are 1/(BN)", arguments: [(2, 2), (3, 10), (64, 737_280)])
  func weights(batch: Int, dataCount: Int) {
    let stratified = MinibatchEstimator.stratified.weights(batch: batch, dataCount: dataCount)
    let sum = stratified.own + stratified.next + Double(batch - 2) * stratified.rest
    // Rounding of three terms, the largest at most 1.
    #expect(abs(sum - 1) < 1e-15 * 4)
    #expect(stratified.own == 1 / Double(dataCount))
    let weighted = MinibatchEstimator.weighted.weights(batch: batch, dataCount: dataCount)
    #expect(weighted.own == weighted.next && weighted.next == weighted.rest)
    #expect(abs(weighted.rest * Double(batch) * Double(dataCount) - 1) < 1e-15 * 4)
  }
}
