import Autodiff
import TensorCore

/// A part of a network: a function of a batch, with parameters that are trained and buffers that are not.
///
/// One description of a layer drives everything that works with layers. Training and evaluation call it; files of weights
/// list its parameters and buffers; exporters walk its ``steps``. The backward pass comes from the tape.
///
/// A layer that is made of other layers is a ``CompositeLayer``: it is trained, saved and exported without code of its own.
/// A layer with operations of its own implements ``callAsFunction(_:_:)`` and the forms; it is trained and saved, and
/// exporters report that they cannot export it.
public protocol Layer {
  /// What messages call it, and the prefix of its parameters' names: "encoder.convolution1".
  var name: String { get }
  /// What goes in.
  var input: LayerForm { get }
  /// What comes out.
  var output: LayerForm { get }
  /// What it trains.
  var parameters: [Parameter] { get }
  /// What it keeps that is not trained, such as running statistics.
  var buffers: [Buffer] { get }
  /// What it computes in evaluation, in order.
  var steps: [InferenceStep] { get }
  /// Applies it to a batch.
  ///
  /// - Parameters:
  ///   - x: the batch, shaped as ``input`` says.
  ///   - pass: the evaluation this is part of.
  /// - Returns: a batch of the form ``output``.
  func callAsFunction(_ x: Variable<Float>, _ pass: Pass) -> Variable<Float>
}

extension Layer {
  /// None.
  public var parameters: [Parameter] { [] }
  /// None.
  public var buffers: [Buffer] { [] }
  /// The layer itself, as one that no exporter supports.
  public var steps: [InferenceStep] { [.custom(self)] }
}

/// A layer that is made of other layers.
public protocol CompositeLayer: Layer {
  /// The layers, in order.
  var body: Network { get }
}

extension CompositeLayer {
  /// The body's.
  public var name: String { body.name }
  /// The body's.
  public var input: LayerForm { body.input }
  /// The body's.
  public var output: LayerForm { body.output }
  /// The body's.
  public var parameters: [Parameter] { body.parameters }
  /// The body's.
  public var buffers: [Buffer] { body.buffers }
  /// The body's.
  public var steps: [InferenceStep] { body.steps }
  /// Applies the body.
  public func callAsFunction(_ x: Variable<Float>, _ pass: Pass) -> Variable<Float> { body(x, pass) }
}

/// One step of what a network computes in evaluation. Exporters translate these and nothing else.
///
/// A step holds the layer that computes it, with its parameters in memory order: matrices `[inputs, outputs]`, convolution
/// weights `[ky·K + kx, high channel, low channel]`, images `[height, width, channels]`.
public enum InferenceStep {
  /// x·W + b and an activation.
  case dense(Dense)
  /// A convolution or a transposed convolution, with bias and activation.
  case convolution(Convolution)
  /// An activation on its own.
  case activation(ActivationLayer)
  /// Batch normalisation, by its running statistics.
  case batchNormalization(BatchNormalization)
  /// Group normalisation.
  case groupNormalization(GroupNormalization)
  /// Nearest-neighbour upsampling.
  case upsampling(NearestUpsampling)
  /// Codes at every pixel, with coordinates.
  case spatialBroadcast(SpatialBroadcast)
  /// Zeros around an image.
  case padding(ZeroPadding)
  /// The inside of an image.
  case cropping(Cropping)
  /// The sum of two paths.
  case residual(ResidualBlock)
  /// A layer with operations of its own, which exporters do not support.
  case custom(any Layer)

  /// The layer that computes the step.
  public var layer: any Layer {
    switch self {
    case .dense(let layer): layer
    case .convolution(let layer): layer
    case .activation(let layer): layer
    case .batchNormalization(let layer): layer
    case .groupNormalization(let layer): layer
    case .upsampling(let layer): layer
    case .spatialBroadcast(let layer): layer
    case .padding(let layer): layer
    case .cropping(let layer): layer
    case .residual(let layer): layer
    case .custom(let layer): layer
    }
  }
}

extension Sequence where Element == InferenceStep {
  /// The steps, with those inside residual blocks after their block: main path, then shortcut.
  public var flattened: [InferenceStep] {
    flatMap { step -> [InferenceStep] in
      guard case .residual(let block) = step else { return [step] }
      return [step] + block.main.steps.flattened + (block.shortcut?.steps.flattened ?? [])
    }
  }
}
