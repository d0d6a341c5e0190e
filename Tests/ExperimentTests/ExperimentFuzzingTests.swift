import Experiment
import FactorData
import FileFormats
import Foundation
import TensorCore
import TestSupport
import Testing

@Suite struct ExperimentFuzzingTests {
  @Test("Changed checkpoints are refused, and change nothing") func checkpoints() throws {
    let fuzzing = Fuzzing(few: 2000, share: 0.07), folder = try TemporaryFolder()
    let configuration = try TrainerTests.configuration()
    let trainer = try Trainer(configuration.value, dataset: TinyDataset(), on: Device(threads: 1))
    let before = TrainerTests.parameters(trainer)
    // All that a checkpoint has, but for a few numbers only, so that it is never that of this trainer.
    try Safetensors.write(
      [
        .init("model.parameters", shape: [4], values: [1, 2, 3, 4]),
        .init("model.moment0", shape: [4], values: [0, 0, 0, 0]),
        .init("model.moment1", shape: [4], values: [1, 1, 1, 1]),
      ],
      metadata: [
        "format": "disentangle checkpoint 1", "configuration": configuration.yaml, "step": "7", "threads": "2",
        "vector_level": "plain", "model.updates": "7", "crc32": "0",
      ], to: folder.file("sound"))
    let corpus = [FileMutator([UInt8](try Data(contentsOf: URL(fileURLWithPath: folder.file("sound")))))]
    let yaml = configuration.yaml
    // Read by both threads, written by none: no checkpoint fits.
    nonisolated(unsafe) let target = trainer
    let outcome = try fuzzing.run("checkpoint", corpus, isSound: false) {
      _ = try Checkpoint.restore(target, configuration: yaml, from: $0)
    }
    #expect(outcome.others.isEmpty && outcome.refused == fuzzing.count, "\(outcome)")
    let unchanged = TrainerTests.parameters(trainer) == before
    #expect(unchanged && trainer.step == 0)
  }

  @Test("Changed files of posteriors are read or refused") func posteriors() throws {
    let fuzzing = Fuzzing(few: 1000, share: 0.03), writer = try HDF5Writer()
    try writer.write("mean", (0..<24).map { Double($0) / 8 }, shape: [8, 3])
    try writer.write("log_variance", [Float](repeating: -2, count: 24), shape: [8, 3])
    try writer.write("samples", (0..<6).map { Float($0) }, shape: [2, 3])
    try writer.write("indices", [3, 7], shape: [2])
    let folder = try TemporaryFolder()
    var contents = ArrayFileContents()
    for name in ["mean", "log_variance"] { contents.addArray(name, Double.self, shape: [8, 3]) }
    try ArrayFileWriter.write(contents, to: folder.file("p.npz")) { file in
      for name in ["mean", "log_variance"] { try file.append((0..<24).map { -Double($0) / 8 }, to: name) }
    }
    let npz = try [UInt8](Data(contentsOf: URL(fileURLWithPath: folder.file("p.npz"))))
    let corpus = [FileMutator([UInt8](try writer.bytes())), FileMutator(npz)]
    let outcome = try fuzzing.run("posteriors", corpus) {
      _ = try PosteriorFile(reading: $0)
    }
    #expect(outcome.others.isEmpty, "\(outcome.others.prefix(5))")
    #expect(outcome.values > 0 && outcome.refused > 0 && outcome.values + outcome.refused == fuzzing.count)
  }

  @Test("Changed files of images are read or refused") func images() throws {
    let fuzzing = Fuzzing(few: 1000, share: 0.03), writer = try HDF5Writer()
    let pixels = (0..<384).map { UInt8($0 % 3 == 0 ? 1 : 0) }
    try writer.write("images", pixels, shape: [6, 8, 8], layout: .deflated(chunks: [4, 8, 8], level: 6))
    try writer.write("factors", [0, 0, 0, 1, 0, 2, 1, 0, 1, 1, 1, 2], shape: [6, 2])
    try writer.setAttribute("names", ["shape", "scale"], of: "factors")
    let outcome = try fuzzing.run("images", [FileMutator([UInt8](try writer.bytes()))]) {
      _ = try ImageFile(path: $0, on: Device(threads: 1))
    }
    #expect(outcome.others.isEmpty, "\(outcome.others.prefix(5))")
    #expect(outcome.values > 0 && outcome.refused > 0 && outcome.values + outcome.refused == fuzzing.count)
  }
}
