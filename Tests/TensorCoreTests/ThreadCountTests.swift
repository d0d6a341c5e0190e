import Synchronization
import TensorCore
import TestSupport
import Testing

/// Every parallel operation on 1, 2, 3, 8 and 64 threads, with fewer items than threads and with more, against one
/// thread.
@Suite("Thread counts: tensors") struct ThreadCountTests {
  private func tensor(_ label: String, _ shape: Shape, _ device: Device) -> Tensor<Float> {
    Tensor(MatrixProductTests.values(shape.count, label), shape, on: device)
  }

  /// Expects the same bits on every number of threads: items are split, sums are not.
  private func expectSameBits(
    _ label: String, sourceLocation: SourceLocation = #_sourceLocation, _ results: (Device) -> [[Float]]
  ) {
    let alone = results(Device(threads: 1)).flatMap(\.self)
    #expect(alone.allSatisfy({ $0.isFinite }), "\(label)", sourceLocation: sourceLocation)
    for threads in threadCounts {
      expectSame(
        results(Device(threads: threads)).flatMap(\.self), alone, "\(label), \(threads) threads",
        sourceLocation: sourceLocation)
    }
  }

  /// Expects the same values up to the rounding of sums that are split among the threads, and the same bits when it is
  /// repeated.
  private func expectSameSums(
    _ label: String, tolerance: Double, sourceLocation: SourceLocation = #_sourceLocation,
    _ results: (Device) -> [[Float]]
  ) {
    let alone = results(Device(threads: 1))
    for threads in threadCounts {
      let device = Device(threads: threads), first = results(device)
      for (index, (result, expected)) in zip(first, alone).enumerated() {
        #expect(
          relativeDifference(result, expected) <= tolerance, "\(label), result \(index), \(threads) threads",
          sourceLocation: sourceLocation)
      }
      expectSame(
        results(device).flatMap(\.self), first.flatMap(\.self), "\(label), \(threads) threads again",
        sourceLocation: sourceLocation)
    }
  }

  @Test("Ranges cover every item once, in multiples of the grain", arguments: threadCounts)
  func ranges(threads: Int) {
    let device = Device(threads: threads)
    for count in [0, 1, 2, 7, 63, 64, 65, 1000] {
      for grain in [1, 3, 64] {
        let counts = (0..<count).map { _ in Counter() }
        device.forEachRange(count, grain: grain) { worker, range in
          #expect(worker < threads && range.lowerBound % grain == 0)
          for item in range { counts[item].add() }
        }
        #expect(counts.allSatisfy { $0.value == 1 }, "\(count) items, grain \(grain)")
      }
    }
  }

  @Test("Items are taken once each, and the error is that of the lowest item that failed", arguments: threadCounts)
  func items(threads: Int) throws {
    struct Failure: Error { let item: Int }
    let device = Device(threads: threads)
    for count in [0, 1, 2, 65, 500] {
      let counts = (0..<count).map { _ in Counter() }
      try device.forEachItem(count) { _, item in counts[item].add() }
      #expect(counts.allSatisfy { $0.value == 1 })
    }
    let failure = #expect(throws: Failure.self) {
      try device.forEachItem(500) { _, item in if item == 7 { throw Failure(item: item) } }
    }
    #expect(failure?.item == 7)
  }

  @Test("Matrix products", arguments: MatrixProductTests.examples)
  func products(example: MatrixProductTests.Example) {
    let (m, n, k) = (example.m, example.n, example.k)
    // A product is split by rows or columns: OpenBLAS and the packed kernel may sum a narrower block in another order,
    // so the bits may differ by the rounding of k products.
    for (transposeA, transposeB) in [(false, false), (false, true), (true, false), (true, true)] {
      expectSameSums("product", tolerance: 6e-7 * Double(k).squareRoot()) { device in
        let result = tensor("c", [m, n], device)
        Tensor.multiply(
          tensor("a", transposeA ? [k, m] : [m, k], device), transposeA: transposeA,
          tensor("b", transposeB ? [n, k] : [k, n], device), transposeB: transposeB, into: result, accumulate: true)
        return [result.elements]
      }
    }
  }

  @Test("Element by element, activations, optimisers", arguments: [1, 2, 1000, 40_000])
  func elements(count: Int) {
    expectSameBits("elements") { device in
      let a = tensor("a", [count], device), b = tensor("b", [count], device)
      let sum = tensor("a", [count], device)
      sum.add(b)
      let moments = [Tensor<Float>(repeating: 0, [count], on: device), Tensor(repeating: 0, [count], on: device)]
      let adam = tensor("a", [count], device)
      adam.adam(
        gradient: b, first: moments[0], second: moments[1],
        AdamStep(rate: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, step: 1))
      let velocity = tensor("v", [count], device), descended = tensor("a", [count], device)
      velocity.descend(descended, gradient: b, rate: 0.1, momentum: 0.9)
      let activated = tensor("a", [count / 8 + 1, 8], device)
      activated.activate(.leakyReLU(slope: 0.5), bias: tensor("bias", [8], device))
      let slopes = activated.activationGradient(.leakyReLU(slope: 0.5), tensor("g", activated.shape, device))
      return [
        a.map(.exp), a.affine(scale: 2, shift: 1), a.combined(.multiply, b), sum, adam, moments[0], moments[1],
        velocity,
        descended, activated, slopes,
      ].map(\.elements)
    }
  }

  @Test("Sums and log-sum-exp over an axis", arguments: [[1, 5], [3, 1], [40, 300], [300, 40]])
  func reductions(shape: [Int]) {
    expectSameBits("reductions") { device in
      let x = tensor("x", Shape(shape), device)
      return [x.sum(axis: 0), x.sum(axis: 1), x.logSumExp(axis: 1), x.logSumExp(axis: 0)].map(\.elements)
    }
  }

  @Test("Normalisation by batch and by groups of channels, with its gradients", arguments: [1, 2, 70])
  func normalization(batch: Int) {
    // Sums over the rows are split among the threads and added in double precision.
    for groups in [NormalizationGroups.batch, .channels(4)] {
      expectSameSums("normalisation", tolerance: 1e-5) { device in
        let x = tensor("x", [batch, 5, 5, 8], device), scale = tensor("scale", [8], device)
        let statistics = x.normalizationStatistics(groups)
        let y = x.normalized(
          statistics, scale: scale, shift: tensor("shift", [8], device), epsilon: 1e-5, activation: .relu)
        let gradients = x.normalizationGradient(
          statistics, scale: scale, epsilon: 1e-5, gradient: tensor("g", x.shape, device), throughStatistics: true,
          needsInput: true)
        return [y.elements, gradients.input?.elements ?? [], gradients.scale.elements, gradients.shift.elements]
      }
    }
  }

  @Test("Operations on images", arguments: [1, 2, 70])
  func images(batch: Int) {
    expectSameBits("images") { device in
      let x = tensor("x", [batch, 6, 4, 3], device), edges = ImageEdges(top: 1, left: 0, bottom: 2, right: 1)
      return [
        x.padded(edges), x.cropped(edges), x.upsampled(by: 2), x.blockSums(by: 2),
        tensor("code", [batch, 5], device).spatiallyBroadcast(height: 3, width: 4),
      ].map(\.elements)
    }
  }

  @Test("Convolutions of any kernel, and their gradients", arguments: [1, 2, 5, 70], [false, true])
  func convolutions(batch: Int, transposed: Bool) {
    let geometry = ConvolutionGeometry(
      kernel: 3, stride: 2, padding: 1, high: ImageShape(height: 9, width: 7, channels: 3), lowChannels: 5)
    let layer = ConvolutionLayer(geometry, transposed: transposed, activation: .relu)
    // Weight gradients are sums over the images, split among the threads.
    expectSameSums("convolution", tolerance: 2e-5) { device in
      let input = tensor("input", layer.input.batch(batch), device)
      let weights = tensor("weights", geometry.weightShape, device)
      let output = input.convolved(layer, weights: weights, bias: tensor("bias", [layer.output.channels], device))
      let weightGradient = tensor("before", weights.shape, device)
      let biasGradient = tensor("before", [layer.output.channels], device)
      let inputGradient = Tensor<Float>(repeating: 7, input.shape, on: device)
      output.convolutionGradients(
        layer, input: input, weights: weights, gradient: tensor("gradient", output.shape, device),
        weightGradient: weightGradient, biasGradient: biasGradient, inputGradient: inputGradient)
      return [output, weightGradient, biasGradient, inputGradient].map(\.elements)
    }
  }

  @Test(
    "Fused stacks and likelihoods", arguments: [FusedExample.unevenEncoder, .unevenDecoder, .oddDecoder], [1, 2, 11])
  func fused(example: FusedExample, batch: Int) throws {
    let problem = FusedProblem(example.layers(channels: 1), batch: batch), count = problem.outputCount
    let gradient = Floats(uniform(batch * count, seed: 5)), weights = Floats(uniform(batch, seed: 6).map { 1 + $0 })
    let target = Floats(uniform(batch * count, seed: 7).map { $0 > 0 ? 1 : 0 })
    expectSameSums("fused", tolerance: 2e-5) { device in
      guard let stack = FusedConvolutionStack(layers: problem.layers, device: device) else { return [] }
      let output = Floats(count: batch * count), saved = Floats(count: stack.savedCount(batch: batch))
      let gradients = FusedGradientArrays(problem.layers), inputGradient = Floats(count: problem.input.count)
      stack.forward(
        problem.input.pointer, batch: batch, parameters: problem.parameters, output: output.pointer,
        saved: saved.pointer)
      stack.backward(
        outputGradient: gradient.pointer, input: problem.input.pointer, saved: saved.pointer, batch: batch,
        parameters: problem.parameters, gradients: gradients.target(), inputGradient: inputGradient.pointer)
      var results = [output.values, inputGradient.values] + gradients.values
      if problem.layers[0].transposed {
        let distortion = Floats(count: batch), others = FusedGradientArrays(problem.layers)
        stack.likelihoodForwardBackward(
          problem.input.pointer, target: target.pointer, likelihood: .bernoulli, imageWeights: weights.pointer,
          batch: batch, parameters: problem.parameters, distortion: distortion.pointer, gradients: others.target(),
          inputGradient: inputGradient.pointer, output: output.pointer)
        results += [distortion.values, output.values, inputGradient.values] + others.values
      }
      return results
    }
  }

  @Test("Densities of mixtures, of pairs of latents, and of codes under posteriors", arguments: [1, 5, 130])
  func densities(points: Int) {
    let mixture = MixtureDensityTests.Mixture(count: 700, d: 3, seed: 1), z = mixture.points(points, seed: 2)
    let alone = densities(of: mixture, at: z, Device(threads: 1))
    for threads in threadCounts {
      // Components are summed in tiles of one size, whoever has them.
      let same = densities(of: mixture, at: z, Device(threads: threads)) == alone
      #expect(same && alone.allSatisfy { $0.isFinite }, "\(threads) threads")
    }
    expectSameBits("pairwise") { device in
      let codes = Tensor(z, [points, 3], on: device)
      let mean = tensor("mean", [20, 3], device), logVariance = tensor("log variance", [20, 3], device)
      let gradients = Tensor.pairwiseGaussianGradient(
        codes, mean, logVariance, gradient: tensor("gradient", [3, points, 20], device))
      return [
        Tensor.pairwiseGaussian(codes, mean, logVariance), gradients.codes, gradients.mean, gradients.logVariance,
      ].map(\.elements)
    }
  }

  private func densities(of mixture: MixtureDensityTests.Mixture, at z: [Float], _ device: Device) -> [Double] {
    let density = MixtureDensity(
      means: mixture.means, logVariances: mixture.logVariances, dimensions: mixture.d, on: device)
    let both = density.logDensities(at: z, marginals: true, on: device)
    return both.joint + both.marginals
      + density.logPairDensities(
        at: z, references: [Double](repeating: 0, count: z.count / mixture.d * 3), on: device)
  }
}

/// A number that threads raise.
private final class Counter: Sendable {
  private let count = Atomic<Int>(0)
  func add() { count.add(1, ordering: .relaxed) }
  var value: Int { count.load(ordering: .relaxed) }
}
