import CVectorKernels

/// Weights and biases of a stack, one pointer for each layer.
public struct FusedParameters {
  /// `W[tap][C_high][C_low]` of each layer.
  public var weights: [UnsafePointer<Float>]
  /// The bias of each layer, one value for each output channel.
  public var biases: [UnsafePointer<Float>]

  /// Groups the pointers.
  public init(weights: [UnsafePointer<Float>], biases: [UnsafePointer<Float>]) {
    self.weights = weights
    self.biases = biases
  }
}

/// Where the gradients at ``FusedParameters`` go, laid out as they are.
public struct FusedParameterGradients {
  /// Gradients at the weights of each layer.
  public var weights: [UnsafeMutablePointer<Float>]
  /// Gradients at the bias of each layer.
  public var biases: [UnsafeMutablePointer<Float>]
  /// Whether gradients are added to what is there; otherwise they replace it.
  public var accumulate: Bool

  /// Groups the pointers.
  public init(
    weights: [UnsafeMutablePointer<Float>], biases: [UnsafeMutablePointer<Float>], accumulate: Bool = false
  ) {
    self.weights = weights
    self.biases = biases
    self.accumulate = accumulate
  }
}

/// A run of strided convolutions, or transposed convolutions, that is computed image by image.
///
/// Each worker has a contiguous part of the batch and takes one image at a time through all layers, so that
/// activations stay in the worker's cache; layer by layer over the whole batch they would travel through memory. Gradients at
/// the parameters are summed by each worker on its own and then in the order of the workers: for a fixed number of threads
/// and instruction level, results are the same bits every time.
///
/// Where an image is 0 around a region, as in dSprites, the first two layers compute only what depends on that region
/// (`NonblankRegion`). Outputs keep their bits; gradients change by rounding.
///
/// All pointers are to contiguous arrays: input `[B, H, W, C]`, output `[B, h, w, c]`, both without padding.
public struct FusedConvolutionStack: Sendable {
  /// The layers, first to last.
  public let layers: [ConvolutionLayer]
  /// Where the stack runs.
  public let device: Device

  let steps: [FusedStep]
  let planes: [FusedPlane]

  /// Plans a stack, or returns nil where the fused path does not support it and the general one is used.
  ///
  /// Supported are layers of stride 2 with kernel 4 and padding 1, or kernel 2 without padding, whose sides differ by
  /// exactly a factor of 2, the lower at least 2 × 2, with channels in multiples of 32. On the side of the image, which is
  /// the first layer's input or the last layer's output, any number of channels will do; an output of that
  /// kind has no activation.
  public init?(layers: [ConvolutionLayer], device: Device) {
    guard !layers.isEmpty, layers.allSatisfy(\.hasFusedShape) else { return nil }
    for (layer, next) in zip(layers, layers.dropFirst()) {
      guard layer.output == next.input, layer.output.channels % 32 == 0 else { return nil }
    }
    if let last = layers.last, last.transposed, last.isImageSide, last.activation != .identity { return nil }
    let steps = layers.map { FusedStep($0, level: device.level.code) }
    self.layers = layers
    self.device = device
    self.steps = steps
    planes = [steps[0].input] + steps.map(\.output)
  }

  /// What comes out.
  public var output: ImageShape { layers[layers.count - 1].output }
  /// Floats in one input image.
  public var inputCount: Int { layers[0].input.count }
  /// Floats in one output image.
  public var outputCount: Int { layers[layers.count - 1].output.count }

  /// Floats that ``forward(_:batch:parameters:output:saved:)`` keeps for the backward pass: every activation after a layer,
  /// with its border, except an output that no gradient needs, and the maps of a first convolution from the image: they
  /// take most of the memory and least of the time, so the backward pass computes them again.
  public func savedCount(batch: Int) -> Int { batch * savedPlanes.reduce(0) { $0 + planes[$1].count } }

  /// The activations that the backward pass reads, beyond the input.
  private var savedPlanes: Range<Int> {
    (recomputesFirst ? 2 : 1)..<(layers[layers.count - 1].activation == .relu ? planes.count : planes.count - 1)
  }

  private var recomputesFirst: Bool { layers.count > 1 && !layers[0].transposed && layers[0].isImageSide }

  /// Whether the first two layers can skip what is blank.
  private var skipsBlank: Bool { recomputesFirst && steps[1].isTiled }

  /// Floats of a workspace for what blank images have in common.
  var blankCount: Int { skipsBlank ? planes[2].count : 0 }

  /// Points the workspace at the saved activations of one image.
  private func attach(_ saved: UnsafeMutablePointer<Float>, image: Int, to workspace: inout FusedWorkspace) {
    var next = saved + savedCount(batch: image)
    for i in savedPlanes {
      workspace.activations[i] = next
      next += planes[i].count
    }
  }

  /// The stack's output for a batch.
  ///
  /// - Parameters:
  ///   - input: `[B, H, W, C]`.
  ///   - batch: B ≥ 1.
  ///   - parameters: weights and biases.
  ///   - output: `[B, h, w, c]`, overwritten.
  ///   - saved: room for ``savedCount(batch:)`` floats, or nil where no backward pass will follow.
  public func forward(
    _ input: UnsafePointer<Float>, batch: Int, parameters: FusedParameters, output: UnsafeMutablePointer<Float>,
    saved: UnsafeMutablePointer<Float>?
  ) {
    withScratch(parameters, forward: true, backward: false, gradients: nil) { scratch in
      device.parallel { worker in
        var workspace = scratch.workspace(worker)
        var knowsBlank = false
        for image in range(of: worker, batch: batch) {
          let region = region(of: input + image * inputCount)
          if region != nil && !knowsBlank {
            forwardBlank(parameters, scratch.weights, workspace)
            knowsBlank = true
          }
          if let saved {
            attach(saved, image: image, to: &workspace)
            for i in savedPlanes { planes[i].clearBorder(workspace.activations[i]) }
          }
          forwardImage(input + image * inputCount, region, parameters, scratch.weights, workspace)
          planes[planes.count - 1].extract(
            workspace.activations[planes.count - 1], to: output + image * outputCount)
        }
      }
    }
  }

  /// The gradients of a scalar at parameters and input, given its gradient at the output.
  ///
  /// - Parameters:
  ///   - outputGradient: `[B, h, w, c]`.
  ///   - input: what the forward pass was given.
  ///   - saved: what the forward pass kept.
  ///   - batch: B, as in the forward pass.
  ///   - parameters: as in the forward pass.
  ///   - gradients: where the gradients at the parameters go.
  ///   - inputGradient: `[B, H, W, C]`, overwritten, or nil if it is not needed.
  public func backward(
    outputGradient: UnsafePointer<Float>, input: UnsafePointer<Float>, saved: UnsafePointer<Float>, batch: Int,
    parameters: FusedParameters, gradients: FusedParameterGradients, inputGradient: UnsafeMutablePointer<Float>?
  ) {
    let last = planes.count - 1
    withScratch(parameters, forward: false, backward: true, gradients: gradients) { scratch in
      accumulate(gradients, scratch) { worker, sum in
        var workspace = scratch.workspace(worker)
        var hasBlank = false
        for image in range(of: worker, batch: batch) {
          // The gradient at an image needs those at all outputs of the first layer.
          let region = inputGradient == nil ? region(of: input + image * inputCount) : nil
          if region != nil && !hasBlank {
            workspace.blank.update(repeating: 0, count: blankCount)
            hasBlank = true
          }
          // Only read from here on.
          attach(UnsafeMutablePointer(mutating: saved), image: image, to: &workspace)
          planes[0].insert(input + image * inputCount, into: workspace.activations[0])
          if recomputesFirst { recomputeFirst(inside: region?.reach.doubled, parameters, workspace) }
          let gradient = outputGradient + image * outputCount
          if layers[last - 1].activation == .relu {
            planes[last].insert(
              gradient, gate: workspace.activations[last], into: workspace.gradients[last], level: device.level.code)
          } else {
            planes[last].insert(gradient, into: workspace.gradients[last])
          }
          backwardImage(region, scratch.weights, workspace, sum, inputGradient.map { $0 + image * inputCount })
        }
        if hasBlank { backwardBlank(parameters, scratch.weights, workspace, sum) }
      }
    }
  }

  /// The images that fall to one worker.
  func range(of worker: Int, batch: Int) -> Range<Int> {
    Device.range(of: worker, among: device.threads, count: batch, grain: 1)
  }

  /// The windows of an image that the first two layers have to look at; nil if that is all of it, or they cannot skip the rest.
  private func region(of image: UnsafePointer<Float>) -> NonblankRegion? {
    guard skipsBlank else { return nil }
    let layer = layers[0], channels = layer.input.channels
    var bounds: (Int32, Int32, Int32, Int32) = (0, 0, 0, 0)
    withUnsafeMutableBytes(of: &bounds) {
      vk_support_f32(
        device.level.code, Int32(layer.input.height), Int32(layer.input.width * channels), image,
        $0.assumingMemoryBound(to: Int32.self).baseAddress)
    }
    let support = FusedWindow(
      rows: Int(bounds.0)..<Int(bounds.1),
      columns: Int(bounds.2) / channels..<(Int(bounds.3) + channels - 1) / channels)
    return NonblankRegion(support: support, first: layers[0], second: layers[1])
  }

  /// Fills the planes from the input to the output.
  func forwardImage(
    _ input: UnsafePointer<Float>, _ region: NonblankRegion?, _ parameters: FusedParameters, _ weights: [FusedWeights],
    _ workspace: FusedWorkspace
  ) {
    planes[0].insert(input, into: workspace.activations[0])
    guard let region else { return forward(steps.indices, steps, parameters, weights, workspace) }
    workspace.activations[2].update(from: workspace.blank, count: blankCount)
    if !region.core.isEmpty {
      let windows = [steps[0].inside(region.reach.doubled), steps[1].inside(region.core)]
      forward(0..<2, windows, parameters, weights, workspace)
    }
    forward(2..<steps.count, steps, parameters, weights, workspace)
  }

  /// Takes a blank image through the first two layers, to `workspace.blank`.
  private func forwardBlank(_ parameters: FusedParameters, _ weights: [FusedWeights], _ workspace: FusedWorkspace) {
    var workspace = workspace
    workspace.activations[0].update(repeating: 0, count: planes[0].count)
    workspace.activations[2] = workspace.blank
    planes[2].clearBorder(workspace.blank)
    forward(0..<2, steps, parameters, weights, workspace)
  }

  private func forward(
    _ range: Range<Int>, _ steps: [FusedStep], _ parameters: FusedParameters, _ weights: [FusedWeights],
    _ workspace: FusedWorkspace
  ) {
    for i in range {
      let step = steps[i], from = workspace.activations[i], to = workspace.activations[i + 1]
      let relu = step.layer.activation == .relu
      if step.layer.transposed {
        step.scatter(
          from, packed: weights[i][.scatter], bias: parameters.biases[i], relu: relu, gate: nil,
          scratch: workspace.scratch, to: to)
      } else {
        step.gather(
          from, reuse: false, weights: weights[i][.gather], bias: parameters.biases[i], relu: relu, gate: nil,
          scratch: workspace.scratch, to: to)
      }
    }
  }

  /// The output of a first layer that the forward pass did not keep, all of it or that inside a window.
  private func recomputeFirst(
    inside window: FusedWindow?, _ parameters: FusedParameters, _ workspace: FusedWorkspace
  ) {
    // From a few channels, weights are never packed for a gather.
    (window.map(steps[0].inside) ?? steps[0]).gather(
      workspace.activations[0], reuse: false, weights: parameters.weights[0], bias: parameters.biases[0],
      relu: layers[0].activation == .relu, gate: nil, scratch: workspace.scratch, to: workspace.activations[1])
  }

  /// Takes the gradient in the last plane, already gated by the last activation, back to the first.
  func backwardImage(
    _ region: NonblankRegion?, _ weights: [FusedWeights], _ workspace: FusedWorkspace, _ sum: FusedGradientSum?,
    _ inputGradient: UnsafeMutablePointer<Float>?
  ) {
    for i in steps.indices.reversed() {
      if i == 1, let region { return backward(region: region, weights, workspace, sum) }
      accumulateGradients(of: i, steps[i], workspace, sum)
      if i > 0 || inputGradient != nil {
        backward(through: i, steps[i], weights, workspace, afterGradients: sum != nil)
      }
    }
    if let inputGradient { planes[0].extract(workspace.gradients[0], to: inputGradient) }
  }

  /// The same for the first two layers and the part of the gradient that belongs to its nonblank region; the rest goes to
  /// `workspace.blank`.
  private func backward(
    region: NonblankRegion, _ weights: [FusedWeights], _ workspace: FusedWorkspace, _ sum: FusedGradientSum?
  ) {
    planes[2].move(outside: region.core, of: workspace.gradients[2], to: workspace.blank, level: device.level.code)
    if region.core.isEmpty { return }
    accumulateGradients(of: 1, steps[1].inside(region.core), workspace, sum)
    backward(through: 1, steps[1].inside(region.reach), weights, workspace, afterGradients: sum != nil)
    accumulateGradients(of: 0, steps[0].inside(region.reach.doubled), workspace, sum)
  }

  /// The same for a blank image and the gradients in `workspace.blank`.
  private func backwardBlank(
    _ parameters: FusedParameters, _ weights: [FusedWeights], _ workspace: FusedWorkspace, _ sum: FusedGradientSum?
  ) {
    var workspace = workspace
    workspace.activations[0].update(repeating: 0, count: planes[0].count)
    workspace.gradients[2] = workspace.blank
    recomputeFirst(inside: nil, parameters, workspace)
    accumulateGradients(of: 1, steps[1], workspace, sum)
    backward(through: 1, steps[1], weights, workspace, afterGradients: sum != nil)
    accumulateGradients(of: 0, steps[0], workspace, sum)
  }

  private func accumulateGradients(
    of i: Int, _ step: FusedStep, _ workspace: FusedWorkspace, _ sum: FusedGradientSum?
  ) {
    guard let sum else { return }
    step.accumulateGradients(
      input: workspace.activations[i], outputGradient: workspace.gradients[i + 1], scratch: workspace.scratch,
      weights: sum.weights[i], bias: sum.biases[i])
  }

  /// With `afterGradients`, the gradients at the weights of the same layer have been added up just before.
  private func backward(
    through i: Int, _ step: FusedStep, _ weights: [FusedWeights], _ workspace: FusedWorkspace, afterGradients: Bool
  ) {
    let from = workspace.gradients[i + 1], to = workspace.gradients[i]
    let gate = i > 0 && layers[i - 1].activation == .relu ? UnsafePointer(workspace.activations[i]) : nil
    if step.layer.transposed {
      step.gather(
        from, reuse: afterGradients, weights: weights[i][.gather], bias: nil, relu: false, gate: gate,
        scratch: workspace.scratch, to: to)
    } else {
      step.scatter(
        from, packed: weights[i][.scatter], bias: nil, relu: false, gate: gate, scratch: workspace.scratch, to: to)
    }
  }
}
