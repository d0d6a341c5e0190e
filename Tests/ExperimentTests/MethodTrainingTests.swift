import Diagnostics
import Experiment
import FactorData
import FileFormats
import Foundation
import NeuralLayers
import Objectives
import StrictConfiguration
import TensorCore
import TestSupport
import Testing

/// Every objective in training.
@Suite("Training by each objective")
struct MethodTrainingTests {
  /// Settings that let an objective train on 64 images with three factors.
  static let settings = [
    "factor-vae": "discriminator: {layers: 2, width: 16}",
    "semi-supervised": "labels: 5, base: {name: beta-tcvae}",
  ]

  static func configuration(_ objective: String, extra: String? = nil) throws
    -> ResolvedConfiguration<ExperimentConfiguration>
  {
    let keys = (extra ?? settings[objective]).map { ", \($0)" } ?? ""
    let likelihood = objective == "sigma-vae" ? "gaussian" : "bernoulli"
    return try ConfigurationDocument(
      yaml: """
        seed: 5
        model: {architecture: burgess, latents: 4, likelihood: \(likelihood)}
        training: {steps: 12, batch_size: 6, optimizer: {learning_rate: 1e-3}}
        objective: {name: \(objective)\(keys)}
        """, source: "test"
    ).decode(ExperimentConfiguration.self)
  }

  private func everything(_ trainer: Trainer) -> [Float] {
    [trainer.model.parameters, trainer.objective.parameters, trainer.objective.adversary?.parameters].compactMap { $0 }
      .flatMap { $0.values.elements }
  }

  @Test(
    "Each objective of the registry trains, and goes on bit for bit from a checkpoint",
    arguments: Registry<ObjectiveEntry>.standard.names.map { ($0, nil as String?) } + [
      ("sigma-vae", "sigma: learned"), ("semi-supervised", "labels: 5, loss: l2-scaled, base: {name: control-vae}"),
      ("constrained-vae", "ascent: exponential"), ("beta-tcvae", "estimator: cached, refresh: 3"),
      ("semi-supervised", "labels: 5, loss: l2-scaled, base: {name: qlae, values: 3}"),
      ("qlae", "learned: false"),
      ("ml-vae", "variance: harmonic, pairs: {convention: simple-dynamics}"),
    ])
  func resuming(objective: String, extra: String?) throws {
    let folder = try TemporaryFolder(), path = folder.file("checkpoint.safetensors")
    let configuration = try Self.configuration(objective, extra: extra), dataset = try NumberedDataset()
    func fresh() throws -> Trainer { try Trainer(configuration.value, dataset: dataset, on: Device(threads: 2)) }
    let undisturbed = try fresh(), resumed = try fresh()
    for step in 0..<8 {
      if step == 4 { try Checkpoint.save(undisturbed, configuration: configuration.yaml, to: path) }
      let result = try undisturbed.advance()
      #expect(result.loss.isFinite)
      #expect(Set(result.terms.map(\.name)).count == result.terms.count, "names are unique")
    }
    _ = try Checkpoint.restore(resumed, configuration: configuration.yaml, from: path)
    for _ in 4..<8 { _ = try resumed.advance() }
    let equal = everything(resumed) == everything(undisturbed)
    #expect(equal)
    #expect(resumed.objective.state == undisturbed.objective.state)
    #expect(resumed.model.likelihood == undisturbed.model.likelihood)
    #expect(resumed.model.codebook == undisturbed.model.codebook)
  }

  @Test("The data set is encoded every so many steps, and the densities are those of all images")
  func cached() throws {
    let configuration = try Self.configuration("beta-tcvae", extra: "estimator: cached, refresh: 2")
    let dataset = try NumberedDataset(),
      trainer = try Trainer(configuration.value, dataset: dataset, on: Device(threads: 1))
    let first = trainer.model.parameters.values.elements
    _ = try trainer.advance()
    let second = trainer.model.parameters.values.elements
    #expect(second != first)
    #expect(trainer.encodings?.parameters.map { Array($0.prefix(first.count)) } == first)
    _ = try trainer.advance()
    #expect(trainer.encodings?.parameters.map { Array($0.prefix(first.count)) } == first)
    let third = trainer.model.parameters.values.elements
    _ = try trainer.advance()
    #expect(trainer.encodings?.parameters.map { Array($0.prefix(third.count)) } == third)
  }

  @Test("QLAE's values are the model's, in the file of weights too; its codes take no others")
  func codebook() throws {
    let folder = try TemporaryFolder(), path = folder.file("weights.safetensors")
    let configuration = try Self.configuration("qlae", extra: "values: 3"), dataset = try NumberedDataset()
    let trainer = try Trainer(configuration.value, dataset: dataset, on: Device(threads: 1))
    for _ in 0..<5 { _ = try trainer.advance() }
    let book = try #require(trainer.model.codebook)
    #expect(book == trainer.objective.codebook && book.latents == 4 && book.count == 3)
    #expect(book != Codebook([Float]((0..<12).map { Float($0 % 3) / 2 - 0.5 }), latents: 4), "it has moved")
    try WeightsFile.write(trainer.model, configuration: configuration.yaml, to: path)
    let settings = configuration.value.model
    func read(_ path: String) throws -> Model {
      let model = try Model(
        settings.architecture, image: trainer.model.image, latents: 4, likelihood: settings.likelihood,
        on: Device(threads: 1))
      try WeightsFile.read(into: model, from: path)
      return model
    }
    let model = try read(path)
    #expect(model.codebook == book)
    let posterior = try model.posterior(of: dataset, 0..<64)
    #expect(posterior.codebookSize == 3 && posterior.means == book.quantized(posterior.means))
    #expect(posterior == (try trainer.model.posterior(of: dataset, 0..<64)))
    let code = try model.encode(dataset, [7]).mean
    let distances = try model.distortions(dataset, [7], stream: RandomStream(seed: 1))
    #expect(try model.distortions(dataset, [7], at: code) == distances, "there is no noise")
    // Other texts are refused.
    for wrong in ["[[1.0, 2.0]]", "[[0.0],[0.0],[0.0],[0.0]]", "x", "[[0, 1], [0, 1], [0, 1], [0]]"] {
      let file = try Safetensors(reading: path)
      var metadata = file.metadata
      metadata["codebook"] = wrong
      let tensors = try file.entries.map {
        Safetensors.Tensor($0.name, shape: $0.shape, values: try file.floats($0.name))
      }
      let changed = folder.file("changed.safetensors")
      try Safetensors.write(tensors, metadata: metadata, to: changed)
      let error = #expect(throws: StructuredError.self) { try read(changed) }
      #expect(error?.what == "the metadata's codebook is \"\(wrong)\"")
      #expect(error?.expected == "4 lists of equally many numbers, at least 2")
    }
  }

  @Test("A state of another objective is refused", arguments: ["constrained-vae", "geco", "control-vae", "sigma-vae"])
  func states(objective: String) throws {
    let trainer = try Trainer(Self.configuration(objective).value, dataset: NumberedDataset(), on: Device(threads: 1))
    _ = try trainer.advance()
    let state = trainer.objective.state
    #expect(!state.isEmpty)
    for wrong in [["other": [1.0]], state.mapValues { $0 + [1] }, state.mapValues { _ in [.nan] }] {
      let error = #expect(throws: StructuredError.self) { try trainer.objective.restore(state: wrong) }
      #expect(error?.what.hasPrefix("the objective's state is ") == true)
      #expect(trainer.objective.state == state)
    }
    try trainer.objective.restore(state: state)
  }

  @Test("σ-VAE's σ is the model's, in the file of weights too", arguments: ["learned", "optimal"])
  func calibration(sigma: String) throws {
    let folder = try TemporaryFolder(), path = folder.file("weights.safetensors")
    let configuration = try Self.configuration("sigma-vae", extra: "sigma: \(sigma)")
    let trainer = try Trainer(configuration.value, dataset: NumberedDataset(), on: Device(threads: 1))
    for _ in 0..<5 { _ = try trainer.advance() }
    guard case .gaussian(let deviation) = trainer.model.likelihood else { Issue.record("no Gaussian"); return }
    #expect(deviation != 1 && deviation > 0.001 && deviation < 1)
    try WeightsFile.write(trainer.model, configuration: configuration.yaml, to: path)
    let settings = configuration.value.model
    let model = try Model(
      settings.architecture, image: trainer.model.image, latents: 4, likelihood: settings.likelihood,
      on: Device(threads: 1))
    try WeightsFile.read(into: model, from: path)
    #expect(model.likelihood == .gaussian(standardDeviation: deviation))
  }

  @Test(
    "What cannot work is one error",
    arguments: [
      (
        "sigma-vae",
        "model.likelihood: sigma-vae calibrates the standard deviation of a Gaussian, and the likelihood is bernoulli"
      ),
      ("ada-gvae", "9 factors cannot change in a pair"), ("gvae", "there are 3 factors and 2 latents"),
      ("semi-supervised", "1000 labelled images were asked for, but 64 of 64 have known values of all factors"),
      ("dip-vae", "training.batch_size is 1, too small for dip-vae"),
    ])
  func errors(objective: String, message: String) throws {
    var configuration = try Self.configuration(
      objective,
      extra: ["ada-gvae": "pairs: {changed: 9}", "semi-supervised": "base: {name: vae}"][objective] ?? ""
    ).value
    if objective == "sigma-vae" { configuration.model.likelihood = .bernoulli }
    if objective == "gvae" { configuration.model.latents = 2 }
    if objective == "dip-vae" { configuration.training.batchSize = 1 }
    let dataset = try NumberedDataset()
    let error = #expect(throws: StructuredError.self) {
      // Said before the run begins, so before its folder is there.
      try Trainer(configuration, dataset: dataset, on: Device(threads: 1))
    }
    #expect("\(error.map { "\($0)" } ?? "none")".contains(message), "\(error.map { "\($0)" } ?? "none")")
  }

  @Test("Data without factors has no pairs and no labels", arguments: ["ada-gvae", "semi-supervised"])
  func withoutFactors(objective: String) throws {
    let configuration = try Self.configuration(objective).value, dataset = try TinyDataset()
    let error = #expect(throws: StructuredError.self) {
      try Trainer(configuration, dataset: dataset, on: Device(threads: 1))
    }
    #expect(error?.what == "the data set has no factors")
  }

  @Test(
    "Settings out of bounds are one error at their key",
    arguments: [
      ("capacity-vae", "capacity: -1", "objective.capacity is -1"),
      ("capacity-vae", "per: pixel", "objective.per is 'pixel'"),
      ("dip-vae", "variant: iii", "objective.variant is 'iii'"),
      ("dip-vae", "lambda_od: -1", "objective.lambda_od is -1"),
      ("info-vae", "alpha: 0, lambda: 0.5", "objective.lambda is 0.5: with alpha 0.0 the MMD would have the weight"),
      ("info-vae", "mmd: {scales: []}", "objective.mmd.scales"),
      ("constrained-vae", "delta: 0", "objective.delta is 0"),
      ("geco", "averaging: 1", "objective.averaging is 1"),
      ("control-vae", "beta_max: 0.5", "objective.beta_max is 0.5"),
      ("qlae", "values: 1", "objective.values is 1"), ("qlae", "commitment: -1", "objective.commitment is -1"),
      ("beta-tcvae", "estimator: cached, refresh: 0", "objective.refresh is 0"),
      ("beta-tcvae", "refresh: 5", "unknown key objective.refresh"),
      ("iwae", "samples: 0", "objective.samples is 0"), ("hfs", "pairs: 0", "objective.pairs is 0"),
      ("ada-ml-vae", "variance: mean", "objective.variance is 'mean'"),
      ("ada-gvae", "variance: mean", "unknown key objective.variance"),
      ("gvae", "pairs: {changed: 0}", "objective.pairs.changed is 0"),
      ("semi-supervised", "labels: 0", "objective.labels is 0"),
      ("semi-supervised", "base: {name: semi-supervised}", "objective.base.name is"),
    ])
  func settingErrors(objective: String, keys: String, message: String) throws {
    let error = #expect(throws: StructuredError.self) { try Self.configuration(objective, extra: keys) }
    #expect(error?.what.contains(message) == true, "\(error.map { "\($0)" } ?? "none")")
  }

  @Test("Batches hold the images of the section sampling alone, and objectives of pairs refuse it")
  func sampling() throws {
    func configuration(_ objective: String) throws -> ExperimentConfiguration {
      try ConfigurationDocument(
        yaml: """
          seed: 5
          dataset: {sampling: {excluded: ["a=0", "b=3, c=1"], fraction: 0.5}}
          model: {architecture: burgess, latents: 4}
          training: {steps: 12, batch_size: 6}
          objective: {name: \(objective)}
          """, source: "test"
      ).decode(ExperimentConfiguration.self).value
    }
    let dataset = try NumberedDataset(), settings = try configuration("beta-tcvae"), stream = settings.stream
    let distribution = try settings.dataset.distribution(of: dataset, stream: stream)
    // Half of 64 less those that are left out, of which there are 16 and 3 among all.
    #expect(distribution.count < 32 && distribution.count > 10)
    var sampler = try BatchSampler(.steps(200), batchSize: 6, from: distribution, stream: stream)
    let drawn = Set((0..<200).flatMap { sampler.batch(at: $0) })
    #expect(drawn == Set(distribution.images))
    for image in drawn {
      let v = dataset.space.values(at: image)
      #expect(v[0] != 0 && !(v[1] == 3 && v[2] == 1))
    }
    var epochs = try BatchSampler(.epochs(1), batchSize: 5, from: distribution, stream: stream)
    #expect(epochs.steps == distribution.count / 5)
    #expect((0..<epochs.steps).flatMap { epochs.batch(at: $0) }.allSatisfy { drawn.contains($0) })
    _ = try Trainer(settings, dataset: dataset, on: Device(threads: 1)).advance()

    let refused = #expect(throws: StructuredError.self) {
      try Trainer(configuration("ada-gvae"), dataset: dataset, on: Device(threads: 1))
    }
    #expect(refused?.what == "ada-gvae needs pairs of images, and dataset.sampling chooses among them")
    let weighted = try ConfigurationDocument(
      yaml: "{sampling: {pairs: ['a:b'], strengths: [0.2]}}", source: "test"
    ).decode(DatasetChoice.self).value.distribution(of: dataset, stream: stream)
    let byEpochs = #expect(throws: StructuredError.self) {
      try BatchSampler(.epochs(1), batchSize: 5, from: weighted, stream: stream)
    }
    #expect(byEpochs?.expected == "training.steps")
  }
}
