import Architectures
import Diagnostics
import Experiment
import FileFormats
import Foundation
import NeuralLayers
import TensorCore
import TestSupport
import Testing

/// Weights with the modules of beta-tcvae, made and evaluated by PyTorch.
@Suite("Weights of beta-tcvae")
struct BetaTCVAEWeightsTests {
  /// Modules of these names and shapes with random parameters and statistics, their weights, and what they compute.
  private static let script = """
    import sys, numpy as np, torch
    from torch import nn
    from safetensors.torch import save_file
    folder, kind, latents, prefix = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
    torch.manual_seed(3)
    model = nn.ModuleDict({"encoder": nn.Module(), "decoder": nn.Module()})
    encoder, decoder = model["encoder"], model["decoder"]
    model.register_buffer("prior_params", torch.zeros(latents, 2))
    if kind == "convolutional-batchnorm":
        sizes = [1, 32, 32, 64, 64, 512]
        for i in range(1, 6):
            setattr(encoder, f"conv{i}", nn.Conv2d(sizes[i - 1], sizes[i], 4, *((2, 1) if i < 5 else ())))
            setattr(encoder, f"bn{i}", nn.BatchNorm2d(sizes[i]))
        encoder.conv_z = nn.Conv2d(512, 2 * latents, 1)
        decoder.conv1 = nn.ConvTranspose2d(latents, 512, 1, 1, 0)
        decoder.conv2 = nn.ConvTranspose2d(512, 64, 4, 1, 0)
        decoder.conv3 = nn.ConvTranspose2d(64, 64, 4, 2, 1)
        decoder.conv4 = nn.ConvTranspose2d(64, 32, 4, 2, 1)
        decoder.conv5 = nn.ConvTranspose2d(32, 32, 4, 2, 1)
        decoder.conv_final = nn.ConvTranspose2d(32, 1, 4, 2, 1)
        for i, channels in enumerate([512, 64, 64, 32, 32]):
            setattr(decoder, f"bn{i + 1}", nn.BatchNorm2d(channels))
        def encode(x):
            for i in range(1, 6):
                x = torch.relu(getattr(encoder, f"bn{i}")(getattr(encoder, f"conv{i}")(x)))
            return encoder.conv_z(x)
        def decode(z):
            x = z.view(-1, latents, 1, 1)
            for i in range(1, 6):
                x = torch.relu(getattr(decoder, f"bn{i}")(getattr(decoder, f"conv{i}")(x)))
            return decoder.conv_final(x)
    else:
        encoder.fc1, encoder.fc2 = nn.Linear(4096, 1200), nn.Linear(1200, 1200)
        encoder.fc3 = nn.Linear(1200, 2 * latents)
        encoder.conv_z = nn.Conv2d(64, 2 * latents, 4, 1, 0)
        decoder.net = nn.Sequential(
            nn.Linear(latents, 1200), nn.Tanh(), nn.Linear(1200, 1200), nn.Tanh(), nn.Linear(1200, 1200), nn.Tanh(),
            nn.Linear(1200, 4096))
        encode = lambda x: encoder.fc3(torch.relu(encoder.fc2(torch.relu(encoder.fc1(x.flatten(1))))))
        decode = lambda z: decoder.net(z)
    for name, buffer in model.named_buffers():
        if "running" in name:
            buffer.copy_(torch.rand_like(buffer) + 0.5)
    model.eval()
    save_file({prefix + k: v for k, v in model.state_dict().items() if not prefix or k != "prior_params"},
              f"{folder}/model.safetensors")
    x = (torch.rand(5, 1, 64, 64) < 0.3).float()
    with torch.no_grad():
        parameters = encode(x).view(5, latents, 2)
        mean, log_sigma = parameters[..., 0], parameters[..., 1]
        output = decode(mean)
    for name, values in ("x", x), ("mean", mean), ("log_sigma", log_sigma), ("output", output):
        values.contiguous().numpy().tofile(f"{folder}/{name}")
    """

  @Test(
    "Imported models compute what PyTorch computes, under a module's name too",
    .enabled(
      if: PythonScript.has("torch", "safetensors", "numpy"), "python3 with torch and safetensors is not installed"),
    arguments: [("convolutional-batchnorm", ""), ("fully-connected", ""), ("convolutional-batchnorm", "model.vae.")])
  func computes(architecture: String, prefix: String) throws {
    let folder = try TemporaryFolder()
    let (status, output) = try PythonScript.run(Self.script, folder.path, architecture, "3", prefix)
    try #require(status == 0, "\(output)")
    func floats(_ name: String) throws -> [Float] {
      try Data(contentsOf: URL(fileURLWithPath: folder.file(name))).withUnsafeBytes {
        Array($0.bindMemory(to: Float.self))
      }
    }
    let device = Device(threads: 2), file = try Safetensors(reading: folder.file("model.safetensors"))
    let entry = try Registry<Architecture>.standard.entry(named: architecture, at: "test")
    let model = try Model(
      entry, image: ImageShape(height: 64, width: 64), latents: 3, likelihood: .bernoulli, on: device)
    try WeightsFile.read(into: model, from: file, layout: .betaTCVAE)
    let images = Tensor(try floats("x"), [5, 64, 64, 1], on: device), pass = Pass.evaluation(on: device)
    let posterior = model.encoder(images, pass)
    // Both sum thousands of float32 products, in different orders: 1e-5 of the largest value.
    #expect(relativeDifference(posterior.mean.value.elements, try floats("mean")) <= 1e-5)
    #expect(relativeDifference(posterior.logVariance.value.elements.map { $0 / 2 }, try floats("log_sigma")) <= 1e-5)
    #expect(relativeDifference(model.decoder(posterior.mean, pass).value.elements, try floats("output")) <= 1e-5)

    // Written back, every tensor is as it was.
    let path = folder.file("back.safetensors")
    try WeightsFile.write(model, configuration: "", layout: .betaTCVAE, to: path)
    let back = try Safetensors(reading: path)
    for entry in back.entries {
      #expect(try file.entry(prefix + entry.name).shape == entry.shape)
      let same = try file.floats(prefix + entry.name) == back.floats(entry.name)
      #expect(same, "\(entry.name)")
    }
  }

  @Test("The layout has no names for other architectures and sizes")
  func others() throws {
    for (architecture, side) in [(Architecture.burgess, 64), (.convolutionalBatchNorm, 32)] {
      let model = try Model(
        architecture, image: ImageShape(height: side, width: side), latents: 2, likelihood: .bernoulli,
        on: Device(threads: 1))
      let error = #expect(throws: StructuredError.self) {
        try WeightsFile.data(of: model, configuration: "", layout: .betaTCVAE)
      }
      #expect(
        error?.what == "the layout beta-tcvae has no names for \(architecture.name) and images of \(side)×\(side)×1")
    }
  }
}
