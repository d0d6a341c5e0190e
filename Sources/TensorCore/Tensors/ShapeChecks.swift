/// Stops the program if the operands of an operation do not fit: a mistake of the caller, in every build.
///
/// `precondition` keeps its message to itself in optimised builds; this one says which operation it was and the shapes that
/// it was given.
///
/// - Parameters:
///   - condition: whether they fit.
///   - operation: what the caller knows it by: `times`.
///   - problem: the shapes and what is wrong with them.
@inline(__always)
package func requireFit(
  _ condition: Bool, _ operation: StaticString, _ problem: @autoclosure () -> String, file: StaticString = #fileID,
  line: UInt = #line
) {
  if !condition { fatalError("\(operation): \(problem())", file: file, line: line) }
}

extension Tensor {
  /// Stops the program unless the tensor has this number of axes, called `form` in the message: "a matrix [M, K]".
  @inline(__always)
  package func requireRank(_ rank: Int, _ operation: StaticString, _ form: StaticString) {
    requireFit(shape.rank == rank, operation, "the shape is \(shape), expected \(form)")
  }
}

extension Shape {
  /// Stops the program unless there is such an axis; negative ones count from the last.
  @inline(__always)
  package func requireAxis(_ axis: Int, _ operation: StaticString) {
    requireFit(-rank..<rank ~= axis, operation, "\(self) has no axis \(axis)")
  }
}
