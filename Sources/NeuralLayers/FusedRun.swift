import Autodiff
import TensorCore

/// A part of a network that is computed in one go.
enum NetworkSegment {
  /// Convolutions that the fused kernels take.
  case fused(FusedRun)
  /// A step on its own.
  case step(InferenceStep)

  /// Convolutions that run through the fused kernels.
  var fusedConvolutionCount: Int {
    switch self {
    case .fused(let run): run.convolutions.count
    case .step(.residual(let block)):
      block.main.fusedConvolutionCount + (block.shortcut?.fusedConvolutionCount ?? 0)
    case .step: 0
    }
  }

  /// Splits steps into the longest runs of convolutions that the fused kernels support, and single steps.
  static func plan(_ steps: [InferenceStep]) -> [NetworkSegment] {
    var segments: [NetworkSegment] = [], rest = steps[...]
    while let first = rest.first {
      let convolutions = rest.prefix { if case .convolution = $0 { true } else { false } }
        .compactMap { if case .convolution(let convolution) = $0 { convolution } else { nil } }
      let run = (0..<convolutions.count).lazy.compactMap { FusedRun(Array(convolutions.dropLast($0))) }.first
      segments.append(run.map { .fused($0) } ?? .step(first))
      rest = rest.dropFirst(run?.convolutions.count ?? 1)
    }
    return segments
  }
}

/// Convolutions one after the other that run as one operation of the tape.
struct FusedRun {
  let convolutions: [Convolution]
  private let plan: FusedConvolutionStack

  /// Plans a run; nil where the fused kernels do not support it.
  init?(_ convolutions: [Convolution]) {
    guard let first = convolutions.first,
      let plan = FusedConvolutionStack(layers: convolutions.map(\.layer), device: first.weight.store.device)
    else { return nil }
    (self.convolutions, self.plan) = (convolutions, plan)
  }

  /// Whether the last convolution has no activation, so that a likelihood can follow it in the same operation.
  var endsLinearly: Bool { plan.layers[plan.layers.count - 1].activation == .identity }

  func callAsFunction(_ images: Variable<Float>, _ pass: Pass) -> Variable<Float> {
    let weights = weights(pass), biases = biases(pass)
    return pass.tape.phase(phaseName, operations: operations(images, weights)) {
      images.fused(plan, weights: weights, biases: biases)
    }
  }

  /// −log p(target | run(images)) for each image, `[B]`, in nats; the run's output is cropped by the edges first.
  func distortions(
    of target: Tensor<Float>, without edges: ImageEdges, from images: Variable<Float>, _ likelihood: Likelihood,
    _ pass: Pass
  ) -> Variable<Float> {
    let weights = weights(pass), biases = biases(pass)
    return pass.tape.phase(phaseName + ", likelihood", operations: operations(images, weights)) {
      images.fusedDistortions(of: target, without: edges, plan, likelihood, weights: weights, biases: biases)
    }
  }

  /// Their mean over the batch. In training the backward pass runs inside the forward pass.
  func meanDistortion(
    of target: Tensor<Float>, without edges: ImageEdges, from images: Variable<Float>, _ likelihood: Likelihood,
    _ pass: Pass
  ) -> Variable<Float> {
    let weights = weights(pass), biases = biases(pass)
    return pass.tape.phase(phaseName + ", likelihood", operations: operations(images, weights)) {
      images.fusedMeanDistortion(
        of: target, without: edges, plan, likelihood, weights: weights, biases: biases, isTraining: pass.isTraining)
    }
  }

  private var phaseName: String { convolutions[0].phaseName }

  /// Floating-point operations for a batch, its gradients included where they will be computed.
  private func operations(_ images: Variable<Float>, _ weights: [Variable<Float>]) -> Double {
    var total = 0.0, isTracked = images.isTracked
    for (convolution, weight) in zip(convolutions, weights) {
      total += convolution.operations(isInputTracked: isTracked, weight)
      isTracked = isTracked || weight.isTracked
    }
    return total * Double(images.shape[0])
  }

  private func weights(_ pass: Pass) -> [Variable<Float>] { convolutions.map { pass($0.weight) } }
  private func biases(_ pass: Pass) -> [Variable<Float>] { convolutions.map { $0.bias(pass) } }
}
