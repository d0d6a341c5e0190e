import Testing

@testable import TensorCore

@Suite("Which layers the fused kernels plan")
struct FusedPlanTests {
  private static func layer(
    _ input: ImageShape = ImageShape(height: 16, width: 16, channels: 32), channels: Int = 32, kernel: Int = 4,
    stride: Int = 2, padding: Int = 1, transposed: Bool = false, activation: Activation = .relu
  ) -> ConvolutionLayer {
    ConvolutionLayer(
      from: input, channels: channels, kernel: kernel, stride: stride, padding: padding, transposed: transposed,
      activation: activation)
  }

  private static let good = layer()

  private func plan(_ layers: [ConvolutionLayer]) -> FusedConvolutionStack? {
    FusedConvolutionStack(layers: layers, device: Device(threads: 1))
  }

  @Test("the stacks of the architectures are planned", arguments: FusedExample.allCases, [1, 2, 3, 4, 32, 33])
  func plansZoo(example: FusedExample, channels: Int) {
    #expect(plan(example.layers(channels: channels)) != nil)
  }

  @Test(
    "a layer that the kernels do not support is left to the general path",
    arguments: [
      layer(kernel: 3, stride: 1), layer(kernel: 3), layer(stride: 1), layer(padding: 0), layer(padding: 2),
      layer(kernel: 2), layer(kernel: 6, padding: 2), layer(channels: 48), layer(channels: 33),
      layer(ImageShape(height: 17, width: 16, channels: 32)), layer(ImageShape(height: 16, width: 15, channels: 32)),
      layer(ImageShape(height: 2, width: 16, channels: 32)), layer(activation: .tanh),
      layer(ImageShape(height: 16, width: 16, channels: 16), transposed: true), layer(channels: 3, transposed: true),
    ])
  func refuses(layer: ConvolutionLayer) {
    #expect(plan([Self.good]) != nil)
    #expect(plan([layer]) == nil)
  }

  @Test("few channels between two layers, layers that do not meet, and no layers at all are not planned")
  func refusesStacks() {
    #expect(plan([Self.good, Self.layer(Self.good.output)]) != nil)
    #expect(plan([Self.good, Self.good]) == nil)
    #expect(plan([]) == nil)
    let up = Self.layer(channels: 3, transposed: true, activation: .identity)
    #expect(plan([up]) != nil)
    #expect(plan([up, Self.layer(up.output)]) == nil)
    let wide = Self.layer(channels: 64, transposed: true, activation: .identity)
    #expect(plan([wide, Self.layer(wide.output)]) != nil)
  }

  @Test("sizes follow the definition")
  func sizes() {
    #expect(Self.good.output == ImageShape(height: 8, width: 8, channels: 32))
    #expect(Self.good.weightCount == 16 * 32 * 32)
    let up = Self.layer(transposed: true)
    #expect(up.output == ImageShape(height: 32, width: 32, channels: 32))
    #expect(up.input == Self.good.input && up.weightCount == 16 * 32 * 32)
    // To few channels a scatter is a matrix product with rows of K·K·C columns, rounded up to 16.
    for (channels, columns) in [(1, 16), (3, 48)] {
      let step = FusedStep(Self.layer(channels: channels, transposed: true), level: VectorLevel.plain.code)
      #expect(step.packedCount(.scatter) == 32 * columns && step.scratchCount == 16 * columns)
    }
  }
}
