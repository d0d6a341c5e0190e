import TensorCore

/// How an array of parameters is laid out in memory here, and in PyTorch's convention, which files use.
///
/// Here images are `[height, width, channels]` and matrices `[inputs, outputs]`; there images are
/// `[channels, height, width]` and matrices `[outputs, inputs]`.
public enum ParameterLayout: Sendable, Equatable {
  /// A matrix `[inputs, outputs]`, its rows or columns being the pixels of an image where one is given.
  case matrix(inputs: Int, outputs: Int, inputImage: ImageShape?, outputImage: ImageShape?)
  /// Convolution weights `[K·K·high, low]`; PyTorch's are `[low, high, K, K]`, transposed convolutions likewise.
  case convolution(kernel: Int, high: Int, low: Int)
  /// A vector, its elements being the pixels of an image where one is given.
  case vector(count: Int, image: ImageShape?)

  /// The extents in PyTorch's convention.
  public var portableShape: [Int] {
    switch self {
    case .matrix(let inputs, let outputs, _, _): [outputs, inputs]
    case .convolution(let kernel, let high, let low): [low, high, kernel, kernel]
    case .vector(let count, _): [count]
    }
  }

  /// For each element in PyTorch's order, its place in ours.
  private var places: [Int] {
    switch self {
    case .matrix(let inputs, let outputs, let inputImage, let outputImage):
      let columns = Self.pixelOrder(inputs, inputImage), rows = Self.pixelOrder(outputs, outputImage)
      return rows.flatMap { o in columns.map { i in i * outputs + o } }
    case .convolution(let kernel, let high, let low):
      return (0..<low).flatMap { l in
        (0..<high).flatMap { h in (0..<kernel * kernel).map { tap in (tap * high + h) * low + l } }
      }
    case .vector(let count, let image):
      return Self.pixelOrder(count, image)
    }
  }

  private static func pixelOrder(_ count: Int, _ image: ImageShape?) -> [Int] {
    guard let image else { return Array(0..<count) }
    return (0..<image.channels).flatMap { c in
      (0..<image.height * image.width).map { pixel in pixel * image.channels + c }
    }
  }

  /// The elements in PyTorch's order.
  public func portable(_ elements: [Float]) -> [Float] {
    let places = places
    requireFit(elements.count == places.count, "portable", "\(elements.count) elements do not fill \(portableShape)")
    return places.map { elements[$0] }
  }

  /// The elements in our order, from PyTorch's.
  public func native(_ elements: [Float]) -> [Float] {
    let places = places
    requireFit(elements.count == places.count, "native", "\(elements.count) elements do not fill \(portableShape)")
    var result = elements
    for (portable, place) in places.enumerated() { result[place] = elements[portable] }
    return result
  }
}
