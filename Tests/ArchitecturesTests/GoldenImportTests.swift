import Architectures
import Autodiff
import FileFormats
import NeuralLayers
import TensorCore
import TestSupport
import Testing

@Suite(
  "Golden PyTorch models",
  .enabled(
    if: Golden.has("pytorch_models"), "no reference models: set DISENTANGLE_GOLDEN to the folder with pytorch_models"))
struct GoldenImportTests {
  /// The names disentangling-vae gives to our layers; its encoder's heads are interleaved, μ₀, v₀, μ₁, v₁, ….
  static let names = [
    "encoder.convolution1": "encoder.conv1", "encoder.convolution2": "encoder.conv2",
    "encoder.convolution3": "encoder.conv3", "encoder.convolution4": "encoder.conv_64",
    "encoder.linear1": "encoder.lin1", "encoder.linear2": "encoder.lin2", "encoder.posterior": "encoder.mu_logvar_gen",
    "decoder.linear1": "decoder.lin1", "decoder.linear2": "decoder.lin2", "decoder.linear3": "decoder.lin3",
    "decoder.convolution1": "decoder.convT_64", "decoder.convolution2": "decoder.convT1",
    "decoder.convolution3": "decoder.convT2", "decoder.convolution4": "decoder.convT3",
  ]

  func load(_ name: String, on device: Device) throws -> Networks {
    let store = ParameterStore(on: device)
    let networks = Architecture.burgess.build(ArchitectureTests.dsprites, 10, store)
    let file = try Safetensors(reading: Golden.path("pytorch_models/models/\(name)_dsprites.safetensors"))
    for index in store.entries.indices {
      let parameter = store.parameter(at: index)
      let dot = try #require(parameter.name.lastIndex(of: "."))
      let layer = String(parameter.name[..<dot]), kind = parameter.name[dot...]
      var values = try file.floats(
        try #require(Self.names[layer]) + kind, shape: parameter.layout.portableShape)
      if layer == "encoder.posterior" {
        let row = values.count / 20
        let rows = (0..<20).map { Array(values[$0 * row..<($0 + 1) * row]) }
        values = (0..<10).flatMap { rows[2 * $0] } + (0..<10).flatMap { rows[2 * $0 + 1] }
      }
      let native = parameter.layout.native(values)
      parameter.value.copy(from: Tensor(native, parameter.value.shape, on: device))
    }
    return networks
  }

  @Test(
    "Posteriors and reconstructions equal PyTorch's to 1e-4", arguments: ["VAE", "betaH", "betaB", "factor", "btcvae"])
  func outputs(name: String) throws {
    let device = Device(threads: 2)
    let golden = try HDF5File(reading: Golden.path("pytorch_models/reference_outputs.h5"))
    let networks = try load(name, on: device)
    let (pixels, shape) = try golden.read("images", as: Float.self)
    let images = Tensor(pixels, [shape[0], 64, 64, 1], on: device)
    let pass = Pass.evaluation(on: device)
    let posterior = networks.encoder(images, pass)
    #expect(
      absoluteDifference(
        posterior.mean.value.elements, try golden.read("\(name)/mu_f64", as: Double.self).values) <= 1e-4)
    #expect(
      absoluteDifference(
        posterior.logVariance.value.elements, try golden.read("\(name)/logvar_f64", as: Double.self).values) <= 1e-4)
    let output = networks.decoder(posterior.mean, pass)
    #expect(
      absoluteDifference(
        output.sigmoid().value.elements, try golden.read("\(name)/recon", as: Double.self).values) <= 1e-4)
    let distortion = networks.decoder.distortion(
      of: images, from: posterior.mean, .bernoulli, entersAsMean: false, pass)
    #expect(
      relativeDifference(
        distortion.value.elements, try golden.read("\(name)/bce_per_image", as: Double.self).values) <= 1e-5)
  }
}
