import FactorData
import Foundation
import TensorCore
import Testing

@Suite struct ImageMultiplicitiesTests {
  @Test("The entropy of known multiplicities is right") func entropy() {
    // Probabilities 1/2, 1/4, 1/4: H = 1.5 log 2, to the rounding of a few operations.
    let result = ImageMultiplicities(occurrences: [2, 1, 1])
    #expect(result.count == 4 && result.distinct == 3)
    #expect(abs(result.entropy - 1.5 * log(2.0)) < 1e-14)
    #expect(ImageMultiplicities(occurrences: [5]).entropy.magnitude < 1e-14)
    #expect(ImageMultiplicities(occurrences: [Int](repeating: 1, count: 8)).entropy == log(8.0))
  }

  @Test("Identical images are counted, in any order and on any number of threads", arguments: [1, 3])
  func counted(threads: Int) throws {
    let store = try ImageStore(count: 700, shape: ImageShape(height: 3, width: 5), format: .bits)
    // Image i shows the number i mod 100 in its bits: 100 distinct images, 7 times each.
    for image in 0..<700 { store.rows(at: image)[image % 3] = 0 }
    for image in 0..<700 {
      let number = UInt64(image % 100)
      store.rows(at: image)[0] = number & 31
      store.rows(at: image)[2] = number >> 5
    }
    let result = ImageMultiplicities(of: store, on: Device(threads: threads))
    #expect(result == ImageMultiplicities(occurrences: [Int](repeating: 7, count: 100)))
    #expect(abs(result.entropy - log(100.0)) < 1e-13)
  }
}
