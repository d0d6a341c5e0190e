import TestSupport
import Testing

/// The comparisons that all tests use fail on whatever is no number.
@Suite("Comparisons")
struct ComparisonTests {
  @Test("The worst difference is the largest in magnitude, and infinite where one is not a number, wherever it stands")
  func worstDifference() {
    #expect(worst([]) == 0)
    #expect(worst([1, -3, 2]) == 3)
    for place in 0..<3 {
      var differences = [1.0, 2, 3]
      differences[place] = .nan
      #expect(worst(differences) == .infinity, "nan at \(place)")
      differences[place] = -.infinity
      #expect(worst(differences) == .infinity, "-inf at \(place)")
    }
  }

  @Test("Differences of arrays have their sizes")
  func arrays() {
    #expect(absoluteDifference([1, 2, 5] as [Float], [1, 4, 4] as [Double]) == 2)
    #expect(relativeDifference([1, 2, 5] as [Float], [1, 4, -8] as [Double]) == 13.0 / 8)
    #expect(relativeDifference(1.5, 2.0) == 0.25)
    #expect(absoluteDifference([Float](), [Double]()) == 0 && relativeDifference([0.0], [0.0]) == 0)
    #expect(relativeDifference([1e-300], [0.0]) == .infinity)
  }

  @Test(
    "What is not finite on either side, or missing, is no agreement", arguments: [Double.nan, .infinity, -.infinity])
  func notFinite(value: Double) {
    for place in 0..<3 {
      let sound = [1.0, 2, 3]
      var other = sound
      other[place] = value
      for (a, b) in [(sound, other), (other, sound), (other, other)] {
        #expect(!(absoluteDifference(a, b) < 1e300), "\(a), \(b)")
        #expect(!(relativeDifference(a, b) < 1e300), "\(a), \(b)")
      }
    }
    #expect(relativeDifference(value, value) == .infinity)
    #expect(absoluteDifference([1.0], [1.0, 2]) == .infinity && relativeDifference([1.0, 2], [1.0]) == .infinity)
  }
}
