import FileFormats
import Foundation
import TestSupport
import Testing

/// What the tests of codes in and out share: a short run, trained once, of which every test has a copy.
protocol CodesSuite {
  /// A folder with the run in `run`.
  var experiment: SmallExperiment { get }
}

private let trainedForCodes = Result {
  let experiment = try SmallExperiment(steps: 20, checkpointEvery: 20)
  let result = try Program.run(
    "train", "config.yaml", "--output", "run", "--threads", "1", in: experiment.folder)
  try #require(result.code == 0, "\(result.errors)")
  return experiment
}

extension CodesSuite {
  /// A copy of the run in a folder of its own.
  static func copy() throws -> SmallExperiment {
    let experiment = try SmallExperiment()
    try FileManager.default.copyItem(
      atPath: trainedForCodes.get().folder.file("run"), toPath: experiment.folder.file("run"))
    return experiment
  }

  func run(_ arguments: String) throws -> Program.Result {
    try Program.shell("exec \"$disentangle\" \(arguments)", in: experiment.folder)
  }

  /// Runs a command that must succeed, and returns what it printed.
  @discardableResult func done(
    _ arguments: String, sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> String {
    let result = try run(arguments)
    try #require(result.code == 0, "\(arguments): \(result.errors)", sourceLocation: sourceLocation)
    return result.output
  }

  func floats(_ file: String, _ array: String) throws -> [Float] {
    try openArrayFile(experiment.folder.file(file)).read(array, as: Float.self).values
  }

  func doubles(_ file: String, _ array: String) throws -> [Double] {
    try openArrayFile(experiment.folder.file(file)).read(array, as: Double.self).values
  }

  func integers(_ file: String, _ array: String) throws -> [Int] {
    try openArrayFile(experiment.folder.file(file)).read(array, as: Int.self).values
  }

  func shape(_ file: String, _ array: String) throws -> [Int] {
    try openArrayFile(experiment.folder.file(file)).information(array).shape
  }

  func same(_ a: String, _ b: String) throws -> Bool { try experiment.data(a) == experiment.data(b) }

  /// The factors of squares, as `SmallExperiment` draws them.
  static func factors(of index: [Int]) -> [Int] { index.flatMap { [$0 / 64, $0 / 8 % 8, $0 % 8] } }

  /// Mean and mean square of normal values, within four standard errors.
  func expectStandardNormal(_ values: [Double]) {
    let count = Double(values.count)
    let mean = values.reduce(0, +) / count, square = values.reduce(0) { $0 + $1 * $1 } / count
    #expect(abs(mean) < 4 / count.squareRoot())
    #expect(abs(square - 1) < 4 * (2 / count).squareRoot())
  }

  /// Writes arrays of 32-bit floats.
  func write(_ name: String, _ arrays: (name: String, values: [Float], shape: [Int])...) throws {
    var contents = ArrayFileContents()
    for array in arrays { contents.addArray(array.name, Float.self, shape: array.shape) }
    try ArrayFileWriter.write(contents, to: experiment.folder.file(name)) { file in
      for array in arrays { try file.append(array.values, to: array.name) }
    }
  }
}
