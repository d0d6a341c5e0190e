/// A profile of training steps: seconds and floating-point operations of each phase, forward and backward.
///
/// A ``Tape`` with a profile attributes its operations, and their pullbacks, to the phase in which they were recorded.
/// Time within a nested phase does not count for the outer one. Without a profile nothing is measured.
public final class StepProfile {
  /// One part of a step.
  public struct Phase: Sendable {
    /// The name.
    public let name: String
    /// Seconds spent computing values.
    public fileprivate(set) var forward = 0.0
    /// Seconds spent computing gradients.
    public fileprivate(set) var backward = 0.0
    /// Floating-point operations of its products and convolutions; a multiply-add counts as two.
    public fileprivate(set) var operations = 0.0

    /// Seconds forward and backward.
    public var seconds: Double { forward + backward }
  }

  /// The phases, in the order in which they were first entered.
  public private(set) var phases: [Phase] = []
  /// The number of measured steps.
  public private(set) var steps = 0

  private let clock = ContinuousClock()
  private var openPhases: [Int] = []
  private var since: ContinuousClock.Instant

  /// An empty profile.
  public init() { since = clock.now }

  /// The index of the phase that is being measured.
  var current: Int? { openPhases.last }
  private var backward: Int?

  /// What is being measured: a phase, its pullback, or nothing.
  public var part: String {
    if let backward { return phases[backward].name + ", backward" }
    return current.map { phases[$0].name } ?? ""
  }

  /// The seconds of all phases.
  public var seconds: Double { phases.reduce(0) { $0 + $1.seconds } }
  /// The floating-point operations of all phases.
  public var operations: Double { phases.reduce(0) { $0 + $1.operations } }

  /// Counts a finished step.
  public func endStep() { steps += 1 }

  /// Measures `body` as part of a phase.
  ///
  /// - Parameters:
  ///   - name: the phase.
  ///   - operations: the floating-point operations of its values and, if they are computed, its gradients.
  ///   - body: what is measured.
  public func measure<R>(_ name: String, operations: Double = 0, _ body: () throws -> R) rethrows -> R {
    chargeElapsedTime()
    let index = phases.firstIndex { $0.name == name } ?? phases.count
    if index == phases.count { phases.append(Phase(name: name)) }
    phases[index].operations += operations
    openPhases.append(index)
    defer {
      chargeElapsedTime()
      openPhases.removeLast()
    }
    return try body()
  }

  /// Attributes the time since the last change of phase to the current phase.
  private func chargeElapsedTime() {
    let now = clock.now
    if let current { phases[current].forward += (now - since) / .seconds(1) }
    since = now
  }

  /// Measures a pullback as part of the phase that recorded it.
  func measureBackward<R>(_ phase: Int?, _ body: () throws -> R) rethrows -> R {
    guard let phase else { return try body() }
    chargeElapsedTime()
    backward = phase
    defer {
      backward = nil
      let now = clock.now
      phases[phase].backward += (now - since) / .seconds(1)
      since = now
    }
    return try body()
  }
}

extension Tape {
  /// Runs `body`; measures it as a phase if there is a profile.
  public func phase<R>(_ name: String, operations: Double = 0, _ body: () throws -> R) rethrows -> R {
    guard let profile else { return try body() }
    return try profile.measure(name, operations: operations, body)
  }
}

extension StepProfile: CustomStringConvertible {
  /// A table of the phases.
  public var description: String { table(peak: nil) }

  /// A table of the phases: milliseconds per step forward and backward, percentage of the total, GFLOP/s and, if a peak
  /// in floating-point operations per second is given, the percentage of it.
  public func table(peak: Double?) -> String {
    func row(_ cells: [String]) -> String {
      cells.enumerated().map { i, cell in
        let blanks = String(repeating: " ", count: max(0, (i == 0 ? 36 : 10) - cell.count))
        return i == 0 ? cell + blanks : blanks + cell
      }.joined()
    }
    func number(_ value: Double) -> String { "\((value * 100).rounded() / 100)" }
    func line(_ name: String, _ forward: Double, _ backward: Double, _ operations: Double) -> String {
      let total = forward + backward, scale = 1000 / Double(max(steps, 1))
      var cells = [name, number(forward * scale), number(backward * scale), number(100 * total / max(seconds, 1e-12))]
      if operations > 0 {
        cells.append(number(operations / total * 1e-9))
        if let peak { cells.append(number(100 * operations / total / peak)) }
      }
      return row(cells)
    }
    var lines = [row(["phase", "ms fwd", "ms bwd", "%", "GFLOP/s"] + (peak == nil ? [] : ["% peak"]))]
    lines += phases.map { line($0.name, $0.forward, $0.backward, $0.operations) }
    lines.append(
      line("step", phases.reduce(0) { $0 + $1.forward }, phases.reduce(0) { $0 + $1.backward }, operations))
    return lines.joined(separator: "\n")
  }
}
