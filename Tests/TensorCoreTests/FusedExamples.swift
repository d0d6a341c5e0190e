import TensorCore
import TestSupport
import Testing

/// The stacks of the architectures and a few more that the planner accepts.
enum FusedExample: String, CaseIterable, CustomTestStringConvertible {
  case burgessEncoder, burgessDecoder, locatelloEncoder, locatelloDecoder
  /// Sizes that are no power of two, height unlike width, kernels mixed, an image of odd size for kernel 2.
  case unevenEncoder, unevenDecoder
  /// Kernel 4 down to odd sides, which Winograd's tiles of 2 × 2 pixels do not cover, over sides with an odd number of tiles.
  case oddEncoder, oddDecoder

  var testDescription: String { rawValue }

  func layers(channels: Int) -> [ConvolutionLayer] {
    switch self {
    case .burgessEncoder:
      Self.stack((64, 64), [channels, 32, 32, 32, 32], kernels: [4, 4, 4, 4], transposed: false)
    case .burgessDecoder:
      Self.stack((4, 4), [32, 32, 32, 32, channels], kernels: [4, 4, 4, 4], transposed: true)
    case .locatelloEncoder:
      Self.stack((64, 64), [channels, 32, 32, 64, 64], kernels: [4, 4, 2, 2], transposed: false)
    case .locatelloDecoder:
      Self.stack((4, 4), [64, 64, 32, 32, channels], kernels: [4, 4, 4, 4], transposed: true)
    case .unevenEncoder:
      Self.stack((24, 56), [channels, 32, 96, 64], kernels: [2, 4, 2], transposed: false)
    case .unevenDecoder:
      Self.stack((3, 7), [64, 96, 32, channels], kernels: [2, 4, 2], transposed: true)
    case .oddEncoder:
      Self.stack((56, 40), [channels, 32, 32, 64], kernels: [4, 4, 4], transposed: false)
    case .oddDecoder:
      Self.stack((7, 5), [64, 32, 32, channels], kernels: [4, 4, 4], transposed: true)
    }
  }

  /// A decoder's last layer is linear, every other layer has a ReLU.
  private static func stack(
    _ size: (Int, Int), _ channels: [Int], kernels: [Int], transposed: Bool
  ) -> [ConvolutionLayer] {
    var image = ImageShape(height: size.0, width: size.1, channels: channels[0])
    return kernels.indices.map { i in
      let layer = ConvolutionLayer(
        from: image, channels: channels[i + 1], kernel: kernels[i], stride: 2, padding: kernels[i] == 4 ? 1 : 0,
        transposed: transposed, activation: transposed && i == kernels.count - 1 ? .identity : .relu)
      image = layer.output
      return layer
    }
  }
}

/// A plain array that keeps its address, full of NaN until written.
final class Floats {
  let pointer: UnsafeMutablePointer<Float>
  let count: Int

  init(_ values: [Float]) {
    count = values.count
    pointer = .allocate(capacity: count)
    pointer.initialize(from: values, count: count)
  }

  convenience init(count: Int) { self.init([Float](repeating: .nan, count: count)) }

  deinit { pointer.deallocate() }

  var values: [Float] { Array(UnsafeBufferPointer(start: pointer, count: count)) }
  var constant: UnsafePointer<Float> { UnsafePointer(pointer) }
}

/// Numbers in −1 ..< 1 with a known seed.
func uniform(_ count: Int, seed: UInt64) -> [Float] {
  // A linear congruential generator (Knuth's MMIX constants); the high bits are good enough for test data.
  var state = seed &* 0x9e37_79b9_7f4a_7c15 &+ 1
  return (0..<count).map { _ in
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Float(Int32(truncatingIfNeeded: state >> 32)) / 2_147_483_648
  }
}

/// A stack's parameters, inputs and gradients, ready to be handed to the fused path.
final class FusedProblem {
  let layers: [ConvolutionLayer]
  let weights: [Floats]
  let biases: [Floats]
  let input: Floats
  let batch: Int

  /// Weights of a size that keeps activations near 1 from layer to layer.
  init(_ layers: [ConvolutionLayer], batch: Int, seed: UInt64 = 1) {
    self.layers = layers
    self.batch = batch
    weights = layers.enumerated().map { i, layer in
      let fan = Float(layer.weightCount / layer.output.channels) / (layer.transposed ? 4 : 1)
      return Floats(uniform(layer.weightCount, seed: seed + 10 + UInt64(i)).map { $0 * (6 / fan).squareRoot() })
    }
    biases = layers.enumerated().map { i, layer in
      Floats(uniform(layer.output.channels, seed: seed + 20 + UInt64(i)).map { $0 * 0.1 })
    }
    input = Floats(uniform(batch * layers[0].input.count, seed: seed))
  }

  var outputCount: Int { layers[layers.count - 1].output.count }
  var parameters: FusedParameters {
    FusedParameters(weights: weights.map(\.constant), biases: biases.map(\.constant))
  }
  var reference: FusedReference {
    FusedReference(layers: layers, weights: weights.map(\.values), biases: biases.map(\.values))
  }

  func image(_ b: Int) -> [Float] {
    let count = layers[0].input.count
    return Array(input.values[b * count..<(b + 1) * count])
  }
}

/// Gradient arrays of a stack.
final class FusedGradientArrays {
  let weights: [Floats]
  let biases: [Floats]

  init(_ layers: [ConvolutionLayer], filledWith value: Float = .nan) {
    weights = layers.map { Floats([Float](repeating: value, count: $0.weightCount)) }
    biases = layers.map { Floats([Float](repeating: value, count: $0.output.channels)) }
  }

  func target(accumulate: Bool = false) -> FusedParameterGradients {
    FusedParameterGradients(
      weights: weights.map(\.pointer), biases: biases.map(\.pointer), accumulate: accumulate)
  }

  var values: [[Float]] { weights.map(\.values) + biases.map(\.values) }
}

/// Every instruction level of this machine, alone and with a second thread.
var devices: [Device] {
  VectorLevel.allCases.filter { $0 <= .best }.flatMap { level in
    [1, 2].map { Device(threads: $0, level: level) }
  }
}

/// Expects max|got − want| ≤ tolerance · max|want|.
///
/// 1e-5 is what sums of up to 10⁵ float products of random sign leave room for; a wrong tap, gate or border is off by 1e-2
/// and more.
func expectClose(
  _ got: [Float], _ want: [Double], tolerance: Double = 1e-5, leastScale: Double = 0, _ label: String,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(got.count == want.count, "\(label): count", sourceLocation: sourceLocation)
  let scale = max(leastScale, worst(want)), difference = absoluteDifference(got, want)
  #expect(scale.isFinite, "\(label): the reference", sourceLocation: sourceLocation)
  #expect(
    difference <= tolerance * scale, "\(label): off by \(difference / scale) of the largest",
    sourceLocation: sourceLocation)
}

/// Expects the same bits; says how many differ rather than print thousands of numbers.
func expectSame(_ a: [Float], _ b: [Float], _ label: String, sourceLocation: SourceLocation = #_sourceLocation) {
  let different = zip(a, b).filter { $0.bitPattern != $1.bitPattern }.count
  #expect(a.count == b.count && different == 0, "\(label): \(different) differ", sourceLocation: sourceLocation)
}
