import TestSupport
import Testing

@testable import TensorCore

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
  static let examples =
    [
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
    ] + tiled

  // In tiles: one to three taps along an axis, sums of several groups of taps, odd and single rows and columns of outputs,
  // phases of different extents, blocks of several images and of parts of one, and padding on either side of the kernel.
  static let tiled = [
    Example(3, 1, 1, ImageShape(height: 8, width: 8, channels: 16), 20, batch: 37),
    Example(3, 1, 2, ImageShape(height: 5, width: 9, channels: 19), 40, batch: 3),
    Example(3, 1, 0, ImageShape(height: 8, width: 7, channels: 33), 17, batch: 4),
    Example(3, 2, 1, ImageShape(height: 22, width: 15, channels: 64), 48, batch: 2),
    Example(4, 2, 1, ImageShape(height: 32, width: 32, channels: 20), 28, batch: 5),
    Example(4, 2, 0, ImageShape(height: 16, width: 18, channels: 24), 32, batch: 3),
    Example(5, 1, 2, ImageShape(height: 9, width: 6, channels: 20), 18, batch: 3),
    Example(5, 2, 2, ImageShape(height: 17, width: 12, channels: 24), 40, batch: 2),
    Example(6, 2, 1, ImageShape(height: 13, width: 14, channels: 18), 24, batch: 3),
    Example(7, 2, 3, ImageShape(height: 16, width: 16, channels: 17), 16, batch: 2),
    Example(7, 3, 1, ImageShape(height: 23, width: 20, channels: 30), 32, batch: 2),
    Example(3, 1, 1, ImageShape(height: 64, width: 64, channels: 32), 32, batch: 1),
  ]

  @Test("The examples of tiles are taken in tiles", arguments: tiled)
  func takesTiles(example: Example) {
    let low = TilePlan(example.geometry, toHigh: false), high = TilePlan(example.geometry, toHigh: true)
    #expect(low.isFaster)
    #expect(high.isFaster && !high.hasGaps)
  }

  @Test(
    "A layer and its gradients are as their definition in double precision, at every level, on one thread and two",
    arguments: VectorLevel.allCases.filter { $0 <= .best }, examples)
  func layers(level: VectorLevel, example: Example) {
    let g = example.geometry, batch = example.batch
    func values(_ count: Int, _ label: String) -> [Float] { MatrixProductTests.values(count, label) }
    func results<Scalar: TensorScalar>(_: Scalar.Type, transposed: Bool, _ device: Device) -> [[Scalar]] {
      func tensor(_ label: String, _ shape: Shape) -> Tensor<Scalar> {
        Tensor(values(shape.count, label).map { Scalar($0) }, shape, on: device)
      }
      let layer = ConvolutionLayer(g, transposed: transposed, activation: .leakyReLU(slope: 0.5))
      let input = tensor("input", layer.input.batch(batch)), weights = tensor("weights", g.weightShape)
      let output = input.convolved(layer, weights: weights, bias: tensor("bias", [layer.output.channels]))
      let weightGradient = tensor("before", weights.shape), biasGradient = tensor("before", [layer.output.channels])
      let inputGradient = Tensor<Scalar>(repeating: 7, input.shape, on: device)
      for inputGradient in [inputGradient, nil] {
        output.convolutionGradients(
          layer, input: input, weights: weights, gradient: tensor("gradient", output.shape),
          weightGradient: weightGradient, biasGradient: biasGradient, inputGradient: inputGradient)
      }
      return [output, weightGradient, biasGradient, inputGradient].map(\.elements)
    }
    for transposed in [false, true] {
      let expected = results(Double.self, transposed: transposed, Device(threads: 1))
      for threads in [1, 2] {
        let got = results(Float.self, transposed: transposed, Device(threads: threads, level: level))
        for (result, expected) in zip(got, expected) {
          // Sums of at most some ten thousand products: √n units of 2⁻²⁴ relative to the largest, with room to spare.
          // A value that rounds to the other side of 0 changes the activation's slope there, and little else.
          #expect(relativeDifference(result, expected) < 2e-5)
        }
      }
    }
  }
}
