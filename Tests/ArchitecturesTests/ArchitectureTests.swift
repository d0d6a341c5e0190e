import Architectures
import Autodiff
import Diagnostics
import NeuralLayers
import TensorCore
import TestSupport
import Testing

@Suite("Architectures")
struct ArchitectureTests {
  static let dsprites = ImageShape(height: 64, width: 64, channels: 1)

  @Test(
    "Trainable parameters for 64×64×1 images and 10 latents",
    arguments: [
      ("burgess", 252_052, 249_953), ("locatello", 309_204, 381_313), ("fully-connected", 6_381_620, 7_814_896),
      ("convolutional-batchnorm", 651_860, 646_721), ("spatial-broadcast", 252_052, 328_257),
      ("spatial-broadcast-locatello", 309_204, 328_257), ("residual", 2_261_460, 1_680_737),
    ])
  func parameterCounts(name: String, encoder: Int, decoder: Int) throws {
    let architecture = try #require(Registry<Architecture>.standard.entries.first { $0.name == name })
    let store = ParameterStore(on: Device(threads: 1))
    _ = try architecture.build(Self.dsprites, 10, store)
    func count(_ prefix: String) -> Int {
      store.entries.filter { $0.name.hasPrefix(prefix) }.reduce(0) { $0 + $1.shape.count }
    }
    #expect(count("encoder.") == encoder)
    #expect(count("decoder.") == decoder)
    #expect(store.count == encoder + decoder)
  }

  @Test(
    "Any latent size and channel count gives posteriors and images of the right shape",
    arguments: Registry<Architecture>.standard.entries.map(\.name), [(1, 1), (7, 3), (64, 2)])
  func shapes(name: String, size: (latents: Int, channels: Int)) throws {
    let device = Device(threads: 2)
    let architecture = try #require(Registry<Architecture>.standard.entries.first { $0.name == name })
    let store = ParameterStore(on: device)
    let image = ImageShape(height: 64, width: 64, channels: size.channels)
    let networks = try architecture.build(image, size.latents, store)
    store.initialize(.glorotUniform, from: RandomStream(seed: 1))
    let images = Tensor<Float>(repeating: 0.5, image.batch(3), on: device)
    let pass = Pass.evaluation(on: device)
    let posterior = networks.encoder(images, pass)
    #expect(posterior.mean.shape == [3, size.latents])
    #expect(posterior.logVariance.shape == [3, size.latents])
    #expect(networks.decoder(posterior.mean, pass).shape == image.batch(3))
    let distortion = networks.decoder.distortions(
      of: images, from: posterior.mean, .gaussian(standardDeviation: 1), pass)
    #expect(distortion.shape == [3])
    #expect(distortion.value.elements.allSatisfy { $0.isFinite })
  }

  @Test("The convolutions of the zoo run through the fused kernels", arguments: ["burgess", "locatello"])
  func fused(name: String) throws {
    let architecture = try #require(Registry<Architecture>.standard.entries.first { $0.name == name })
    let networks = try architecture.build(Self.dsprites, 10, ParameterStore(on: Device(threads: 1)))
    #expect(networks.encoder.isFused)
    #expect(networks.decoder.isFused)
  }

  /// Sizes that halve evenly and sizes that do not, square and not. The fully connected networks of large images have
  /// hundreds of millions of weights, and nothing that depends on the size.
  static let imageSizes: [(name: String, height: Int, width: Int)] =
    ["burgess", "locatello"].flatMap { name in
      [(16, 16), (28, 28), (32, 32), (64, 64), (96, 96), (128, 128), (256, 256), (48, 80), (80, 16)].map {
        (name, $0.0, $0.1)
      }
    } + [("fully-connected", 16, 16), ("fully-connected", 28, 28), ("fully-connected", 48, 20)]
    + ["convolutional-batchnorm", "residual", "spatial-broadcast"].flatMap { name in
      [(32, 32), (64, 64), (96, 96), (128, 128)].map { (name, $0.0, $0.1) }
    } + [("convolutional-batchnorm", 28, 28), ("residual", 48, 80), ("spatial-broadcast-locatello", 20, 33)]

  @Test("Images of any size train for a step: finite loss, exact shapes, gradients everywhere", arguments: imageSizes)
  func sizes(size: (name: String, height: Int, width: Int)) throws {
    let name = size.name
    let architecture = try #require(Registry<Architecture>.standard.entries.first { $0.name == name })
    for channels in [1, 3] {
      let device = Device(threads: 2), store = ParameterStore(on: device)
      let image = ImageShape(height: size.height, width: size.width, channels: channels)
      #expect(architecture.requirement(image) == nil)
      let networks = try architecture.build(image, 3, store)
      store.initialize(.glorotUniform, from: RandomStream(seed: 1))
      let images = Tensor<Float>(repeating: 0, image.batch(2), on: device)
      var stream = RandomStream(seed: 2)
      images.withMutableElements { for i in $0.indices { $0[i] = Float(stream.uniform()) } }
      let pass = Pass(training: [store], on: device)
      let posterior = networks.encoder(images, pass)
      #expect(posterior.mean.shape == [2, 3] && posterior.logVariance.shape == [2, 3])
      let loss = networks.decoder.meanDistortion(of: images, from: posterior.mean, .bernoulli, pass) + posterior.rate
      #expect(loss.scalar.isFinite && loss.scalar > 0)
      try pass.tape.backward(from: loss)
      for index in store.entries.indices {
        let parameter = store.parameter(at: index), gradient = parameter.gradient.elements
        #expect(gradient.allSatisfy { $0.isFinite } && gradient.contains { $0 != 0 }, "\(image): \(parameter.name)")
      }
      let evaluation = Pass.evaluation(on: device)
      let codes = networks.encoder(images, evaluation).mean
      let output = networks.decoder(codes, evaluation)
      #expect(output.shape == image.batch(2))
      // Both ways to the loss: with its gradient inside, and image by image.
      let distortions = networks.decoder.distortions(of: images, from: codes, .bernoulli, evaluation)
      let reference = Likelihood.bernoulli.distortions(output: output, target: images)
      #expect(relativeDifference(distortions.value.elements, reference.value.elements) < 1e-5)
    }
  }

  @Test(
    "burgess has one convolution for each halving of the shorter side to 4",
    arguments: [
      (16, 16, 2), (28, 28, 3), (32, 32, 3), (64, 64, 4), (96, 96, 5), (128, 128, 5), (256, 256, 6), (48, 80, 4),
    ])
  func halvings(height: Int, width: Int, convolutions: Int) throws {
    let store = ParameterStore(on: Device(threads: 1)), image = ImageShape(height: height, width: width)
    let networks = try Architecture.burgess.build(image, 10, store)
    func count(_ network: Network) -> Int { network.steps.count { if case .convolution = $0 { true } else { false } } }
    #expect(count(networks.encoder.network) == convolutions && count(networks.decoder.network) == convolutions)
    #expect(networks.encoder.isFused && networks.decoder.isFused)
    let linear = try #require(store.entries.first { $0.name == "encoder.linear1.weight" })
    #expect(linear.shape[0] == (height == 48 ? 4 * 8 * 32 : 4 * 4 * 32))
  }

  @Test("The padding of an image that does not halve evenly is centred, and its pixels come back where they were")
  func padding() throws {
    let device = Device(threads: 1), image = ImageShape(height: 28, width: 28)
    let networks = try Architecture.burgess.build(image, 2, ParameterStore(on: device))
    guard case .padding(let padding)? = networks.encoder.network.steps.first,
      case .cropping(let cropping)? = networks.decoder.network.steps.last
    else {
      Issue.record("no padding or no cropping")
      return
    }
    #expect(padding.edges == ImageEdges(top: 2, left: 2, bottom: 2, right: 2) && cropping.edges == padding.edges)
    let x = Variable(Tensor<Float>((0..<784).map(Float.init), image.batch(1), on: device))
    let padded = padding(x, .evaluation(on: device))
    #expect(padded.shape == [1, 32, 32, 1] && padded.value.total() == x.value.total())
    #expect(cropping(padded, .evaluation(on: device)).value.elements == x.value.elements)
  }

  @Test(
    "An image of a size that cannot be taken is refused with what is needed", arguments: [(15, 64), (64, 257), (8, 8)])
  func requirement(height: Int, width: Int) {
    let image = ImageShape(height: height, width: width)
    #expect(Architecture.burgess.requirement(image) == "images of 16 to 256 pixels a side")
    #expect(Architecture.locatello.requirement(image) == "images of 16 to 256 pixels a side")
    #expect(Architecture.fullyConnected.requirement(image) == nil)
  }

  @Test("Names are unique")
  func registry() {
    let names = Registry<Architecture>.standard.entries.map(\.name)
    #expect(Set(names).count == names.count)
  }
}
