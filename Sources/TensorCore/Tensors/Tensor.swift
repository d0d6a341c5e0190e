import Diagnostics

/// Memory of one device, released to its pool when the last tensor that uses it is destroyed.
package final class Storage<Scalar: TensorScalar> {
  package let pointer: UnsafeMutablePointer<Scalar>
  package let count: Int
  package let device: Device

  package init(count: Int, on device: Device) {
    self.count = count
    self.device = device
    let (bytes, overflows) = count.multipliedReportingOverflow(by: MemoryLayout<Scalar>.stride)
    requireFit(!overflows, "Tensor", "\(count) elements are more than any memory")
    let raw = device.pool.allocate(bytes: bytes)
    pointer = raw.bindMemory(to: Scalar.self, capacity: count)
  }

  deinit { device.pool.release(pointer, bytes: count * MemoryLayout<Scalar>.stride) }
}

/// A contiguous row-major array of `Float` or `Double` on a device.
///
/// Tensors share memory when copied, reshaped or sliced. Of the public operations only `fill`, `copy(from:)` and
/// `withMutableElements` write to a tensor; nothing else may access its memory at the same time.
///
/// A tensor is not Sendable: its memory is shared and can be written to, so that handing it to another thread would be a
/// data race as soon as one of them writes. Operations hand parts of it to the threads of their device, and wait for them.
public struct Tensor<Scalar: TensorScalar> {
  /// The extents.
  public let shape: Shape
  package var storage: Storage<Scalar>
  package let offset: Int

  /// The number of elements.
  public var count: Int { shape.count }
  /// The device that holds the elements and runs the operations.
  public var device: Device { storage.device }
  package var pointer: UnsafeMutablePointer<Scalar> { storage.pointer + offset }

  /// A tensor with uninitialised elements.
  package init(uninitialized shape: Shape, on device: Device) {
    self.shape = shape
    storage = Storage(count: shape.count, on: device)
    offset = 0
  }

  /// A view of part of another tensor's memory.
  package init(viewing base: Tensor, offset: Int, shape: Shape) {
    requireFit(
      offset >= 0 && saturatingSum(base.offset, offset, shape.count) <= base.storage.count, "view",
      "\(shape) at \(offset) of \(base.shape) exceeds its memory")
    self.shape = shape
    storage = base.storage
    self.offset = base.offset + offset
  }

  /// A tensor filled with one value.
  public init(repeating value: Scalar, _ shape: Shape, on device: Device) {
    self.init(uninitialized: shape, on: device)
    fill(value)
  }

  /// A tensor with the given elements, in row-major order.
  ///
  /// - Precondition: the number of elements is that of the shape.
  public init(_ elements: [Scalar], _ shape: Shape, on device: Device) {
    requireFit(elements.count == shape.count, "Tensor", "\(elements.count) elements do not fill \(shape)")
    self.init(uninitialized: shape, on: device)
    elements.withUnsafeBufferPointer { if let base = $0.baseAddress { pointer.update(from: base, count: $0.count) } }
  }

  /// A scalar, of shape [].
  public init(scalar value: Scalar, on device: Device) { self.init(repeating: value, [], on: device) }

  /// A copy of the elements.
  public var elements: [Scalar] { Array(UnsafeBufferPointer(start: pointer, count: count)) }

  /// The value of a tensor with one element.
  public var scalar: Scalar {
    requireFit(count == 1, "scalar", "\(shape) is not one value")
    return pointer[0]
  }

  /// Reads the elements in place.
  public func withElements<R, E>(_ body: (UnsafeBufferPointer<Scalar>) throws(E) -> R) throws(E) -> R {
    try body(UnsafeBufferPointer(start: pointer, count: count))
  }

  /// Writes the elements in place; the change is visible to all tensors that share this memory.
  public func withMutableElements<R, E>(_ body: (UnsafeMutableBufferPointer<Scalar>) throws(E) -> R) throws(E) -> R {
    try body(UnsafeMutableBufferPointer(start: pointer, count: count))
  }

  /// Writes one value to all elements.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func fill(_ value: Scalar) { pointer.update(repeating: value, count: count) }

  /// Overwrites the elements with another tensor's, of the same count.
  public func copy(from other: Tensor) {
    requireFit(count == other.count, "copy", "\(other.shape) does not fill \(shape)")
    pointer.update(from: other.pointer, count: count)
  }

  /// The same elements in another shape; memory is shared.
  public func reshaped(_ shape: Shape) -> Tensor {
    requireFit(
      shape.count == count, "reshaped", "\(self.shape) and \(shape) differ in their numbers of elements")
    return Tensor(viewing: self, offset: 0, shape: shape)
  }

  /// Rows `range` of the first axis; memory is shared.
  public func rows(_ range: Range<Int>) -> Tensor {
    shape.requireAxis(0, "rows")
    requireFit(
      range.lowerBound >= 0 && range.upperBound <= shape[0], "rows", "\(shape) has no rows \(range)")
    let stride = count / max(shape[0], 1)
    return Tensor(
      viewing: self, offset: range.lowerBound * stride, shape: Shape([range.count] + shape.dimensions.dropFirst()))
  }
}
