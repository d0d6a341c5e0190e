import StrictConfiguration
import Testing

@Suite("Schedules")
struct ScheduleTests {
  @Test("a constant has the same value at every step")
  func constant() {
    let schedule: Schedule = 6
    #expect([0, 1, 1_000_000].map(schedule.value(at:)) == [6, 6, 6])
    #expect(schedule.description == "6")
  }

  @Test("a warm-up is exact at its start, at its midpoint and at its end")
  func linear() {
    let schedule = Schedule.linear(from: 1, to: 0.1, steps: 10)
    #expect(schedule.value(at: 0) == 1)
    #expect(abs(schedule.value(at: 5) - 0.55) < 1e-15)  // one rounding of a number near 1
    #expect(schedule.value(at: 10) == 0.1)
    #expect(schedule.value(at: 11) == 0.1)
    #expect(schedule.final == 0.1)
    #expect(schedule.description == "1 → 0.1 over 10 steps")
  }
}
