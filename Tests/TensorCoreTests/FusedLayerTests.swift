import TensorCore
import Testing

@Suite("FusedLayer")
struct FusedLayerTests {
  private static let good = FusedLayer(
    kernel: 4, stride: 2, padding: 1, transposed: false, inputHeight: 16, inputWidth: 16, inputChannels: 32,
    outputChannels: 32, activation: .relu)

  private func plan(_ layers: [FusedLayer]) -> FusedConvolutionStack? {
    FusedConvolutionStack(layers: layers, device: Device(threads: 1))
  }

  private static func changed(_ change: (inout FusedLayer) -> Void) -> FusedLayer {
    var layer = good
    change(&layer)
    return layer
  }

  @Test("the stacks of the zoo are planned", arguments: FusedExample.allCases, [1, 2, 3, 4, 32, 33])
  func plansZoo(example: FusedExample, channels: Int) {
    #expect(plan(example.layers(channels: channels)) != nil)
  }

  @Test(
    "a layer that the kernels do not know is left to the general path",
    arguments: [
      changed {
        $0.kernel = 3; $0.stride = 1
      },
      changed { $0.kernel = 3 },
      changed { $0.stride = 1 },
      changed { $0.padding = 0 },
      changed { $0.padding = 2 },
      changed { $0.kernel = 2 },
      changed {
        $0.kernel = 6; $0.padding = 2
      },
      changed { $0.outputChannels = 48 },
      changed { $0.outputChannels = 33 },
      changed { $0.inputHeight = 17 },
      changed { $0.inputWidth = 15 },
      changed { $0.inputHeight = 2 },
      changed { $0.inputChannels = 0 },
      changed {
        $0.transposed = true; $0.inputChannels = 16
      },
      changed {
        $0.transposed = true; $0.outputChannels = 3
      },
    ])
  func refuses(layer: FusedLayer) {
    #expect(plan([Self.good]) != nil)
    #expect(plan([layer]) == nil)
  }

  @Test("few channels between two layers, layers that do not meet, and no layers at all are not planned")
  func refusesStacks() {
    var next = Self.good
    next.inputHeight = 8
    next.inputWidth = 8
    #expect(plan([Self.good, next]) != nil)
    #expect(plan([Self.good, Self.good]) == nil)
    #expect(plan([]) == nil)
    var up = Self.changed {
      $0.transposed = true; $0.outputChannels = 3; $0.activation = .identity
    }
    #expect(plan([up]) != nil)
    var down = Self.good
    down.inputHeight = 32
    down.inputWidth = 32
    down.inputChannels = 3
    #expect(plan([up, down]) == nil)
    up.outputChannels = 64
    down.inputChannels = 64
    #expect(plan([up, down]) != nil)
  }

  @Test("sizes follow the definition")
  func sizes() {
    #expect((Self.good.outputHeight, Self.good.outputWidth) == (8, 8))
    #expect(Self.good.weightCount == 16 * 32 * 32)
    let up = Self.changed { $0.transposed = true }
    #expect((up.outputHeight, up.outputWidth) == (32, 32))
    #expect(up.outputCount == 32 * 32 * 32)
  }
}
