import Autodiff
import TensorCore

/// Batch normalisation: activation(γ·(x − μ)/√(σ² + ε) + β), one mean, variance, γ and β for each channel.
///
/// In training mode (``Pass/mode-swift.property``) μ and σ² are the batch's, the variance biased. A pass that trains the
/// layer's store also moves the running statistics towards them, with the unbiased variance, as PyTorch does:
///
///     running ← (1 − momentum)·running + momentum·batch
///
/// In evaluation mode μ and σ² are the running statistics. Ioffe & Szegedy 2015 (arXiv:1502.03167), algorithms 1 and 2.
public struct BatchNormalization: Layer {
  /// Prefix of the names of parameters and buffers.
  public let name: String
  /// Images or vectors; the channels are their last axis.
  public let input: LayerForm
  /// γ, `[C]`, at first 1.
  public let weight: Parameter
  /// β, `[C]`, at first 0.
  public let bias: Parameter
  /// The running mean, `[C]`, at first 0.
  public let runningMean: Buffer
  /// The running unbiased variance, `[C]`, at first 1.
  public let runningVariance: Buffer
  /// ε.
  public let epsilon: Double
  /// The weight of a new batch in the running statistics.
  public let momentum: Double
  /// What follows.
  public let activation: Activation

  /// Adds a layer's parameters and buffers to a store.
  ///
  /// - Parameters:
  ///   - name: prefix of their names: `name.weight`, `name.bias`, `name.running_mean`, `name.running_var`.
  ///   - input: what goes in.
  ///   - epsilon: ε > 0.
  ///   - momentum: the weight of a new batch in the running statistics.
  ///   - activation: what follows.
  ///   - store: where they go.
  public init(
    _ name: String, from input: LayerForm, epsilon: Double = 1e-5, momentum: Double = 0.1,
    activation: Activation = .identity, in store: ParameterStore
  ) {
    (self.name, self.input, self.epsilon, self.momentum) = (name, input, epsilon, momentum)
    self.activation = activation
    (weight, bias) = store.addScaleAndShift(name, channels: input.channels)
    runningMean = store.addBuffer(name + ".running_mean", count: input.channels, initialValue: 0)
    runningVariance = store.addBuffer(name + ".running_var", count: input.channels, initialValue: 1)
  }

  /// As the input.
  public var output: LayerForm { input }
  /// γ and β.
  public var parameters: [Parameter] { [weight, bias] }
  /// The running statistics.
  public var buffers: [Buffer] { [runningMean, runningVariance] }
  /// One.
  public var steps: [InferenceStep] { [.batchNormalization(self)] }

  /// Normalises a batch.
  public func callAsFunction(_ x: Variable<Float>, _ pass: Pass) -> Variable<Float> {
    let scale = pass(weight), shift = pass(bias)
    return pass.tape.phase("normalisation") {
      guard pass.mode == .training else {
        return x.normalized(
          mean: runningMean.value, variance: runningVariance.value, scale: scale, shift: shift, epsilon: epsilon,
          activation: activation)
      }
      let (value, statistics) = x.batchNormalized(
        scale: scale, shift: shift, epsilon: epsilon, activation: activation)
      if pass.mayUpdate(runningMean) { update(by: statistics) }
      return value
    }
  }

  private func update(by statistics: BatchStatistics) {
    for (buffer, new) in [(runningMean, statistics.means), (runningVariance, statistics.unbiasedVariances)] {
      buffer.value.withMutableElements { running in
        for c in running.indices { running[c] = Float((1 - momentum) * Double(running[c]) + momentum * new[c]) }
      }
    }
  }
}

/// Group normalisation: activation(γ·(x − μ)/√(σ² + ε) + β), with mean and variance over the pixels and some adjacent
/// channels of one image.
///
/// The same in training and in evaluation. Wu & He 2018 (arXiv:1803.08494), Eqs. 1, 2 and 7. One group is layer
/// normalisation over an image, as many groups as channels instance normalisation.
public struct GroupNormalization: Layer {
  /// Prefix of the parameters' names.
  public let name: String
  /// Images or vectors; the channels are their last axis.
  public let input: LayerForm
  /// The number of groups.
  public let groups: Int
  /// γ, `[C]`, at first 1.
  public let weight: Parameter
  /// β, `[C]`, at first 0.
  public let bias: Parameter
  /// ε.
  public let epsilon: Double
  /// What follows.
  public let activation: Activation

  /// Adds a layer's parameters to a store.
  ///
  /// - Parameters:
  ///   - name: prefix of the parameters' names.
  ///   - groups: the number of groups, a divisor of the number of channels.
  ///   - input: what goes in.
  ///   - epsilon: ε > 0.
  ///   - activation: what follows.
  ///   - store: where the parameters go.
  /// - Precondition: the channels split evenly.
  public init(
    _ name: String, groups: Int, from input: LayerForm, epsilon: Double = 1e-5, activation: Activation = .identity,
    in store: ParameterStore
  ) {
    requireFit(
      groups > 0 && input.channels % max(groups, 1) == 0, "GroupNormalization",
      "\(input.channels) channels of \(name) do not split into \(groups) groups")
    (self.name, self.groups, self.input, self.epsilon) = (name, groups, input, epsilon)
    self.activation = activation
    (weight, bias) = store.addScaleAndShift(name, channels: input.channels)
  }

  /// As the input.
  public var output: LayerForm { input }
  /// γ and β.
  public var parameters: [Parameter] { [weight, bias] }
  /// One.
  public var steps: [InferenceStep] { [.groupNormalization(self)] }

  /// Normalises a batch.
  public func callAsFunction(_ x: Variable<Float>, _ pass: Pass) -> Variable<Float> {
    let scale = pass(weight), shift = pass(bias)
    return pass.tape.phase("normalisation") {
      x.groupNormalized(groups: groups, scale: scale, shift: shift, epsilon: epsilon, activation: activation)
    }
  }
}

extension ParameterStore {
  /// γ and β of a normalisation: 1 and 0 at first, whatever the initialiser.
  fileprivate func addScaleAndShift(_ name: String, channels: Int) -> (Parameter, Parameter) {
    let layout = ParameterLayout.vector(count: channels, image: nil)
    return (
      add(name + ".weight", [channels], layout, .constant(1)), add(name + ".bias", [channels], layout, .constant(0))
    )
  }
}
