import Autodiff
import Diagnostics
import Experiment
import FactorData
import Foundation
import Objectives
import RateDecomposition
import StrictConfiguration
import TensorCore
import TestSupport
import Testing

@Suite("Measurements of runs")
struct MeasurementsTests {
  private static let likelihoods: [Likelihood] = [
    .bernoulli, .gaussian(standardDeviation: 0.5), .laplace(scale: 0.3),
  ]

  private func model(_ likelihood: Likelihood) throws -> Model {
    let settings = try TrainerTests.configuration().value
    let model = try Model(
      settings.model.architecture, image: TinyDataset().imageShape, latents: 4, likelihood: likelihood,
      on: Device(threads: 2))
    model.parameters.initialize(.kaimingUniform, from: RandomStream(seed: 4))
    return model
  }

  @Test(
    "log-likelihoods of one image at many codes, and of many images, are minus the decoder's distortions",
    arguments: likelihoods)
  func logLikelihoods(likelihood: Likelihood) throws {
    let model = try model(likelihood), data = try TinyDataset(), images = data.batch([3, 17, 30], on: model.device)
    var stream = RandomStream(seed: 5)
    let codes = stream.normalTensor([300, 4], on: model.device)
    let all = model.logLikelihoods(ofAll: images, at: codes.elements)
    for image in 0..<3 {
      let one = model.logLikelihoods(of: images.rows(image..<image + 1), at: codes.elements)
      let targets = data.batch([Int](repeating: [3, 17, 30][image], count: 300), on: model.device)
      let distortions = model.decoder.distortions(
        of: targets, from: Variable(codes), likelihood, .evaluation(on: model.device))
      // Sums of 4,096 single-precision terms, in another order.
      #expect(relativeDifference(one, distortions.value.elements.map { -Double($0) }) < 1e-5)
      #expect(relativeDifference((0..<300).map { all[3 * $0 + image] }, one) < 1e-5)
    }
  }

  @Test("the marginal likelihood of a model's images begins at minus distortion and rate")
  func marginalLikelihood() throws {
    let model = try model(.bernoulli), data = try TinyDataset(), images = [1, 9, 20, 31]
    var options = MarginalLikelihood.Options()
    options.samples = 300
    let result = try MarginalLikelihood(of: model, on: data, images: images, options: options)
    #expect(result.images.map(\.index) == images)
    let codes = model.encode(data, images)
    let posterior = try PosteriorTable(means: codes.mean, logVariances: codes.logVariance, latents: 4)
    let distortions = (0..<50).flatMap { model.distortions(data, images, stream: RandomStream(seed: UInt64($0))) }
    let distortion = Estimate(meanOf: distortions)
    let expected = -distortion.value - PosteriorStatistics(posterior).rate
    let error = hypot(result.elbo.samplingError ?? .infinity, distortion.standardError ?? .infinity)
    #expect(abs(result.elbo.value - expected) < 4 * error + 1e-3, "\(result.elbo.value), \(expected)")
    #expect(result.importance.value >= result.elbo.value)
    (options.samples, options.images) = (3, 5)
    let drawn = try MarginalLikelihood(of: model, on: data, options: options).images.map(\.index)
    #expect(Set(drawn).count == 5 && drawn == drawn.sorted())
  }

  @Test("factor labels of a grid and of a table of factors")
  func labels() throws {
    struct Listed: FactorDataset {
      let name = "listed"
      let images: ImageStore
      let factors = [Factor("size", size: 3), Factor("place", size: 2)]
      let factorSpace: FactorSpace?
      func factors(at index: Int) -> [Int] { [index / 2 % 3, index % 2] }
    }
    let images = try ImageStore(count: 6, shape: ImageShape(height: 2, width: 2), format: .bytes)
    let listed = Listed(images: images, factorSpace: nil)
    let grid = Listed(images: images, factorSpace: try FactorSpace(listed.factors))
    let expected = [
      FactorLabels(name: "size", values: [0, 0, 1, 1, 2, 2]), FactorLabels(name: "place", values: [0, 1, 0, 1, 0, 1]),
    ]
    #expect(listed.factorLabels() == expected && grid.factorLabels() == expected)
    #expect(try TinyDataset().factorLabels().isEmpty)
  }

  private func folder(_ objective: String, steps: Int) throws -> (TemporaryFolder, TrainingRun) {
    let folder = try TemporaryFolder()
    let yaml = try TrainerTests.configuration(objective).yaml.replacingOccurrences(
      of: "steps: 12", with: "steps: \(steps)")
    let run = try TrainingRun(
      ConfigurationDocument(yaml: yaml, source: "test").decode(), at: folder.file("run"), resume: true,
      dataset: TinyDataset(), on: Device(threads: 2))
    return (folder, run)
  }

  @Test("a trained run's discriminator comes back from its checkpoint, for the audit; other objectives have none")
  func adversary() throws {
    let (folder, run) = try folder(TrainerTests.factor, steps: 6)
    _ = try run.train()
    let device = Device(threads: 2), trained = try TrainedRun(at: folder.file("run"), on: device)
    let model = try trained.model(for: TinyDataset(), on: device)
    let adversary = try #require(try trained.adversary(of: model))
    let ratios = try #require(adversary.logDensityRatios(latents: 4, on: device))
    let codes = (0..<400).map { Float($0 % 23) / 10 - 1 }
    let discriminator = try #require(run.trainer.objective.adversary as? Discriminator)
    let expected = try #require(
      discriminator.logDensityRatio(of: Tensor(codes, [100, 4], on: device), .evaluation(on: device)))
    #expect(relativeDifference(ratios(codes), expected.elements) < 1e-5)
    // Weights of another moment do not fit the discriminator.
    model.parameters.values.fill(0.5)
    #expect(try trained.adversary(of: model) == nil)

    let (other, vae) = try self.folder("objective: {name: vae}", steps: 2)
    _ = try vae.train()
    let without = try TrainedRun(at: other.file("run"), on: device)
    #expect(try without.adversary(of: without.model(for: TinyDataset(), on: device)) == nil)
  }

  @Test("a run in the rate–distortion plane carries the numbers of its objective, of a warm-up the last")
  func rateDistortionPoint() throws {
    let (folder, run) = try folder(
      "objective: {name: beta-tcvae, beta: {from: 0, to: 6, steps: 3}, alpha: 0.5}", steps: 2)
    _ = try run.train()
    let device = Device(threads: 1), trained = try TrainedRun(at: folder.file("run"), on: device)
    let codes = try trained.model(for: TinyDataset(), on: device).encode(TinyDataset(), 0..<32)
    let decomposition = try RateDecomposition(
      of: PosteriorTable(means: codes.mean, logVariances: codes.logVariance, latents: 4), on: device)
    let point = try trained.rateDistortionPoint(decomposition)
    #expect(point.label == "tiny" && point.objective == "beta-tcvae" && point.seed == 5)
    let settings = Dictionary(uniqueKeysWithValues: point.settings.map { ($0.name, $0.value) })
    #expect(settings == ["alpha": 0.5, "beta": 6, "gamma": 1])
  }

  @Test("the decomposition logged in training is that of the fixed images, at every step that is due")
  func logged() throws {
    let settings = try TrainerTests.configuration(
      "objective: {name: beta-tcvae}"
    ).yaml.replacingOccurrences(of: "decompose_every: 10667", with: "decompose_every: 5")
      .replacingOccurrences(of: "decompose_images: 10000", with: "decompose_images: 20")
    #expect(settings.contains("decompose_every: 5"))
    let folder = try TemporaryFolder()
    let run = try TrainingRun(
      ConfigurationDocument(yaml: settings, source: "test").decode(), at: folder.file("run"), resume: false,
      dataset: TinyDataset(), on: Device(threads: 2))
    _ = try run.train()
    let rows = try rows(folder.file("run/metrics.jsonl"))
    #expect(rows.map { $0["step"] } == [2, 4, 5, 6, 8, 10, 12])
    #expect(rows.filter { $0["mutual_information_exact"] != nil }.map { $0["step"] } == [5, 10])
    let names = [
      "decomposition_images", "decomposition_samples", "rate_exact", "mutual_information_exact",
      "mutual_information_exact_standard_error",
      "total_correlation_exact", "total_correlation_exact_standard_error", "dimension_wise_kl_exact",
      "active_units_exact",
    ]
    #expect(Set(rows[2].keys) == Set(names + ["step"]))
    #expect(rows[5]["loss"] != nil && names.allSatisfy { rows[5][$0] != nil })
    for row in rows where row["rate_exact"] != nil {
      let sum = ["mutual_information_exact", "total_correlation_exact", "dimension_wise_kl_exact"].reduce(0) {
        $0 + (row[$1] ?? .nan)
      }
      #expect(abs(sum - (row["rate_exact"] ?? 0)) < 1e-9)
      #expect((row["mutual_information_exact"] ?? 9) <= log(20) + 1e-6 && row["decomposition_images"] == 20)
    }
  }

  @Test("by default at least 64,000 images are trained on between measurements of 10,000")
  func defaults() throws {
    func training(_ keys: String) throws -> ExperimentConfiguration.Training {
      try ConfigurationDocument(
        yaml: "objective: {name: vae}\ntraining: {steps: 10, \(keys)}", source: "test"
      ).decode(ExperimentConfiguration.self).value.training
    }
    #expect(try training("batch_size: 64").decomposeEvery == 1_000)
    #expect(try training("batch_size: 512").decomposeEvery == 1_000)
    #expect(try training("batch_size: 20").decomposeEvery == 3_200)
    #expect(try training("decompose_every: 0, decompose_images: 500").decomposeImages == 500)
    #expect(throws: StructuredError.self) { try training("decompose_images: 1") }
  }

  @Test("a resumed run logs the same decompositions as an undisturbed one")
  func resumed() throws {
    let yaml = try TrainerTests.configuration().yaml.replacingOccurrences(
      of: "decompose_every: 10667", with: "decompose_every: 3")
    let folder = try TemporaryFolder()
    func run(_ name: String, stopAfter step: Int?) throws {
      let run = try TrainingRun(
        ConfigurationDocument(yaml: yaml, source: "test").decode(), at: folder.file(name), resume: true,
        dataset: TinyDataset(), on: Device(threads: 2))
      let stop = StopRequest()
      _ = try run.train(stop: stop) { result, _ in if result.step == step { stop.ask() } }
    }
    try run("a", stopAfter: nil)
    try run("b", stopAfter: 7)
    try run("b", stopAfter: nil)
    func comparable(_ name: String) throws -> [[String: Double]] {
      try rows(folder.file("\(name)/metrics.jsonl")).map { row in
        row.filter { !["seconds", "images_per_second"].contains($0.key) }
      }
    }
    let same = try comparable("a") == comparable("b")
    #expect(same)
    #expect(try comparable("a").filter { $0["rate_exact"] != nil }.compactMap { $0["step"] } == [3, 6, 9, 12])
  }

  @Test("measuring does not disturb training, and can be left out")
  func undisturbed() throws {
    let yaml = try TrainerTests.configuration().yaml
    func weights(_ every: Int) throws -> (Data, [[String: Double]]) {
      let folder = try TemporaryFolder()
      let text = yaml.replacingOccurrences(of: "decompose_every: 10667", with: "decompose_every: \(every)")
      let run = try TrainingRun(
        ConfigurationDocument(yaml: text, source: "test").decode(), at: folder.file("run"), resume: false,
        dataset: TinyDataset(), on: Device(threads: 2))
      _ = try run.train()
      return (
        run.trainer.model.parameters.values.elements.withUnsafeBytes { Data($0) },
        try rows(folder.file("run/metrics.jsonl"))
      )
    }
    let with = try weights(2), without = try weights(0)
    let same = with.0 == without.0
    #expect(same)
    #expect(without.1.allSatisfy { $0["rate_exact"] == nil })
  }

  private func rows(_ path: String) throws -> [[String: Double]] {
    try Data(contentsOf: URL(fileURLWithPath: path)).split(separator: UInt8(ascii: "\n")).map { line in
      try #require(try JSONSerialization.jsonObject(with: line) as? [String: Double])
    }
  }
}
