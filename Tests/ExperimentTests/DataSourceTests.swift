import Diagnostics
import Experiment
import FactorData
import Foundation
import Objectives
import RateDecomposition
import StrictConfiguration
import Synchronization
import TensorCore
import TestSupport
import Testing

/// The squares of ``TinyDataset``, made on demand: a data set that is not in memory. Reading some images can fail.
struct GeneratedSquares: FactorDataset, ImageSource {
  let name = "generated"
  let count = 32
  let shape = ImageShape(height: 64, width: 64)
  let format = PixelFormat.bits
  let failing: Set<Int>
  /// The number of images that are read before one fails.
  let readsBeforeFailure: Int
  let reads = Reads()

  /// The number of images that were read.
  final class Reads: Sendable {
    private let count = Atomic<Int>(0)
    func next() -> Int { count.add(1, ordering: .relaxed).oldValue }
  }

  static let error = StructuredError("an image is damaged", at: "squares.bin", action: "Copy the file again.")

  var images: any ImageSource { self }
  let factors: Factors

  init(failing: Set<Int> = [], after reads: Int = 0) throws {
    (self.failing, readsBeforeFailure) = (failing, reads)
    factors = .grid(try FactorSpace([Factor("size", size: 2), Factor("y", size: 4), Factor("x", size: 4)]))
  }

  func read(_ indices: UnsafeBufferPointer<Int>, into destination: UnsafeMutablePointer<Float>) throws {
    for (row, index) in indices.enumerated() {
      let before = reads.next()
      if failing.contains(index), before >= readsBeforeFailure { throw Self.error }
      let side = 8 + 8 * (index / 16 % 2), x = index % 4 * 12, y = index / 4 % 4 * 12
      let image = destination + row * shape.count
      image.update(repeating: 0, count: shape.count)
      for line in y..<y + side { (image + line * 64 + x).update(repeating: 1, count: side) }
    }
  }
}

/// The same squares as images on disk, which are read ahead.
struct SquaresOnDisk: FactorDataset, DiskImages {
  let squares: GeneratedSquares
  let name = "on disk"
  var count: Int { squares.count }
  var shape: ImageShape { squares.shape }
  var format: PixelFormat { squares.format }
  var images: any ImageSource { self }
  var factors: Factors { squares.factors }

  let isFetchedInAdvance: Bool
  /// The images that were announced.
  let announced = Announced()

  final class Announced: Sendable { let indices = Mutex<[Int]>([]) }

  init(failing: Set<Int> = [], after reads: Int = 0, fetchedInAdvance: Bool = false) throws {
    squares = try GeneratedSquares(failing: failing, after: reads)
    isFetchedInAdvance = fetchedInAdvance
  }

  func announce(_ indices: [Int]) { announced.indices.withLock { $0 += indices } }

  func readBytes(_ indices: UnsafeBufferPointer<Int>, into destination: UnsafeMutablePointer<UInt8>) throws {
    var pixels = [Float](repeating: 0, count: indices.count * shape.count)
    try pixels.withUnsafeMutableBufferPointer { try squares.read(indices, into: $0.baseAddress!) }
    for (place, value) in pixels.enumerated() { destination[place] = UInt8(value) }
  }
}

@Suite("Data that is not in memory")
struct DataSourceTests {
  private let device = Device(threads: 2)

  @Test("it trains, encodes and counts to the same bits as the same images in memory")
  func sameBits() throws {
    let memory = try TinyDataset(), generated = try GeneratedSquares()
    #expect(try generated.batch(Array(0..<32), on: device).elements == memory.batch(Array(0..<32), on: device).elements)
    #expect(try generated.multiplicities(on: device) == memory.multiplicities(on: device))
    func trained(_ dataset: any FactorDataset) throws -> ([Float], [Float], [Double]) {
      let trainer = try Trainer(TrainerTests.configuration().value, dataset: dataset, on: device)
      for _ in 0..<6 { _ = try trainer.advance() }
      let codes = try trainer.model.encode(dataset, 0..<32)
      let distortions = try trainer.model.distortions(dataset, [3, 1, 30], stream: RandomStream(seed: 1))
      return (TrainerTests.parameters(trainer), codes.mean + codes.logVariance, distortions)
    }
    let same = try trained(memory) == trained(generated)
    #expect(same)
  }

  @Test(
    "what is read ahead from disk has the same bits, for every kind of batch",
    arguments: [
      "objective: {name: vae}", TrainerTests.factor, "objective: {name: ada-gvae}",
      "objective: {name: semi-supervised, labels: 8, base: {name: vae}}",
    ])
  func readAhead(objective: String) throws {
    let settings = try TrainerTests.configuration(objective).value
    func trained(_ dataset: any FactorDataset) throws -> [Float] {
      let trainer = try Trainer(settings, dataset: dataset, on: device)
      while trainer.step < trainer.steps { _ = try trainer.advance() }
      return TrainerTests.parameters(trainer)
    }
    let same = try trained(GeneratedSquares()) == trained(SquaresOnDisk())
    #expect(same)
    let fetched = try SquaresOnDisk(fetchedInAdvance: true)
    let alsoSame = try trained(GeneratedSquares()) == trained(fetched)
    #expect(alsoSame)
    let announced = fetched.announced.indices.withLock { $0.count }
    #expect(announced > 0)
  }

  @Test("an image on disk that cannot be read stops the step that needs it, and nothing else")
  func readAheadFailure() throws {
    let settings = try TrainerTests.configuration().value
    let failed = try Trainer(settings, dataset: SquaresOnDisk(failing: Set(0..<32), after: 18), on: device)
    let whole = try Trainer(settings, dataset: TinyDataset(), on: device)
    // A step reads 6 images, and six more are read ahead.
    for _ in 0..<3 { _ = try (failed.advance(), whole.advance()) }
    #expect(throws: GeneratedSquares.error) { try failed.advance() }
    let same = TrainerTests.parameters(failed) == TrainerTests.parameters(whole)
    #expect(same && failed.step == 3)
  }

  @Test("what its source throws surfaces from everything that reads images")
  func failures() throws {
    let failing = try GeneratedSquares(failing: [13, 14, 17, 20, 25, 30]),
      settings = try TrainerTests.configuration().value
    let trainer = try Trainer(settings, dataset: failing, on: device), model = trainer.model
    func expectFailure(_ body: () throws -> Void) {
      #expect(throws: GeneratedSquares.error) { try body() }
    }
    expectFailure { for _ in 0..<12 { _ = try trainer.advance() } }
    expectFailure { _ = try model.encode(failing, 0..<32) }
    expectFailure { _ = try model.distortions(failing, [1, 13], stream: RandomStream(seed: 1)) }
    expectFailure { _ = try model.distortions(failing, [1, 13], at: [Float](repeating: 0, count: 8)) }
    expectFailure { _ = try MarginalLikelihood(of: model, on: failing, images: [13]) }
    expectFailure { _ = try failing.multiplicities(on: device) }
    expectFailure { _ = try Trainer.secondsPerStep(settings, dataset: failing, on: device) }
    let measured = try ConfigurationDocument(
      yaml: "objective: {name: vae}\ntraining: {steps: 9, decompose_every: 1, decompose_images: 32}", source: "test"
    ).decode(ExperimentConfiguration.self).value
    let decomposition = try #require(TrainingDecomposition(measured, dataset: failing))
    expectFailure { _ = try decomposition.measure(model) }
  }

  @Test("a failure while training leaves the folder as the last checkpoint left it, and the run resumes bit for bit")
  func interrupted() throws {
    let folder = try TemporaryFolder()
    func run(_ name: String, _ dataset: any FactorDataset) throws -> TrainingRun {
      try TrainingRun(
        try TrainerTests.configuration(), at: folder.file(name), resume: true, dataset: dataset, on: device)
    }
    let undisturbed = try run("undisturbed", GeneratedSquares())
    #expect(try undisturbed.train() == .complete)
    let expected = TrainerTests.parameters(undisturbed.trainer)
    // Each of 12 steps reads 6 images; checkpoints are written after steps 5 and 10.
    for reads in [0, 31, 35, 71] {
      let name = "failed after \(reads)", damaged = try GeneratedSquares(failing: Set(0..<32), after: reads)
      do {
        let failed = try run(name, damaged)
        #expect(throws: GeneratedSquares.error) { try failed.train() }
        #expect(failed.trainer.step == reads / 6)
      }
      #expect(!FileManager.default.fileExists(atPath: folder.file("\(name)/weights.safetensors")))
      let resumed = try run(name, GeneratedSquares())
      #expect(resumed.trainer.step == reads / 6 / 5 * 5)
      #expect(try resumed.train() == .complete)
      let same = TrainerTests.parameters(resumed.trainer) == expected
      #expect(same)
    }
  }

  @Test("a step whose images cannot be read updates nothing, those of the adversary included")
  func adversary() throws {
    let settings = try TrainerTests.configuration(TrainerTests.factor).value
    // A step reads 6 images, and 6 more for the adversary.
    for (reads, step) in [(0, 0), (8, 0), (12, 1), (21, 1)] {
      let data = try GeneratedSquares(failing: Set(0..<32), after: reads)
      let failed = try Trainer(settings, dataset: data, on: device)
      let whole = try Trainer(settings, dataset: GeneratedSquares(), on: device)
      for _ in 0..<step { _ = try (failed.advance(), whole.advance()) }
      #expect(throws: GeneratedSquares.error) { try failed.advance() }
      let same = TrainerTests.parameters(failed) == TrainerTests.parameters(whole)
      #expect(same && failed.step == step)
    }
  }

  @Test("a run whose configuration an earlier version listed, with keys that its data set does not have, resumes")
  func earlierListing() throws {
    let folder = try TemporaryFolder(), configuration = try TrainerTests.configuration()
    let earlier = configuration.yaml.replacingOccurrences(
      of: "  name: dsprites\n  path: null\n", with: "  name: dsprites\n  path: null\n  images: null\n  factors: null\n")
    #expect(earlier != configuration.yaml)
    let trainer = try Trainer(configuration.value, dataset: TinyDataset(), on: device)
    for _ in 0..<5 { _ = try trainer.advance() }
    _ = try RunFolder.create(
      at: folder.file("run"), with: [.configuration: Data(earlier.utf8), .environment: Data("{}".utf8)])
    try Checkpoint.save(trainer, configuration: earlier, to: folder.file("run/checkpoint.safetensors"))
    func resume(_ configuration: ResolvedConfiguration<ExperimentConfiguration>) throws -> TrainingRun {
      try TrainingRun(configuration, at: folder.file("run"), resume: true, dataset: TinyDataset(), on: device)
    }
    let other = try TrainerTests.configuration("objective: {name: beta-tcvae, beta: 5}")
    let refused = #expect(throws: StructuredError.self) { try resume(other) }
    #expect(refused?.what == "the run has another configuration: objective.beta is 4, not 5")
    let run = try resume(configuration)
    #expect(run.trainer.step == 5)
    #expect(try run.train() == .complete)
    for _ in 5..<12 { _ = try trainer.advance() }
    let same = TrainerTests.parameters(run.trainer) == TrainerTests.parameters(trainer)
    #expect(same)
  }
}
