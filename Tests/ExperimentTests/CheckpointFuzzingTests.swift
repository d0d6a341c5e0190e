import Experiment
import FileFormats
import Foundation
import StrictConfiguration
import TensorCore
import TestSupport
import Testing

@Suite struct CheckpointFuzzingTests {
  @Test("Changed checkpoints are refused, and change nothing") func checkpoints() throws {
    let fuzzing = Fuzzing(few: 500, share: 0.1), folder = try TemporaryFolder()
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
    let outcome = try fuzzing.run("checkpoint", corpus) {
      _ = try Checkpoint.restore(target, configuration: yaml, from: $0)
    }
    #expect(outcome.others.isEmpty && outcome.refused == fuzzing.count, "\(outcome)")
    let unchanged = TrainerTests.parameters(trainer) == before
    #expect(unchanged && trainer.step == 0)
  }
}
