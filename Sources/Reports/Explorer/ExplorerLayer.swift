import Diagnostics
import NeuralLayers
import TensorCore

/// One step of a decoder as the explorer's page computes it: facts as JSON, numbers in the page's array of weights.
///
/// Images are `[height, width, channels]`, and weights in memory order, as in the program.
struct ExplorerLayer: Encodable {
  /// The name of the page's function.
  private(set) var operation: String
  /// What follows: "identity", "relu", "tanh" or "leaky-relu".
  private(set) var activation = "identity"
  /// The slope of a leaky ReLU.
  private(set) var slope: Float?
  /// Extents of what goes in, `[values]` or `[height, width, channels]`.
  private(set) var input: [Int]
  /// Extents of what comes out.
  private(set) var output: [Int]
  /// How many numbers of the array of weights are the layer's own, in arrays one after the other.
  private(set) var counts: [Int] = []
  private(set) var kernel: Int?
  private(set) var stride: Int?
  private(set) var padding: Int?
  /// The factor of upsampling.
  private(set) var factor: Int?
  /// The groups of a normalisation.
  private(set) var groups: Int?
  /// ε of a normalisation.
  private(set) var epsilon: Double?
  /// Rows above and columns on the left that padding adds or cropping removes.
  private(set) var offset: [Int]?
  /// The two paths of a residual block; an empty shortcut is the identity.
  private(set) var main: [ExplorerLayer]?
  private(set) var shortcut: [ExplorerLayer]?

  /// Its numbers, those of the main path and those of the shortcut.
  var weights: [Float] { own + (main ?? []).flatMap(\.weights) + (shortcut ?? []).flatMap(\.weights) }
  private var own: [Float] = []

  private enum CodingKeys: String, CodingKey {
    case operation, activation, slope, input, output, counts, kernel, stride, padding, factor, groups, epsilon, offset
    case main, shortcut
  }

  /// The steps of a network, in order.
  ///
  /// - Throws: `StructuredError` for a layer with operations of its own.
  static func layers(of network: Network) throws -> [ExplorerLayer] {
    try network.steps.map { try ExplorerLayer($0) }
  }

  private init(_ step: InferenceStep) throws {
    func extents(_ form: LayerForm) -> [Int] {
      form.image.map { [$0.height, $0.width, $0.channels] } ?? [form.count]
    }
    input = extents(step.layer.input)
    output = extents(step.layer.output)
    switch step {
    case .dense(let layer):
      operation = "dense"
      set([layer.weight.value, layer.bias.value], layer.activation)
    case .convolution(let layer):
      let g = layer.layer.geometry
      operation = layer.layer.transposed ? "transposed-convolution" : "convolution"
      (kernel, stride, padding) = (g.kernel, g.stride, g.padding)
      set([layer.weight.value] + (layer.bias.map { [$0.value] } ?? []), layer.layer.activation)
    case .activation(let layer):
      operation = "identity"
      set([], layer.activation)
    case .batchNormalization(let layer):
      operation = "batch-normalisation"
      epsilon = layer.epsilon
      set(
        [layer.weight.value, layer.bias.value, layer.runningMean.value, layer.runningVariance.value], layer.activation)
    case .groupNormalization(let layer):
      operation = "group-normalisation"
      (groups, epsilon) = (layer.groups, layer.epsilon)
      set([layer.weight.value, layer.bias.value], layer.activation)
    case .upsampling(let layer):
      operation = "upsampling"
      factor = layer.factor
    case .spatialBroadcast: operation = "spatial-broadcast"
    case .padding(let layer):
      operation = "padding"
      offset = [layer.edges.top, layer.edges.left]
    case .cropping(let layer):
      operation = "cropping"
      offset = [layer.edges.top, layer.edges.left]
    case .residual(let layer):
      operation = "residual"
      main = try Self.layers(of: layer.main)
      shortcut = try layer.shortcut.map { try Self.layers(of: $0) } ?? []
      set([], layer.activation)
    case .custom(let layer):
      throw StructuredError(
        "the layer \(layer.name) has operations of its own, which the explorer's page cannot compute",
        expected: "a decoder of the package's layers, or layers made of them")
    }
  }

  private mutating func set(_ arrays: [Tensor<Float>], _ activation: Activation) {
    counts = arrays.map(\.count)
    own = arrays.flatMap(\.elements)
    switch activation {
    case .identity: self.activation = "identity"
    case .relu: self.activation = "relu"
    case .tanh: self.activation = "tanh"
    case .leakyReLU(let slope): (self.activation, self.slope) = ("leaky-relu", slope)
    }
  }
}
