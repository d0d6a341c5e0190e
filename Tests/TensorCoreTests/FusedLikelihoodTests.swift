import Foundation
import TensorCore
import Testing

@Suite("FusedLikelihood")
struct FusedLikelihoodTests {
  /// −log p(t | x) and its derivative at x, from the definition.
  private func loss(_ likelihood: Likelihood, _ x: Double, _ t: Double) -> (Double, Double) {
    switch likelihood {
    case .bernoulli:
      return (max(x, 0) - x * t + log1p(exp(-abs(x))), 1 / (1 + exp(-x)) - t)
    case .gaussian(let deviation):
      let s = Double(deviation)
      return (0.5 * ((t - x) * (t - x) / (s * s) + log(2 * .pi * s * s)), (x - t) / (s * s))
    case .laplace(let scale):
      let s = Double(scale)
      return (abs(t - x) / s + log(2 * s), (x > t ? 1 : x < t ? -1 : 0) / s)
    }
  }

  @Test(
    "distortion and the gradients of its weighted sum agree with the definition, at every level, with one thread and two",
    arguments: [
      (FusedExample.burgessDecoder, 1, Likelihood.bernoulli),
      (.burgessDecoder, 3, .gaussian(standardDeviation: 0.7)),
      (.burgessDecoder, 1, .laplace(scale: 0.5)),
      (.locatelloDecoder, 3, .bernoulli),
      (.locatelloDecoder, 1, .gaussian(standardDeviation: 0.1)),
      (.unevenDecoder, 3, .laplace(scale: 2)),
      (.unevenDecoder, 1, .bernoulli),
    ], [1, 3, 8])
  func agreesWithDefinition(example: (FusedExample, Int, Likelihood), batch: Int) throws {
    let (shape, channels, likelihood) = example
    let problem = FusedProblem(shape.layers(channels: channels), batch: batch, seed: 3)
    let count = problem.outputCount
    let target = Floats(uniform(batch * count, seed: 40).map { likelihood == .bernoulli ? ($0 > 0 ? 1 : 0) : $0 })
    let weights = Floats(uniform(batch, seed: 41).map { 1 + $0 })

    var reference = problem.reference
    var outputs: [Double] = [], inputGradients: [Double] = [], distortions: [Double] = []
    for b in 0..<batch {
      let activations = reference.activations(problem.image(b))
      let output = activations[problem.layers.count]
      let pixels = zip(output, target.values[b * count..<(b + 1) * count]).map { loss(likelihood, $0, Double($1)) }
      outputs += output
      distortions.append(pixels.reduce(0) { $0 + $1.0 })
      inputGradients += reference.backward(
        activations, outputGradient: pixels.map { $0.1 * Double(weights.values[b]) })
    }

    for device in devices {
      let label = "\(device.level), \(device.threads) threads"
      let stack = try #require(FusedConvolutionStack(layers: problem.layers, device: device))
      let distortion = Floats(count: batch), output = Floats(count: batch * count)
      let gradients = FusedGradientArrays(problem.layers), inputGradient = Floats(count: inputGradients.count)
      stack.likelihoodForwardBackward(
        problem.input.pointer, target: target.pointer, likelihood: likelihood, imageWeights: weights.pointer,
        batch: batch, parameters: problem.parameters, distortion: distortion.pointer, gradients: gradients.target(),
        inputGradient: inputGradient.pointer, output: output.pointer)
      // A sum of thousands of pixels whose errors are independent: 1e-6 of the sum.
      expectClose(distortion.values, distortions, tolerance: 1e-6, "\(label): distortion")
      expectClose(output.values, outputs, "\(label): output")
      expectClose(inputGradient.values, inputGradients, "\(label): input gradient")
      for i in problem.layers.indices {
        expectClose(gradients.weights[i].values, reference.weightGradients[i], "\(label): weights of layer \(i)")
        expectClose(gradients.biases[i].values, reference.biasGradients[i], "\(label): bias of layer \(i)")
      }

      let alone = Floats(count: batch), decoded = Floats(count: batch * count)
      stack.likelihoodForward(
        problem.input.pointer, target: target.pointer, likelihood: likelihood, batch: batch,
        parameters: problem.parameters, distortion: alone.pointer, output: decoded.pointer)
      expectSame(alone.values, distortion.values, "\(label): distortion without gradients")
      expectSame(decoded.values, output.values, "\(label): output without gradients")
    }
  }

  @Test("large logits lose nothing", arguments: VectorLevel.allCases.filter { $0 <= .best })
  func largeLogits(level: VectorLevel) throws {
    // A bias alone decides the logits: weights and input are zero.
    let layers = [
      ConvolutionLayer(
        from: ImageShape(height: 4, width: 4, channels: 32), channels: 1, kernel: 4, stride: 2, padding: 1,
        transposed: true)
    ]
    let stack = try #require(FusedConvolutionStack(layers: layers, device: Device(threads: 1, level: level)))
    let input = Floats([Float](repeating: 0, count: 512))
    let weights = Floats([Float](repeating: 0, count: 512))
    for logit: Float in [-200, -90, -20, -1, 0, 1, 20, 90, 200] {
      for wanted: Float in [0, 1] {
        let bias = Floats([logit]), target = Floats([Float](repeating: wanted, count: 64))
        let distortion = Floats(count: 1)
        stack.likelihoodForward(
          input.pointer, target: target.pointer, likelihood: .bernoulli, batch: 1,
          parameters: FusedParameters(weights: [weights.constant], biases: [bias.constant]),
          distortion: distortion.pointer)
        let expected = 64 * loss(.bernoulli, Double(logit), Double(wanted)).0
        // Relative to the loss itself, except where exp(−|l|) is below float's normal range.
        #expect(abs(Double(distortion.values[0]) - expected) <= 1e-6 * expected + 1e-36)
      }
    }
  }
}
