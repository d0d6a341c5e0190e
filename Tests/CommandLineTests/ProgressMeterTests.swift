import CommandLine
import Testing

@Suite("Progress meter")
struct ProgressMeterTests {
  @Test("the speed is unknown at first")
  func unknown() {
    var meter = ProgressMeter(total: 10)
    #expect(meter.stepsPerSecond == nil)
    meter.record(step: 0, at: 5)
    #expect(meter.stepsPerSecond == nil)
    #expect(meter.secondsLeft == nil)
    meter.record(step: 3, at: 5)
    #expect(meter.stepsPerSecond == nil)
  }

  @Test("a constant speed is measured exactly")
  func even() {
    var meter = ProgressMeter(total: 1000)
    for second in 0...100 { meter.record(step: 4 * second, at: Double(second)) }
    #expect(meter.stepsPerSecond == 4)
    #expect(meter.secondsLeft == 150)
  }

  @Test("the old speed is forgotten after the window, at any rate of updates", arguments: [1, 100])
  func change(perSecond: Int) throws {
    var meter = ProgressMeter(total: 1_000_000)
    var step = 0
    for tick in 0...(60 * perSecond) {
      meter.record(step: step, at: Double(tick) / Double(perSecond))
      step += tick < 30 * perSecond ? 10 : 20
    }
    let rate = try #require(meter.stepsPerSecond)
    #expect(abs(rate - Double(20 * perSecond)) < 1e-9 * rate)  // rounding of times in hundredths
  }

  @Test("a resumed run counts only its own steps")
  func resumed() {
    var meter = ProgressMeter(total: 600)
    meter.record(step: 500, at: 0)
    meter.record(step: 510, at: 5)
    #expect(meter.stepsPerSecond == 2)
    #expect(meter.secondsLeft == 45)
  }
}
