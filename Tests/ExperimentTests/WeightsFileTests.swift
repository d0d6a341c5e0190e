import Architectures
import Diagnostics
import Experiment
import FileFormats
import Foundation
import StrictConfiguration
import TensorCore
import TestSupport
import Testing

@Suite("Files of weights")
struct WeightsFileTests {
  private func model(_ architecture: Architecture, latents: Int = 4) throws -> Model {
    let model = try Model(
      architecture, image: ImageShape(height: 64, width: 64), latents: latents, likelihood: .bernoulli,
      on: Device(threads: 1))
    model.parameters.initialize(.kaimingUniform, from: RandomStream(seed: 2))
    return model
  }

  private func write(_ model: Model, _ layout: WeightsLayout, in folder: TemporaryFolder) throws -> Safetensors {
    let path = folder.file("model.safetensors")
    try WeightsFile.write(model, configuration: "", layout: layout, to: path)
    return try Safetensors(reading: path)
  }

  @Test("Each architecture has names of its own, as PyTorch's modules have them")
  func names() throws {
    let folder = try TemporaryFolder()
    func names(_ architecture: Architecture) throws -> [String] {
      try write(model(architecture), .pytorch, in: folder).entries.map(\.name).filter { $0.hasSuffix(".weight") }
        .map { String($0.dropLast(".weight".count)) }
    }
    #expect(
      try names(.locatello) == [
        "encoder.conv1", "encoder.conv2", "encoder.conv3", "encoder.conv4", "encoder.fc1", "encoder.mean",
        "encoder.log_variance", "decoder.fc1", "decoder.fc2", "decoder.conv_transpose1", "decoder.conv_transpose2",
        "decoder.conv_transpose3", "decoder.conv_transpose4",
      ])
    #expect(
      try names(.fullyConnected) == [
        "encoder.fc1", "encoder.fc2", "encoder.posterior", "decoder.fc1", "decoder.fc2", "decoder.fc3", "decoder.fc4",
      ])
  }

  @Test("The layout disentangling-vae interleaves means and log-variances")
  func interleaving() throws {
    let folder = try TemporaryFolder(), model = try model(.burgess, latents: 3)
    let ours = try write(model, .pytorch, in: folder).floats("encoder.posterior.bias", shape: [6])
    let file = try write(model, .disentanglingVAE, in: folder)
    #expect(try file.floats("encoder.mu_logvar_gen.bias") == [ours[0], ours[3], ours[1], ours[4], ours[2], ours[5]])
    #expect(try file.entry("decoder.convT_64.weight").shape == [32, 32, 4, 4])
    #expect(try file.entry("decoder.convT3.weight").shape == [32, 1, 4, 4])
  }

  @Test("A run's weights that do not fit its configuration are an error, and change nothing")
  func misfit() throws {
    let folder = try TemporaryFolder(), small = try model(.burgess, latents: 3), large = try model(.burgess)
    let file = try write(small, .disentangle, in: folder), before = large.parameters.values.elements
    let error = #expect(throws: StructuredError.self) { try WeightsFile.read(into: large, from: file.path) }
    #expect(error?.what == "3 tensors are not as they should be")
    #expect(
      error?.action?.contains("\"decoder.linear1.weight\" has shape [256, 3] (expected float32 [256, 4])") == true)
    let unchanged = large.parameters.values.elements == before
    #expect(unchanged)
  }

  @Test("A file of very many or very long names is one short error")
  func manyNames() throws {
    let folder = try TemporaryFolder(), model = try model(.burgess), path = folder.file("many.safetensors")
    let long = String(repeating: "encoder.linear1.weight", count: 10_000)
    let names = [long] + (0..<20_000).map { "encoder.linear\($0).kernel" }
    try Safetensors.write(names.map { .init($0, shape: [], values: [0]) }, to: path)
    let error = #expect(throws: StructuredError.self) { try WeightsFile.read(into: model, from: path) }
    #expect(error?.what == "20029 tensors are not as they should be")
    #expect((error?.description.count ?? .max) < 5_000)
  }

  @Test("Weights that are not finite are not written")
  func notFinite() throws {
    let folder = try TemporaryFolder(), model = try model(.burgess)
    model.parameters.parameter(at: 0).value.withMutableElements { $0[0] = .infinity }
    let error = #expect(throws: StructuredError.self) { try write(model, .pytorch, in: folder) }
    #expect(error?.what == "the weights encoder.conv1.weight are not finite: inf at [0, 0, 0, 0]")
    #expect(try folder.names().isEmpty)
  }

  @Test(
    "Normalisations have PyTorch's names and buffers, which are read back",
    arguments: [WeightsLayout.disentangle, .pytorch])
  func buffers(layout: WeightsLayout) throws {
    let folder = try TemporaryFolder(), image = ImageShape(height: 8, width: 6)
    func model() throws -> Model {
      try Model(.everyLayer, image: image, latents: 2, likelihood: .bernoulli, on: Device(threads: 1))
    }
    let first = try model()
    first.parameters.initialize(.kaimingUniform, from: RandomStream(seed: 2))
    first.parameters.disturbNormalizations(RandomStream(seed: 3))
    let file = try write(first, layout, in: folder)
    let conv = layout == .pytorch ? "conv" : "convolution"
    for (name, shape) in [
      ("encoder.norm1.weight", [8]), ("encoder.norm1.running_mean", [8]), ("encoder.norm1.running_var", [8]),
      ("encoder.residual1.\(conv)2.weight", [12, 12, 3, 3]),
      ("encoder.residual1.shortcut.\(conv)1.weight", [12, 8, 1, 1]),
      ("encoder.residual1.shortcut.norm1.running_var", [12]), ("decoder.norm1.bias", [8]),
    ] { #expect(try file.entry(name).shape == shape, "\(name)") }
    #expect(!file.entries.contains { $0.name == "encoder.\(conv)1.bias" })

    let second = try model()
    var tensors = try file.entries.map {
      Safetensors.Tensor($0.name, shape: $0.shape, values: try file.floats($0.name))
    }
    if layout == .pytorch { tensors.append(.init("encoder.norm1.num_batches_tracked", shape: [], values: [7])) }
    try Safetensors.write(tensors, to: file.path)
    try WeightsFile.read(into: second, from: try Safetensors(reading: file.path), layout: layout)
    #expect(second.parameters.values.elements == first.parameters.values.elements)
    for (a, b) in zip(first.parameters.buffers, second.parameters.buffers) {
      #expect(a.name == b.name && a.value.elements == b.value.elements)
    }
    tensors.removeAll { $0.name == "encoder.norm1.running_var" }
    try Safetensors.write(tensors, to: file.path)
    let error = #expect(throws: StructuredError.self) {
      try WeightsFile.read(into: second, from: try Safetensors(reading: file.path), layout: layout)
    }
    #expect(error?.what.hasPrefix("the tensor \"encoder.norm1.running_var\" is missing") == true)
  }

  @Test("The layout disentangling-vae has names for 32 and 64 pixels a side, and for no other")
  func disentanglingVAESizes() throws {
    let folder = try TemporaryFolder()
    func file(_ side: Int) throws -> Safetensors {
      let image = ImageShape(height: side, width: side)
      let model = try Model(.burgess, image: image, latents: 3, likelihood: .bernoulli, on: Device(threads: 1))
      return try write(model, .disentanglingVAE, in: folder)
    }
    let names = try file(32).entries.map(\.name).filter { $0.hasSuffix(".weight") && $0.contains("conv") }
    #expect(
      names
        == ["encoder.conv1", "encoder.conv2", "encoder.conv3", "decoder.convT1", "decoder.convT2", "decoder.convT3"]
        .map { $0 + ".weight" })
    let error = #expect(throws: StructuredError.self) { try file(128) }
    #expect(error?.what == "the layout disentangling-vae has no names for images of 128×128×1")
  }

  private static let imported = "imported: {file: a.safetensors, layout: pytorch, crc32: '00000000'}"

  private func decode(_ yaml: String) throws -> ResolvedConfiguration<ExperimentConfiguration> {
    try ConfigurationDocument(yaml: "name: a\n\(yaml)", source: "test").decode()
  }

  @Test("A configuration of imported weights says what is known, and reads back the same")
  func configuration() throws {
    let objective = "objective: {name: vae}", training = "training: {steps: 5}"
    for more in ["", objective, training, objective + "\n" + training] {
      let resolved = try decode("\(Self.imported)\n\(more)")
      #expect((resolved.value.objective != nil) == more.contains("objective"))
      #expect((resolved.value.training.length != nil) == more.contains("training"))
      #expect(resolved.yaml.contains("objective:") == more.contains("objective"))
      #expect(resolved.yaml.contains("training:") == more.contains("training"))
      #expect(resolved.value.imported == ImportedWeights(file: "a.safetensors", layout: .pytorch, crc32: "00000000"))
      let again = try ConfigurationDocument(yaml: resolved.yaml, source: "again")
        .decode(ExperimentConfiguration.self)
      #expect(again.yaml == resolved.yaml)
      let error = #expect(throws: StructuredError.self) {
        try Trainer(resolved.value, dataset: TinyDataset(), on: Device(threads: 1))
      }
      #expect(error?.what == "these weights were imported and cannot be trained on")
    }
  }

  @Test(
    "What is wrong about imported weights is an error",
    arguments: [
      ("imported: {layout: pytorch, crc32: a}", "the key imported.file is missing"),
      ("imported: {file: a, layout: pytorsh, crc32: a}", "Did you mean pytorch?"),
      ("imported: {file: a, layout: pytorch, crc32: a, more: 1}", "unknown key imported.more"),
      ("seed: 1", "the key objective.name is missing"),
      ("\(imported)\nobjective: {name: vee}", "Did you mean vae?"),
      ("\(imported)\ntraining: {batch_size: 4}", "the key training.steps is missing"),
    ])
  func configurationErrors(yaml: String, message: String) throws {
    let error = #expect(throws: StructuredError.self) { try decode(yaml) }
    #expect(error?.description.contains(message) == true, "\(String(describing: error))")
  }
}
