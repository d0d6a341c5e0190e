import TensorCore

/// Records operations on ``Variable``s for reverse-mode differentiation; used for one training step.
///
/// An operation is recorded only if one of its inputs is tracked, so a model whose parameters are constants is
/// evaluated by the same code without recording anything.
public final class Tape<Scalar: TensorScalar> {
  /// The pullback of an operation: given the gradient of its value, adds to the gradients of its inputs.
  public typealias Pullback = (_ gradient: Tensor<Scalar>, _ gradients: inout Gradients<Scalar>) throws -> Void

  /// Updates a parameter from its gradient aᵀ·b at once, or returns false and does nothing.
  public typealias Update = (_ a: Tensor<Scalar>, _ b: Tensor<Scalar>) -> Bool

  struct Node {
    let shape: Shape
    var pullback: Pullback?
    /// The tensor that receives the gradient of a parameter; nil for a new tensor.
    let destination: Tensor<Scalar>?
    /// What can take the place of computing the gradient of a parameter that one operation uses.
    var update: Update?
    /// The operations that use it.
    var uses = 0
    /// The phase of the profile that recorded it, if there is a profile.
    var phase: Int?
  }

  /// The device of this tape's tensors.
  public let device: Device
  /// The profile that measures the step, if any.
  public let profile: StepProfile?
  var nodes: [Node] = []

  /// An empty tape.
  public init(on device: Device, profile: StepProfile? = nil) { (self.device, self.profile) = (device, profile) }

  /// A tracked input. ``backward(from:)`` returns its gradient, or writes it to `destination`.
  ///
  /// - Parameters:
  ///   - value: the value.
  ///   - destination: a tensor of the same shape that receives the gradient.
  ///   - update: called at most once, when the backward pass needs the value no longer, if a single operation uses it; if it
  ///     returns true, nothing is written to the destination.
  @specialized(where Scalar == Float)
  public func track(
    _ value: Tensor<Scalar>, gradientInto destination: Tensor<Scalar>? = nil, updatedBy update: Update? = nil
  ) -> Variable<Scalar> {
    requireFit(
      destination.map { $0.shape == value.shape } ?? true, "track",
      "a gradient of shape \(destination?.shape ?? []) for a value of shape \(value.shape)")
    nodes.append(Node(shape: value.shape, pullback: nil, destination: destination, update: update))
    return Variable(value: value, tape: self, node: nodes.count - 1)
  }

  /// Computes the gradients of `loss` with respect to all tracked inputs, and discards the recorded operations.
  ///
  /// Buffers are released as soon as the reverse pass no longer needs them. A tape runs backward once.
  ///
  /// - Parameter loss: a variable of one element, computed from variables of this tape.
  /// - Returns: the gradients of tracked inputs without a destination.
  /// - Throws: the error of the first pullback that throws.
  @discardableResult
  public func backward(from loss: Variable<Scalar>) throws -> Gradients<Scalar> {
    var gradients = Gradients(for: self)
    guard let last = loss.node else { return gradients }
    requireFit(loss.value.count == 1, "backward", "the loss must have one element, not shape \(loss.shape)")
    gradients.add(Tensor(repeating: 1, loss.shape, on: device), to: loss)
    for index in stride(from: last, through: 0, by: -1) {
      guard let pullback = nodes[index].pullback else { continue }
      nodes[index].pullback = nil
      guard let gradient = gradients.take(index) else { continue }
      guard let profile else {
        try pullback(gradient, &gradients)
        continue
      }
      try profile.measureBackward(nodes[index].phase) { try pullback(gradient, &gradients) }
    }
    gradients.zeroUnreachedDestinations()
    nodes.removeAll()
    return gradients
  }
}

/// A tensor that may depend on tracked inputs.
public struct Variable<Scalar: TensorScalar> {
  /// The value.
  public let value: Tensor<Scalar>
  let tape: Tape<Scalar>?
  let node: Int?

  init(value: Tensor<Scalar>, tape: Tape<Scalar>?, node: Int?) {
    (self.value, self.tape, self.node) = (value, tape, node)
  }

  /// A constant, which has no gradient.
  public init(_ value: Tensor<Scalar>) { self.init(value: value, tape: nil, node: nil) }

  /// The extents of the value.
  public var shape: Shape { value.shape }
  /// Whether the variable has a gradient.
  public var isTracked: Bool { node != nil }
  /// The same value as a constant.
  public var detached: Variable {
    // An operation that uses it needs the value until the backward pass is over.
    countUse()
    return Variable(value)
  }

  /// Counts an operation that uses the variable; after the backward pass there is nothing left to count.
  private func countUse() {
    if let tape, let node, node < tape.nodes.count { tape.nodes[node].uses += 1 }
  }
  /// The value of a variable with one element.
  public var scalar: Scalar { value.scalar }

  /// The result of an operation on `inputs`: recorded if any of them is tracked.
  ///
  /// All operations are defined by this function. The pullback should skip inputs that are not tracked if their
  /// gradients are expensive.
  @specialized(where Scalar == Float)
  public static func recording(
    _ value: Tensor<Scalar>, from inputs: [Variable], _ pullback: @escaping Tape<Scalar>.Pullback
  ) -> Variable {
    // A chain of collection algorithms takes longer here than the small operations themselves.
    var common: Tape<Scalar>?
    for input in inputs {
      guard let tape = input.tape else { continue }
      requireFit(
        common == nil || common === tape, "recording",
        "the operands, of shapes \(inputs.map(\.shape)), belong to different tapes")
      common = tape
    }
    guard let tape = common else { return Variable(value) }
    for input in inputs { input.countUse() }
    tape.nodes.append(.init(shape: value.shape, pullback: pullback, destination: nil, phase: tape.profile?.current))
    return Variable(value: value, tape: tape, node: tape.nodes.count - 1)
  }
}

/// The gradients accumulated so far in a reverse pass.
public struct Gradients<Scalar: TensorScalar> {
  private var tensors: [Tensor<Scalar>?]
  private var written: [Bool]
  private let tape: Tape<Scalar>

  init(for tape: Tape<Scalar>) {
    self.tape = tape
    tensors = Array(repeating: nil, count: tape.nodes.count)
    written = Array(repeating: false, count: tape.nodes.count)
  }

  /// The gradient of a tracked input; zero if the loss does not depend on it.
  ///
  /// - Precondition: the variable was made by `track` without a destination on the tape that ran backward.
  public subscript(_ variable: Variable<Scalar>) -> Tensor<Scalar> {
    guard let node = variable.node, variable.tape === tape else {
      fatalError("gradients: the variable of shape \(variable.shape) is not tracked by this tape")
    }
    return tensors[node] ?? Tensor(repeating: 0, variable.shape, on: variable.value.device)
  }

  /// Adds a gradient to that of a variable. The tensor may be kept, so it must not be written to afterwards.
  public mutating func add(_ gradient: Tensor<Scalar>, to variable: Variable<Scalar>) {
    guard let node = variable.node else { return }
    let shape = tape.nodes[node].shape
    requireFit(gradient.count == shape.count, "add", "a gradient of shape \(gradient.shape) for \(shape)")
    if let destination = tape.nodes[node].destination {
      if written[node] { destination.add(gradient) } else { destination.copy(from: gradient) }
      written[node] = true
    } else if var sum = tensors[node] {
      tensors[node] = nil  // so that `sum` holds the only reference unless the tensor is shared
      if isKnownUniquelyReferenced(&sum.storage) { sum.add(gradient) } else { sum = sum.combined(.add, gradient) }
      tensors[node] = sum
    } else {
      tensors[node] = gradient
    }
  }

  /// Lets `body` write a variable's gradient in place, or add to it if there already is one.
  public mutating func write(
    to variable: Variable<Scalar>, _ body: (_ gradient: Tensor<Scalar>, _ accumulate: Bool) throws -> Void
  ) rethrows {
    guard let node = variable.node else { return }
    if let destination = tape.nodes[node].destination {
      try body(destination, written[node])
      written[node] = true
    } else {
      let gradient = Tensor<Scalar>(uninitialized: tape.nodes[node].shape, on: variable.value.device)
      try body(gradient, false)
      add(gradient, to: variable)
    }
  }

  /// Writes the gradient aᵀ·b of weights, or adds it to what there is; where the weights can be updated from it at once, they
  /// are. A pullback calls this when it needs their value no longer.
  mutating func writeProduct(_ a: Tensor<Scalar>, _ b: Tensor<Scalar>, to weights: Variable<Scalar>) {
    guard let node = weights.node else { return }
    // The gradient of weights that are used twice is a sum.
    if tape.nodes[node].uses == 1, let update = tape.nodes[node].update, update(a, b) {
      written[node] = true
      return
    }
    write(to: weights) { Tensor.multiply(a, transposeA: true, b, into: $0, accumulate: $1) }
  }

  mutating func take(_ node: Int) -> Tensor<Scalar>? {
    defer { tensors[node] = nil }
    return tensors[node]
  }

  /// Sets the gradients of parameters that the loss does not depend on to 0.
  func zeroUnreachedDestinations() {
    for node in written.indices where !written[node] { tape.nodes[node].destination?.fill(0) }
  }
}
