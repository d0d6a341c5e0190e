import Autodiff
import Diagnostics
import TensorCore

/// Layers one after the other.
///
/// A network is described once, as a list of layers. Its steps are planned when it is made: runs of convolutions that the
/// fused kernels support become one operation of the tape each, image by image in cache, whatever stands around them;
/// everything else goes layer by layer. Both ways give the same values to rounding.
public struct Network: Layer {
  /// What messages call it.
  public let name: String
  /// What goes in.
  public let input: LayerForm
  /// What comes out.
  public let output: LayerForm
  /// The layers, in order.
  public let layers: [any Layer]
  let segments: [NetworkSegment]

  /// Puts layers together.
  ///
  /// - Parameters:
  ///   - name: what messages call it.
  ///   - input: what goes in; without layers it comes out again.
  ///   - layers: the layers, in order.
  /// - Throws: `StructuredError` naming the first two layers that do not fit.
  public init(_ name: String, from input: LayerForm, _ layers: [any Layer]) throws {
    var (form, before) = (input, "the input of \(name)")
    for layer in layers {
      guard layer.input == form else {
        throw StructuredError(
          "\(layer.name) does not fit \(before), which gives \(form)", at: name, expected: "\(layer.input)",
          action: "Change the sizes of one of the two layers.")
      }
      (form, before) = (layer.output, layer.name)
    }
    (self.name, self.input, self.layers, output) = (name, input, layers, form)
    segments = NetworkSegment.plan(layers.flatMap(\.steps))
  }

  /// Those of all layers.
  public var parameters: [Parameter] { layers.flatMap(\.parameters) }
  /// Those of all layers.
  public var buffers: [Buffer] { layers.flatMap(\.buffers) }
  /// Those of all layers.
  public var steps: [InferenceStep] { layers.flatMap(\.steps) }

  /// Convolutions that run through the fused kernels, those in residual blocks included.
  public var fusedConvolutionCount: Int { segments.reduce(0) { $0 + $1.fusedConvolutionCount } }

  /// Whether it has convolutions and all of them run through the fused kernels, those in residual blocks included.
  public var isFused: Bool {
    let convolutions = steps.flattened.count { if case .convolution = $0 { true } else { false } }
    return convolutions > 0 && fusedConvolutionCount == convolutions
  }

  /// Values for each element of a batch that training keeps until the backward pass, at least: the outputs of layers that
  /// compute something, without those of fused runs, which keep less.
  public var keptCount: Int {
    segments.reduce(0) { sum, segment in
      guard case .step(let step) = segment else { return sum }
      switch step {
      case .dense, .convolution, .activation, .batchNormalization, .groupNormalization:
        return saturatingSum(sum, step.layer.output.count)
      case .residual(let block):
        return saturatingSum(sum, block.main.keptCount, block.shortcut?.keptCount ?? 0)
      case .upsampling, .spatialBroadcast, .padding, .cropping, .custom: return sum
      }
    }
  }

  /// Applies the layers to a batch of the form ``input``, or to one with as many values.
  public func callAsFunction(_ x: Variable<Float>, _ pass: Pass) -> Variable<Float> {
    apply(segments[...], to: formed(x), pass)
  }

  /// The batch in the form of the input.
  private func formed(_ x: Variable<Float>) -> Variable<Float> {
    requireFit(
      x.shape.rank > 0 && x.shape.count == saturatingProduct(x.shape[0], input.count), "Network",
      "\(name) takes batches of \(input), not \(x.shape)")
    return x.reshaped(input.batch(x.shape[0]))
  }

  /// The layers one by one, without the fused kernels: what these are held to.
  package func layerByLayer(_ x: Variable<Float>, _ pass: Pass) -> Variable<Float> {
    steps.reduce(formed(x)) { x, step in step.layer(x, pass) }
  }

  /// −log p(target | network(x)) for each image, `[B]`, in nats.
  ///
  /// - Parameters:
  ///   - target: the images to explain, `[B, height, width, channels]`.
  ///   - x: what goes in.
  ///   - likelihood: what comes out.
  ///   - pass: the evaluation this is part of.
  public func distortions(
    of target: Tensor<Float>, from x: Variable<Float>, _ likelihood: Likelihood, _ pass: Pass
  ) -> Variable<Float> {
    guard let end = fusedEnd else { return likelihood.distortions(output: self(x, pass), target: target) }
    return end.run.distortions(of: target, without: end.edges, from: beforeEnd(x, pass), likelihood, pass)
  }

  /// The mean of ``distortions(of:from:_:_:)`` over the batch, a scalar in nats. Where the network ends in a fused run, its
  /// backward pass runs inside the forward pass in training.
  public func meanDistortion(
    of target: Tensor<Float>, from x: Variable<Float>, _ likelihood: Likelihood, _ pass: Pass
  ) -> Variable<Float> {
    guard let end = fusedEnd else { return distortions(of: target, from: x, likelihood, pass).mean() }
    return end.run.meanDistortion(of: target, without: end.edges, from: beforeEnd(x, pass), likelihood, pass)
  }

  /// The fused run that the network ends in, if a likelihood can follow it in the same operation, and the edges by which
  /// its output is cropped.
  private var fusedEnd: (run: FusedRun, edges: ImageEdges)? {
    var rest = segments[...], edges = ImageEdges.none
    if case .step(.cropping(let cropping))? = rest.last {
      edges = cropping.edges
      rest = rest.dropLast()
    }
    guard case .fused(let run)? = rest.last, run.endsLinearly else { return nil }
    return (run, edges)
  }

  /// What goes into the end, for the input x.
  private func beforeEnd(_ x: Variable<Float>, _ pass: Pass) -> Variable<Float> {
    let end = segments.lastIndex { if case .fused = $0 { true } else { false } } ?? 0
    return apply(segments[..<end], to: formed(x), pass)
  }

  private func apply(
    _ segments: ArraySlice<NetworkSegment>, to x: Variable<Float>, _ pass: Pass
  ) -> Variable<Float> {
    segments.reduce(x) { x, segment in
      switch segment {
      case .fused(let run): run(x, pass)
      case .step(let step): step.layer(x, pass)
      }
    }
  }
}
