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
    ])
  func parameterCounts(name: String, encoder: Int, decoder: Int) throws {
    let architecture = try #require(Registry<Architecture>.standard.entries.first { $0.name == name })
    let store = ParameterStore(on: Device(threads: 1))
    _ = architecture.build(Self.dsprites, 10, store)
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
    let networks = architecture.build(image, size.latents, store)
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
    let networks = architecture.build(Self.dsprites, 10, ParameterStore(on: Device(threads: 1)))
    #expect(networks.encoder.isFused)
    #expect(networks.decoder.isFused)
  }

  @Test("An image of another size is refused with what is needed")
  func requirement() {
    let small = ImageShape(height: 32, width: 32, channels: 1)
    #expect(Architecture.burgess.requirement(small) == "images of 64×64 pixels")
    #expect(Architecture.locatello.requirement(small) == "images of 64×64 pixels")
    #expect(Architecture.fullyConnected.requirement(small) == nil)
  }

  @Test("Names are unique")
  func registry() {
    let names = Registry<Architecture>.standard.entries.map(\.name)
    #expect(Set(names).count == names.count)
  }
}
