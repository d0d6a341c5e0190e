import Autodiff
import Foundation
import NeuralLayers
import TensorCore
import TestSupport
import Testing

@Suite("Layers")
struct LayerTests {
  let device = Device(threads: 1)

  @Test("The rate has its closed form, and the prior itself has rate 0")
  func rate() {
    let mean = Tensor<Float>([0.5, -1, 0, 2], [2, 2], on: device)
    let logVariance = Tensor<Float>([0.1, -2, 0, 1], [2, 2], on: device)
    let q = DiagonalGaussian(mean: Variable(mean), logVariance: Variable(logVariance))
    let expected = zip(mean.elements, logVariance.elements).reduce(0.0) { sum, pair in
      let (m, v) = (Double(pair.0), Double(pair.1))
      return sum + 0.5 * (m * m + exp(v) - v - 1)
    }
    #expect(abs(Double(q.rate.scalar) - expected / 2) < 1e-6 * expected)
    let zero = Variable(Tensor<Float>(repeating: 0, [3, 4], on: device))
    #expect(DiagonalGaussian(mean: zero, logVariance: zero).rate.scalar == 0)
  }

  @Test("Samples have the mean and variance they should, and their density is the Gaussian's")
  func sampling() {
    let count = 20_000
    var stream = RandomStream(seed: 4)
    let noise = Tensor<Float>(repeating: 0, [count, 1], on: device)
    noise.withMutableElements { stream.fillNormal($0) }
    let q = DiagonalGaussian(
      mean: Variable(Tensor(repeating: 3, [count, 1], on: device)),
      logVariance: Variable(Tensor(repeating: Float(log(0.25)), [count, 1], on: device)))
    let z = q.sample(noise: noise).value.elements.map(Double.init)
    let mean = z.reduce(0, +) / Double(count)
    let variance = z.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count)
    // Five standard errors: 0.5/√N for the mean, 0.25·√(2/N) for the variance.
    #expect(abs(mean - 3) < 5 * 0.5 / Double(count).squareRoot())
    #expect(abs(variance - 0.25) < 5 * 0.25 * (2 / Double(count)).squareRoot())
    let density = q.logDensity(of: Variable(Tensor(repeating: 4, [count, 1], on: device))).value.elements[0]
    #expect(abs(Double(density) - (-0.5 * (log(2 * .pi) + log(0.25) + 4))) < 1e-5)
  }

  @Test("Gaussian and Laplace distortions are real negative log-likelihoods, constants included")
  func densities() {
    let output = Variable(Tensor<Float>([0.2, 0.9], [1, 2], on: device))
    let target = Tensor<Float>([0.5, 0.5], [1, 2], on: device)
    let gaussian = Likelihood.gaussian(standardDeviation: 0.5).distortions(output: output, target: target).scalar
    let expectedGaussian = 0.5 * ((0.09 + 0.16) / 0.25 + 2 * log(2 * Double.pi * 0.25))
    #expect(abs(Double(gaussian) - expectedGaussian) < 1e-6)
    // A scale of ½ would make the constant log 2s vanish.
    for scale in [0.2, 0.5, 3] {
      let laplace = Likelihood.laplace(scale: Float(scale)).distortions(output: output, target: target).scalar
      let expected = 0.7 / scale + 2 * log(2 * scale)
      #expect(abs(Double(laplace) - expected) < 1e-6 * max(1, abs(expected)), "scale \(scale)")
    }
  }

  @Test("Layouts go to PyTorch's order and back")
  func layouts() {
    let image = ImageShape(height: 2, width: 3, channels: 4)
    for layout: ParameterLayout in [
      .matrix(inputs: 24, outputs: 5, inputImage: image, outputImage: nil),
      .matrix(inputs: 5, outputs: 24, inputImage: nil, outputImage: image), .convolution(kernel: 3, high: 2, low: 4),
      .vector(count: 24, image: image), .vector(count: 7, image: nil),
    ] {
      let count = layout.portableShape.reduce(1, *)
      let native = (0..<count).map { Float($0) }
      #expect(layout.native(layout.portable(native)) == native)
    }
    // Ours [K·K·high, low] = [ky, kx, high, low]; theirs [low, high, ky, kx].
    let convolution = ParameterLayout.convolution(kernel: 2, high: 2, low: 3)
    let portable = convolution.portable((0..<24).map { Float($0) })
    #expect(portable[((1 * 2 + 1) * 2 + 0) * 2 + 1] == Float(((0 * 2 + 1) * 2 + 1) * 3 + 1))
  }

  @Test("Initial values lie within their bounds and depend on seed and name alone")
  func initialisation() {
    func values(_ initializer: Initializer, seed: UInt64) -> (weight: [Float], bias: [Float]) {
      let store = ParameterStore(on: device)
      let layer = Dense("layer", inputs: 30, outputs: 50, in: store)
      store.initialize(initializer, from: RandomStream(seed: seed))
      return (layer.weight.value.elements, layer.bias.value.elements)
    }
    let glorot = values(.glorotUniform, seed: 1)
    let bound = Float((6.0 / 80).squareRoot())
    #expect(glorot.weight.allSatisfy { abs($0) <= bound } && glorot.weight.contains { abs($0) > 0.9 * bound })
    #expect(glorot.bias.allSatisfy { $0 == 0 })
    let kaiming = values(.kaimingUniform, seed: 1), wide = Float((6.0 / 30).squareRoot())
    #expect(kaiming.weight.allSatisfy { abs($0) <= wide } && kaiming.weight.contains { abs($0) > 0.9 * wide })
    #expect(kaiming.bias.contains { $0 != 0 } && kaiming.bias.allSatisfy { abs($0) <= Float(1 / 30.0.squareRoot()) })
    #expect(values(.normal, seed: 1).weight == values(.normal, seed: 1).weight)
    #expect(values(.normal, seed: 1).weight != values(.normal, seed: 2).weight)
  }
}

@Suite("Optimisers")
struct OptimizerTests {
  let device = Device(threads: 2)

  func store(_ values: [Float]) -> (ParameterStore, Parameter) {
    let store = ParameterStore(on: device)
    let layer = Dense("layer", inputs: 1, outputs: values.count, in: store)
    layer.weight.value.withMutableElements { for (i, value) in values.enumerated() { $0[i] = value } }
    return (store, layer.weight)
  }

  @Test("Adam follows its algorithm, step by step in double precision")
  func adam() {
    let count = 37
    let start = (0..<count).map { Float($0) / 10 - 1 }
    let (store, weight) = store(start)
    let optimizer = Optimizer(.adam(learningRate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8), for: store)
    var p = start.map(Double.init), m = [Double](repeating: 0, count: count), v = m
    for t in 1...5 {
      let gradient = (0..<count).map { Float(($0 * 31 + t * 17) % 13) / 7 - 0.8 }
      weight.gradient.withMutableElements { for i in 0..<count { $0[i] = gradient[i] } }
      optimizer.update()
      for i in 0..<count {
        let g = Double(gradient[i])
        m[i] = 0.9 * m[i] + 0.1 * g
        v[i] = 0.999 * v[i] + 0.001 * g * g
        let corrected = (m[i] / (1 - pow(0.9, Double(t))), v[i] / (1 - pow(0.999, Double(t))))
        p[i] -= 0.01 * corrected.0 / (corrected.1.squareRoot() + 1e-8)
      }
    }
    #expect(optimizer.steps == 5)
    #expect(relativeDifference(weight.value.elements, p) < 1e-6)
  }

  @Test("Gradient descent with momentum follows its formula")
  func sgd() {
    let (store, weight) = store([1, 2])
    let optimizer = Optimizer(.sgd(learningRate: 0.1, momentum: 0.5), for: store)
    weight.gradient.withMutableElements { ($0[0], $0[1]) = (1, -2) }
    optimizer.update()
    optimizer.update()
    // Velocities 1 then 1.5: 1 − 0.1 − 0.15; likewise 2 + 0.2 + 0.3.
    #expect(relativeDifference(weight.value.elements, [0.75, 2.5]) < 1e-6)
  }
}
