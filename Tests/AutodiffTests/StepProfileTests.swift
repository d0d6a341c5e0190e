import Autodiff
import TensorCore
import Testing

@Suite("Step profiles")
struct StepProfileTests {
  @Test("Phases keep their order and sum their operations, and nested phases are measured separately")
  func phases() {
    let profile = StepProfile()
    for _ in 0..<2 {
      profile.measure("outer", operations: 10) {
        profile.measure("inner", operations: 5) {}
      }
      profile.endStep()
    }
    #expect(profile.phases.map(\.name) == ["outer", "inner"])
    #expect(profile.phases.map(\.operations) == [20, 10])
    #expect(profile.steps == 2)
    #expect(profile.operations == 30)
    // Nothing was computed backward, and a phase without a stated number of operations has none.
    profile.measure("plain") {}
    #expect(profile.phases.map(\.backward) == [0, 0, 0] && profile.phases[2].operations == 0)
    #expect(abs(profile.seconds - profile.phases.reduce(0) { $0 + $1.forward }) <= 1e-12 * profile.seconds)
  }

  @Test("A pullback is attributed to the phase that recorded it")
  func backward() throws {
    let device = Device(threads: 1), profile = StepProfile()
    let tape = Tape<Double>(on: device, profile: profile)
    let x = tape.track(Tensor(scalar: 3, on: device))
    let y = tape.phase("squares") { x.squared() }
    let gradients = try tape.backward(from: y)
    #expect(gradients[x].scalar == 6)
    #expect(profile.phases.map(\.name) == ["squares"])
    #expect(profile.phases[0].backward > 0)
  }

  @Test("Rows of a network are charged with two operations a weight")
  func networkRows() {
    let device = Device(threads: 1), profile = StepProfile()
    let layers = [(4, 5, Activation.tanh), (5, 2, .identity)].map { inputs, outputs, activation in
      LogitDifference<Float>.Layer(
        weights: Tensor(repeating: 0.1, [inputs, outputs], on: device),
        bias: Tensor(repeating: 0, [outputs], on: device), activation: activation)
    }
    let difference = LogitDifference(layers, capacity: 3, on: device)
    difference.append(Tensor(repeating: 1, [3, 4], on: device), profile: profile)
    #expect(profile.operations == 2 * 3 * (4 * 5 + 5 * 2))
  }

  @Test("Without a profile, a phase only runs its body")
  func without() {
    let tape = Tape<Float>(on: Device(threads: 1))
    #expect(tape.phase("anything", operations: 1) { 42 } == 42)
    #expect(tape.profile == nil)
  }

  @Test("The table lists every phase and the whole step")
  func table() {
    let profile = StepProfile()
    profile.measure("decoder", operations: 100) { _ = profile.seconds }
    profile.endStep()
    let lines = profile.table(peak: 1e12).split(separator: "\n")
    #expect(lines.count == 3)
    #expect(lines[0].hasSuffix("% peak"))
    #expect(lines[1].hasPrefix("decoder"))
    #expect(lines[2].hasPrefix("step"))
    // A column of 36 characters and five of at least 10, each with its unit.
    #expect(lines[0] == "phase" + String(repeating: " ", count: 35) + "ms fwd    ms bwd         %   GFLOP/s    % peak")
    for line in lines.dropFirst() {
      let name = line.prefix { $0 != " " }
      #expect(line.dropFirst(name.count).prefix(36 - name.count).allSatisfy { $0 == " " } && line.count >= 86)
      #expect(line.split(separator: " ").count == 6)
    }
    // All of the time is the only phase's; the rate and its percentage of the peak are of the same operations.
    let cells = lines[1].split(separator: " ").map { Double($0) ?? .nan }
    #expect(cells[2] == 0 && cells[3] == 100 && lines[1].dropFirst(36) == lines[2].dropFirst(36))
  }

  @Test("The table's last line has the time backward, too")
  func backwardTotal() throws {
    let device = Device(threads: 1), profile = StepProfile()
    let tape = Tape<Double>(on: device, profile: profile)
    let x = tape.track(Tensor(repeating: 3, [200, 200], on: device))
    _ = try tape.backward(from: tape.phase("product") { x.times(x).sum() })
    profile.endStep()
    let line = try #require(profile.table(peak: nil).split(separator: "\n").last)
    let backward = try #require(Double(line.split(separator: " ")[2]))
    // Milliseconds with two decimals.
    #expect(backward > 0 && abs(backward - 1000 * profile.phases.reduce(0) { $0 + $1.backward }) < 0.006)
  }
}
