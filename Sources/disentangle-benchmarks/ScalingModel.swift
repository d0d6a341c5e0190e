import Autodiff
import FactorData
import TensorCore

/// How a training step is divided among threads, from 1 to 64, on whatever machine this is.
struct ScalingModel {
  private let step: StepCase
  private let dataset: any FactorDataset
  private let rounds: Int

  init(of benchmark: StepBenchmark) throws {
    step = StepCase(architecture: benchmark.architecture, objective: benchmark.objective, batch: benchmark.batch)
    dataset = benchmark.noise ? try NoiseImages() : try DSprites(renderedOn: Device())
    rounds = benchmark.options.rounds
  }

  /// Measures a step on so many threads: always the same one, so that images are the same.
  private func measure(_ threads: Int) throws -> WorkModel {
    let model = WorkModel(), device = Device(modelling: threads, in: model)
    for _ in 0..<rounds {
      let trainer = try step.trainer(on: dataset, device), profile = StepProfile()
      for _ in 0..<2 { _ = try trainer.advance() }
      trainer.profile = profile
      model.name = { profile.part }
      try model.measure { _ = try trainer.advance() }
    }
    return model
  }

  func print() throws {
    printLine("\(step.name): the parts of a step, each the least of \(rounds) measurements, one after the other\n")
    func line(_ cells: [String]) {
      printLine(cells.enumerated().map { $0 == 0 ? $1.padded(34) : $1.leftPadded(11) }.joined())
    }
    line(["threads", "parts, ms", "longest", "ratio", "serial, ms", "% of step", "speed-up"])
    var one = 0.0, detailed: WorkModel?
    for threads in [1, 2, 4, 8, 16, 32, 64] {
      let model = try measure(threads)
      if threads == 1 { one = model.serial + model.sum }
      if threads == 16 { detailed = model }
      line([
        "\(threads)", fixed(1000 * model.sum, 2), fixed(1000 * model.longest, 2),
        fixed(model.longest / (model.sum / Double(threads)), 2), fixed(1000 * model.serial, 3),
        fixed(100 * model.serial / one, 2), fixed(one / (model.serial + model.longest), 1),
      ])
    }
    guard let detailed else { return }
    printLine("\nOn 16 threads\n")
    line(["", "parts, ms", "longest", "ratio", "serial, ms"])
    var names: [String] = []
    for region in detailed.regions where !names.contains(region.name) { names.append(region.name) }
    for name in names {
      let regions = detailed.regions.filter { $0.name == name }
      let sum = regions.reduce(0) { $0 + $1.sum }, longest = regions.reduce(0) { $0 + $1.longest }
      line([
        name.isEmpty ? "between the phases" : name, fixed(1000 * sum, 2), fixed(1000 * longest, 3),
        sum > 0 ? fixed(longest / (sum / 16), 2) : "", fixed(1000 * regions.reduce(0) { $0 + $1.serial }, 3),
      ])
    }
  }
}
