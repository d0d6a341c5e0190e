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
