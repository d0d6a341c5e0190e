import TensorCore
import TestSupport
import Testing

@Suite("General convolutions")
struct ConvolutionTests {
  struct Example: Sendable, CustomTestStringConvertible {
    var geometry: ConvolutionGeometry
    var batch: Int

    init(_ kernel: Int, _ stride: Int, _ padding: Int, _ high: ImageShape, _ lowChannels: Int, batch: Int) {
      geometry = ConvolutionGeometry(
        kernel: kernel, stride: stride, padding: padding, high: high, lowChannels: lowChannels)
      self.batch = batch
    }

    var testDescription: String {
      let g = geometry
      return "\(g.high) to \(g.low), kernel \(g.kernel), stride \(g.stride), padding \(g.padding), batch \(batch)"
    }
  }

  // Few, odd and many channels on both sides; sides that the stride does not divide; strides beyond the kernel, padding
  // beyond it, and no padding; more images than a group, and fewer than threads.
  static let examples = [
    Example(3, 1, 1, ImageShape(height: 8, width: 8, channels: 3), 24, batch: 5),
    Example(3, 1, 1, ImageShape(height: 32, width: 32, channels: 40), 24, batch: 3),
    Example(3, 2, 1, ImageShape(height: 9, width: 12, channels: 21), 35, batch: 4),
    Example(5, 1, 2, ImageShape(height: 11, width: 7, channels: 17), 3, batch: 2),
    Example(5, 2, 0, ImageShape(height: 14, width: 13, channels: 33), 70, batch: 3),
    Example(5, 2, 2, ImageShape(height: 32, width: 32, channels: 1), 20, batch: 50),
    Example(4, 2, 1, ImageShape(height: 16, width: 16, channels: 1), 1, batch: 1),
    Example(4, 2, 1, ImageShape(height: 8, width: 8, channels: 100), 16, batch: 37),
    Example(1, 1, 0, ImageShape(height: 5, width: 5, channels: 13), 64, batch: 9),
    Example(2, 3, 0, ImageShape(height: 11, width: 11, channels: 16), 12, batch: 3),
    Example(2, 3, 2, ImageShape(height: 7, width: 10, channels: 14), 5, batch: 3),
    Example(7, 3, 3, ImageShape(height: 20, width: 17, channels: 2), 9, batch: 2),
    Example(4, 1, 0, ImageShape(height: 4, width: 4, channels: 48), 128, batch: 21),
  ]

  @Test(
    "Every product of a convolution is as its definition in double precision, at every level, on one thread and two",
    arguments: VectorLevel.allCases.filter { $0 <= .best }, examples)
  func products(level: VectorLevel, example: Example) {
    let g = example.geometry, batch = example.batch
    let high = MatrixProductTests.values(batch * g.high.count, "high")
    let low = MatrixProductTests.values(batch * g.low.count, "low")
    let weights = MatrixProductTests.values(g.weightShape.count, "weights")
    func results<Scalar: TensorScalar>(_: Scalar.Type, _ device: Device) -> [[Scalar]] {
      func tensor(_ values: [Float], _ shape: Shape) -> Tensor<Scalar> {
        Tensor(values.map { Scalar($0) }, shape, on: device)
      }
      let high = tensor(high, g.high.batch(batch)), low = tensor(low, g.low.batch(batch))
      let weights = tensor(weights, g.weightShape)
      let correlated = Tensor<Scalar>(repeating: 7, low.shape, on: device)
      let spread = Tensor<Scalar>(repeating: 7, high.shape, on: device)
      let gradient = Tensor<Scalar>(repeating: 7, weights.shape, on: device)
      Tensor.correlate(high: high, weights: weights, g, into: correlated)
      Tensor.spread(low: low, weights: weights, g, into: spread)
      Tensor.weightGradient(high: high, low: low, g, into: gradient, accumulate: false)
      let written = gradient.elements
      Tensor.weightGradient(high: high, low: low, g, into: gradient, accumulate: true)
      return [correlated.elements, spread.elements, written, gradient.elements]
    }
    let expected = results(Double.self, Device(threads: 1))
    for threads in [1, 2] {
      let got = results(Float.self, Device(threads: threads, level: level))
      for (result, expected) in zip(got, expected) {
        // Sums of at most some thousand products: √n units of 2⁻²⁴ relative to the largest result, with room to spare.
        #expect(relativeDifference(result, expected) < 1e-5)
      }
    }
  }
}
