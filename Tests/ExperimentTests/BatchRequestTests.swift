import Diagnostics
import Experiment
import FactorData
import Objectives
import StrictConfiguration
import TensorCore
import TestSupport
import Testing

/// Images whose first row holds their number in the grid: the pixel in that column is set.
struct NumberedDataset: FactorDataset, ImageSource {
  let name = "numbered"
  let shape = ImageShape(height: 64, width: 64)
  let format = PixelFormat.bits
  let space: FactorSpace
  /// Which combinations the images show; nil for the full grid in order.
  let combinations: [Int]?
  let factors: Factors

  init(combinations: [Int]? = nil) throws {
    let space = try FactorSpace([Factor("a", size: 4), Factor("b", size: 8), Factor("c", size: 2)])
    (self.space, self.combinations) = (space, combinations)
    factors =
      try combinations.map { numbers in
        .table(try FactorTable(space.factors, values: numbers.flatMap { space.values(at: $0).map { Int32($0) } }))
      } ?? .grid(space)
  }

  var count: Int { combinations?.count ?? space.count }
  var images: any ImageSource { self }

  func read(_ indices: UnsafeBufferPointer<Int>, into destination: UnsafeMutablePointer<Float>) {
    destination.update(repeating: 0, count: indices.count * shape.count)
    for (position, index) in indices.enumerated() {
      destination[position * shape.count + (combinations?[index] ?? index)] = 1
    }
  }

  /// The factor values of each image of a batch, read off its pixels.
  func values(of images: Tensor<Float>) -> [[Int]] {
    let pixels = images.elements
    return (0..<images.shape[0]).map { position in
      space.values(at: pixels[(position * shape.count)...].prefix(64).firstIndex(of: 1)! - position * shape.count)
    }
  }
}

/// A VAE that asks for pairs and labelled images and keeps what it was given.
private final class RecordingObjective: Objective {
  struct Configuration: ObjectiveConfiguration {
    var request = BatchRequest.images
    init(_ request: BatchRequest) { self.request = request }
    init(from section: inout ConfigurationSection) throws {}
    func objective(in context: ObjectiveContext) -> any Objective { RecordingObjective(request) }
  }

  let batch: BatchRequest
  private(set) var steps: [TrainingStep] = []

  init(_ batch: BatchRequest) { self.batch = batch }

  func loss(of step: TrainingStep) -> LossTerms {
    steps.append(step)
    return LossTerms(.reconstruction(step.meanDistortion), .rate(step.posterior.rate))
  }
}

@Suite("What the batch of a step holds")
struct BatchRequestTests {
  private func steps(_ request: BatchRequest, of dataset: any FactorDataset) throws -> [TrainingStep] {
    var settings = try TrainerTests.configuration("objective: {name: vae}").value
    settings.objectiveSettings = RecordingObjective.Configuration(request)
    let trainer = try Trainer(settings, dataset: dataset, on: Device(threads: 2))
    for _ in 0..<8 { _ = try trainer.advance() }
    return try #require(trainer.objective as? RecordingObjective).steps
  }

  /// The full grid, and one without some combinations, with others several times, in another order.
  static let combinations: [[Int]?] = [nil, (0..<90).map { $0 * 37 % 64 }.filter { $0 % 5 != 2 }]

  @Test(arguments: combinations)
  func `The images of a pair share the factors that the step says they share`(combinations: [Int]?) throws {
    let dataset = try NumberedDataset(combinations: combinations)
    for step in try steps(BatchRequest(pairs: PairRequest(changedFactors: .fixed(1))), of: dataset) {
      let pairs = try #require(step.pairs)
      #expect(step.labelled == nil && pairs.factors == 3)
      let equal = zip(dataset.values(of: step.images), dataset.values(of: pairs.second)).flatMap { first, second in
        zip(first, second).map { $0 == $1 }
      }
      #expect(pairs.shared == equal)
      #expect(equal.count { !$0 } == step.images.shape[0], "one factor changes in each pair")
    }
  }

  @Test func `Labelled images come with their own factor values, from a part that stays the same`() throws {
    let dataset = try NumberedDataset()
    var seen: Set<[Int]> = []
    let steps = try steps(BatchRequest(labels: LabelRequest(count: 5, batchSize: 4)), of: dataset)
    for step in steps {
      let labelled = try #require(step.labelled), values = dataset.values(of: labelled.images)
      #expect(step.pairs == nil && labelled.sizes == [4, 8, 2] && values.count == 4)
      #expect(labelled.values == values.joined().map(Int32.init))
      seen.formUnion(values)
    }
    #expect(seen.count == 5, "8 batches of 4 see each of the 5 labelled images")
    #expect(Set(steps.flatMap { dataset.values(of: $0.images) }).count > 5, "the rest is all images")
  }

  @Test func `Data without factors is refused for pairs and labels`() throws {
    for request in [BatchRequest(pairs: PairRequest()), BatchRequest(labels: LabelRequest(count: 5))] {
      #expect(throws: StructuredError.self) { try steps(request, of: TinyDataset()) }
    }
  }
}
