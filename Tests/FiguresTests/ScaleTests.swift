import Diagnostics
import Figures
import Foundation
import Testing

@Suite("Scales and numbers")
struct ScaleTests {
  @Test("ticks are round, within the values' range, and between four and nine")
  func linearTicks() {
    for (low, high) in [(0.0, 11.3), (-134.2, -131.4), (1e-4, 3e-4), (0, 1e6), (-5, 5)] {
      let scale = Scale(covering: [low, high], from: 100, to: 0)
      let ticks = scale.ticks()
      #expect(scale.domain.lowerBound <= low && scale.domain.upperBound >= high)
      #expect((3...10).contains(ticks.count), "\(ticks)")
      #expect(Set(ticks.map(\.label)).count == ticks.count, "\(ticks)")
      #expect(ticks.allSatisfy { scale.domain.contains($0.value) })
    }
  }

  @Test("places follow values from end to end, and stay within the frame")
  func places() {
    let linear = Scale(.linear, 0...10, from: 100, to: 0)
    #expect(linear(0) == 100 && linear(10) == 0 && linear(5) == 50 && linear(99) == 0)
    let logarithmic = Scale(.logarithmic, 1...1000, from: 0, to: 3)
    // Rounding of a logarithm.
    #expect(abs(logarithmic(10) - 1) < 1e-12)
    #expect(logarithmic.ticks().map(\.label) == ["1", "10", "100", "1k"])
    #expect(Scale(.logarithmic, 2.4...8.75, from: 0, to: 1).ticks().map(\.label) == ["5"])
    #expect(Scale(.logarithmic, 30...600, from: 0, to: 1).ticks().map(\.label) == ["50", "100", "200", "500"])
    let both = Scale(.symmetricLogarithmic(threshold: 1), -100...100, from: 0, to: 6)
    #expect(abs(both(0) - 3) < 1e-12 && abs(both(-10) - 1) < 1e-12 && abs(both(1) - 4) < 1e-12)
    #expect(both.ticks().map(\.label) == ["−100", "−10", "−1", "0", "1", "10", "100"])
  }

  @Test("scales of nothing, of one value and of no numbers are still scales")
  func degenerate() {
    for values in [[], [7.0], [0], [.nan], [.infinity, 3]] {
      let scale = Scale(covering: values, from: 0, to: 1)
      #expect(scale.domain.upperBound > scale.domain.lowerBound)
      #expect(scale.ticks().count > 1)
      #expect(scale(scale.domain.lowerBound) == 0)
    }
  }

  @Test("numbers have a true minus sign, and none before zero")
  func numbers() {
    #expect(Format.number(-1.25) == "−1.2500" && Format.number(-0.0) == "0.0000")
    #expect(Format.number(0.00001234) == "1.23e-05")
    #expect(Format.decimals(-0.001, 2) == "0.00" && Format.signed(0.5) == "+0.5000")
    #expect(Format.count(500) == "500" && Format.count(1_500) == "1.5k" && Format.count(2e6) == "2M")
    #expect(Format.grouped(737_280) == "737,280" && Format.grouped(-1_000) == "−1,000" && Format.grouped(7) == "7")
    #expect([-2, -1.5, -0.001, 0, 0.333, 10].map { Format.value($0) } == ["−2", "−1.5", "0", "0", "0.33", "10"])
  }
}
