import Diagnostics
import Experiment
import FactorData
import FileFormats
import Foundation
import StrictConfiguration
import TensorCore
import TestSupport
import Testing

/// Squares of two sizes at sixteen places: a data set that a test can afford.
struct TinyDataset: FactorDataset {
  let name = "tiny"
  let images: any ImageSource
  let factors = Factors.none

  init(count: Int = 32) throws {
    let store = try ImageStore(count: count, shape: ImageShape(height: 64, width: 64), format: .bits)
    for index in 0..<count {
      let side = 8 + 8 * (index / 16 % 2), x = index % 4 * 12, y = index / 4 % 4 * 12
      let rows = store.rows(at: index)
      for row in y..<y + side { rows[row] = ((1 << UInt64(side)) - 1) << UInt64(x) }
    }
    images = store
  }
}

@Suite("Training")
struct TrainerTests {
  static func configuration(_ extra: String = "objective: {name: beta-tcvae, beta: 4}") throws
    -> ResolvedConfiguration<ExperimentConfiguration>
  {
    try ConfigurationDocument(
      yaml: """
        name: tiny
        seed: 5
        model: {architecture: burgess, latents: 4, initializer: kaiming-uniform}
        training: {steps: 12, batch_size: 6, checkpoint_every: 5, log_every: 2, optimizer: {learning_rate: 1e-3}}
        \(extra)
        """, source: "test"
    ).decode(ExperimentConfiguration.self)
  }

  static let factor = "objective: {name: factor-vae, discriminator: {layers: 2, width: 16}}"

  static func parameters(_ trainer: Trainer) -> [Float] {
    trainer.model.parameters.values.elements + (trainer.objective.adversary?.parameters.values.elements ?? [])
  }

  @Test("The same seed gives the same bits, another seed others", arguments: ["objective: {name: beta-tcvae}", factor])
  func reproducible(objective: String) throws {
    func trained(_ seed: Int) throws -> [Float] {
      var settings = try Self.configuration(objective).value
      settings.seed = seed
      let trainer = try Trainer(settings, dataset: TinyDataset(), on: Device(threads: 2))
      for _ in 0..<8 { _ = try trainer.advance() }
      return Self.parameters(trainer)
    }
    let same = try trained(1) == trained(1), different = try trained(1) != trained(2)
    #expect(same && different)
  }

  @Test(
    "A trainer restored from a checkpoint goes on bit for bit, adversary included",
    arguments: ["objective: {name: vae}", factor])
  func resuming(objective: String) throws {
    let folder = try TemporaryFolder(), path = folder.file("checkpoint.safetensors")
    let configuration = try Self.configuration(objective)
    func fresh() throws -> Trainer {
      try Trainer(configuration.value, dataset: TinyDataset(), on: Device(threads: 2))
    }
    let undisturbed = try fresh(), resumed = try fresh()
    for step in 0..<10 {
      if step == 4 { try Checkpoint.save(undisturbed, configuration: configuration.yaml, to: path) }
      _ = try undisturbed.advance()
    }
    _ = try Checkpoint.restore(resumed, configuration: configuration.yaml, from: path)
    #expect(resumed.step == 4)
    for _ in 4..<10 { _ = try resumed.advance() }
    let equal = Self.parameters(resumed) == Self.parameters(undisturbed)
    #expect(equal)
  }

  @Test("A damaged checkpoint, or one of another configuration, changes nothing and says what is wrong")
  func damagedCheckpoints() throws {
    let folder = try TemporaryFolder(), path = folder.file("checkpoint.safetensors")
    let configuration = try Self.configuration()
    let trainer = try Trainer(configuration.value, dataset: TinyDataset(), on: Device(threads: 1))
    _ = try trainer.advance()
    try Checkpoint.save(trainer, configuration: configuration.yaml, to: path)
    let before = Self.parameters(trainer)
    func failure(_ configuration: String) -> String {
      do {
        _ = try Checkpoint.restore(trainer, configuration: configuration, from: path)
        return "nothing"
      } catch { return "\(error)" }
    }
    let other = configuration.yaml.replacingOccurrences(of: "beta: 4", with: "beta: 5")
    #expect(failure(other).contains("another configuration: objective.beta is 4, not 5"))
    var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    bytes[bytes.count - 1000] ^= 1
    try bytes.write(to: URL(fileURLWithPath: path))
    #expect(failure(configuration.yaml).contains("its checksum does not match"))
    let unchanged = Self.parameters(trainer) == before
    #expect(unchanged)
  }

  @Test("A loss that is not finite stops training before the update, with term and step")
  func divergence() throws {
    let configuration = try Self.configuration(
      "objective: {name: vae}"
    ).yaml.replacingOccurrences(of: "learning_rate: 0.001", with: "learning_rate: 1e30")
    let settings = try ConfigurationDocument(yaml: configuration, source: "test").decode(ExperimentConfiguration.self)
    let trainer = try Trainer(settings.value, dataset: TinyDataset(), on: Device(threads: 1))
    var message = ""
    do { for _ in 0..<12 { _ = try trainer.advance() } } catch { message = "\(error)" }
    #expect(message.contains("the term ") && message.contains("at step \(trainer.step + 1)"), "\(message)")
  }

  @Test("Training makes the loss smaller", arguments: ["vae", "beta-vae", "beta-tcvae", "factor-vae"])
  func learns(objective: String) throws {
    let extra = objective == "factor-vae" ? ", discriminator: {layers: 2, width: 16}" : ""
    let settings = try Self.configuration("objective: {name: \(objective)\(extra)}").value
    let trainer = try Trainer(settings, dataset: TinyDataset(), on: Device(threads: 2))
    let first = try trainer.advance().terms[0].value
    for _ in 0..<60 { _ = try trainer.advance() }
    let last = try trainer.advance().terms[0].value
    #expect(last < 0.5 * first, "reconstruction went from \(first) to \(last) nats")
  }

  @Test("Epochs visit every image once and leave out what fills no batch; steps draw from all")
  func sampling() throws {
    var epochs = try BatchSampler(
      .epochs(2), batchSize: 5, from: ImageDistribution(all: 23), stream: RandomStream(seed: 1))
    #expect(epochs.steps == 8)
    let first = (0..<4).flatMap { epochs.batch(at: $0) }, second = (4..<8).flatMap { epochs.batch(at: $0) }
    #expect(Set(first).count == 20 && Set(second).count == 20 && first != second)
    var again = try BatchSampler(
      .epochs(2), batchSize: 5, from: ImageDistribution(all: 23), stream: RandomStream(seed: 1))
    #expect(again.batch(at: 6) == epochs.batch(at: 6), "any step can be the first to be asked for")
    var steps = try BatchSampler(
      .steps(400), batchSize: 5, from: ImageDistribution(all: 23), stream: RandomStream(seed: 1))
    #expect(Set((0..<400).flatMap { steps.batch(at: $0) }) == Set(0..<23))
    #expect(throws: StructuredError.self) {
      try BatchSampler(.steps(1), batchSize: 24, from: ImageDistribution(all: 23), stream: RandomStream(seed: 1))
    }
  }

  @Test("Weights go out in PyTorch's layout and come back")
  func weights() throws {
    let folder = try TemporaryFolder(), path = folder.file("weights.safetensors")
    let settings = try Self.configuration().value
    let trainer = try Trainer(settings, dataset: TinyDataset(), on: Device(threads: 1))
    try WeightsFile.write(trainer.model, configuration: "", to: path)
    #expect(try Safetensors(reading: path).entry("encoder.linear1.weight").shape == [256, 512])
    let other = try Model(
      settings.model.architecture, image: trainer.model.image, latents: 4, likelihood: .bernoulli,
      on: Device(threads: 1))
    try WeightsFile.read(into: other, from: path)
    let equal = other.parameters.values.elements == trainer.model.parameters.values.elements
    #expect(equal)
  }

  @Test("Every configuration of configs/ decodes, and its resolved listing decodes to the same")
  func configurations() throws {
    var package = URL(fileURLWithPath: #filePath)
    for _ in 0..<3 { package.deleteLastPathComponent() }
    let folder = package.appendingPathComponent("configs").path
    // Studies are files of their own kind; `StudyPlanTests` plans them.
    let files = try FileManager.default.subpathsOfDirectory(atPath: folder).filter {
      $0.hasSuffix(".yaml") && !$0.hasPrefix("studies/")
    }
    #expect(files.count >= 5 && files.contains { $0.hasPrefix("tour/") })
    for file in files {
      let resolved = try ConfigurationDocument(path: "\(folder)/\(file)").decode(ExperimentConfiguration.self)
      let again = try ConfigurationDocument(yaml: resolved.yaml, source: file).decode(ExperimentConfiguration.self)
      #expect(again.yaml == resolved.yaml, "\(file)")
    }
  }
}
