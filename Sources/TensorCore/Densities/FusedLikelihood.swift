import CVectorKernels
import Foundation

extension Likelihood {
  private var density: vk_density {
    switch self {
    case .bernoulli: VK_BERNOULLI
    case .gaussian: VK_GAUSSIAN
    case .laplace: VK_LAPLACE
    }
  }

  private var scale: Float {
    switch self {
    case .bernoulli: 1
    case .gaussian(let deviation): deviation
    case .laplace(let scale): scale
    }
  }

  /// The part of the loss of one value that depends on neither target nor output, in nats.
  private var constant: Double {
    switch self {
    case .bernoulli: 0
    case .gaussian(let deviation): 0.5 * log(2 * .pi * Double(deviation) * Double(deviation))
    case .laplace(let scale): log(2 * Double(scale))
    }
  }

  /// The negative log-likelihood of one image in nats, and weight times its gradient at `output`.
  ///
  /// Pixels of the output at its edges have no part in it, and their gradient is 0.
  func evaluate(
    output: UnsafePointer<Float>, target: UnsafePointer<Float>, plane: FusedPlane, without edges: ImageEdges,
    weight: Float, gradient: UnsafeMutablePointer<Float>?, level: Int32
  ) -> Double {
    let row = (plane.width - edges.left - edges.right) * plane.channels
    let height = plane.height - edges.top - edges.bottom
    if edges != .none { gradient?.update(repeating: 0, count: plane.count) }
    var sum = 0.0
    for y in 0..<height {
      let offset = plane.interior + (y + edges.top) * plane.row + edges.left * plane.channels
      sum += vk_negative_log_likelihood_f32(
        level, density, scale, row, output + offset, target + y * row, weight, gradient.map { $0 + offset })
    }
    return sum + constant * Double(height * row)
  }
}

extension FusedConvolutionStack {
  /// The distortion of each image: the negative log-likelihood of its target given the stack's output, in nats, summed
  /// over pixels and channels.
  ///
  /// - Parameters:
  ///   - input: `[B, h, w, c]`.
  ///   - target: `[B, H, W, C]`, as the stack's output without its edges.
  ///   - edges: rows and columns at the edges of the stack's output that have no part in the likelihood.
  ///   - likelihood: the density; the last layer has no activation.
  ///   - batch: B ≥ 1.
  ///   - parameters: weights and biases.
  ///   - distortion: `[B]`, overwritten.
  ///   - output: `[B, H, W, C]`, overwritten with logits or means, or nil if it is not needed.
  public func likelihoodForward(
    _ input: UnsafePointer<Float>, target: UnsafePointer<Float>, without edges: ImageEdges = .none,
    likelihood: Likelihood, batch: Int, parameters: FusedParameters, distortion: UnsafeMutablePointer<Float>,
    output: UnsafeMutablePointer<Float>? = nil
  ) {
    requireFit(
      layers[layers.count - 1].activation == .identity, "likelihood",
      "a likelihood follows the last layer's linear output, not \(layers[layers.count - 1].activation)")
    let last = planes.count - 1, targetCount = edges.removing(from: self.output).count
    withScratch(parameters, forward: true, backward: false, gradients: nil) { scratch in
      device.parallel { worker in
        let workspace = scratch.workspace(worker)
        for image in range(of: worker, batch: batch) {
          forwardImage(input + image * inputCount, nil, parameters, scratch.weights, workspace)
          distortion[image] = Float(
            likelihood.evaluate(
              output: workspace.activations[last], target: target + image * targetCount, plane: planes[last],
              without: edges, weight: 0, gradient: nil, level: device.level.code))
          if let output { planes[last].extract(workspace.activations[last], to: output + image * outputCount) }
        }
      }
    }
  }

  /// The distortion of each image together with the gradients of Σ_b imageWeights[b]·distortion[b], each image
  /// forward and back in one go, while its activations are in the cache.
  ///
  /// - Parameters:
  ///   - input: `[B, h, w, c]`.
  ///   - target: `[B, H, W, C]`, as the stack's output without its edges.
  ///   - edges: rows and columns at the edges of the stack's output that have no part in the likelihood.
  ///   - likelihood: the density; the last layer has no activation.
  ///   - imageWeights: `[B]`.
  ///   - batch: B ≥ 1.
  ///   - parameters: weights and biases.
  ///   - distortion: `[B]`, overwritten.
  ///   - gradients: where the gradients at the parameters go, or nil if they are not needed.
  ///   - inputGradient: `[B, h, w, c]`, overwritten, or nil if it is not needed.
  ///   - output: `[B, H, W, C]`, overwritten with logits or means, or nil if it is not needed.
  public func likelihoodForwardBackward(
    _ input: UnsafePointer<Float>, target: UnsafePointer<Float>, without edges: ImageEdges = .none,
    likelihood: Likelihood, imageWeights: UnsafePointer<Float>, batch: Int, parameters: FusedParameters,
    distortion: UnsafeMutablePointer<Float>, gradients: FusedParameterGradients?,
    inputGradient: UnsafeMutablePointer<Float>?, output: UnsafeMutablePointer<Float>? = nil
  ) {
    requireFit(
      layers[layers.count - 1].activation == .identity, "likelihood",
      "a likelihood follows the last layer's linear output, not \(layers[layers.count - 1].activation)")
    let last = planes.count - 1, targetCount = edges.removing(from: self.output).count
    withScratch(parameters, forward: true, backward: true, gradients: gradients) { scratch in
      accumulate(gradients, scratch) { worker, sum in
        let workspace = scratch.workspace(worker)
        for image in range(of: worker, batch: batch) {
          forwardImage(input + image * inputCount, nil, parameters, scratch.weights, workspace)
          distortion[image] = Float(
            likelihood.evaluate(
              output: workspace.activations[last], target: target + image * targetCount, plane: planes[last],
              without: edges, weight: imageWeights[image], gradient: workspace.gradients[last],
              level: device.level.code))
          backwardImage(nil, scratch.weights, workspace, sum, inputGradient.map { $0 + image * inputCount })
          if let output { planes[last].extract(workspace.activations[last], to: output + image * outputCount) }
        }
      }
    }
  }
}
