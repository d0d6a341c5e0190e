import Foundation
import TensorCore
import TestSupport
import Testing

extension CommandLineTests {
  @Suite("Runs that things happen to")
  struct FaultTests {
    private func train(_ experiment: SmallExperiment, _ arguments: String = "") throws -> Program.Result {
      try Program.shell(
        "exec \"$disentangle\" train config.yaml --threads 1 --output run \(arguments)", in: experiment.folder)
    }

    @Test("a loss that is no number stops the run by term and step, and leaves the last good checkpoint")
    func notANumber() throws {
      let experiment = try SmallExperiment(steps: 50, checkpointEvery: 1)
      let result = try train(experiment, "--set training.optimizer.learning_rate=1e30")
      expectError(result, "the term reconstruction is nan at step 2", output: true)
      #expect(try experiment.checkpointStep(of: "run") == 1)
      #expect(try experiment.tornFile(in: "run") == nil)
      let before = try experiment.snapshot()
      let resumed = try train(experiment, "--set training.optimizer.learning_rate=1e30 --resume")
      #expect(resumed.output.contains("Resumed after step 1."))
      expectError(resumed, "the term reconstruction is nan at step 2", output: true)
      let untouched = try experiment.snapshot() == before
      #expect(untouched)
    }

    @Test("a loss that grows beyond all numbers stops the run after its last good checkpoint")
    func infinite() throws {
      let experiment = try SmallExperiment(steps: 50, checkpointEvery: 5, logEvery: 1)
      // The total correlation begins near 18 nats: its product with β passes 3.4e38 on the way up.
      let weight = "--set 'objective.beta={from: 1, to: 4e37, steps: 30}'"
      let result = try train(experiment, weight)
      expectError(result, "the weighted loss is inf at step ", output: true)
      let rows = try experiment.metrics(of: "run").compactMap { $0["step"] }
      let last = rows.count
      #expect(last > 5 && last < 50)
      #expect(rows == (1...max(1, last)).map(Double.init))
      #expect(result.errors.contains("at step \(last + 1);"))
      #expect(try experiment.checkpointStep(of: "run") == last / 5 * 5)
      let resumed = try train(experiment, weight + " --resume")
      #expect(resumed.output.contains("Resumed after step \(last / 5 * 5)."))
      expectError(resumed, "the weighted loss is inf at step \(last + 1);", output: true)
      #expect(try experiment.metrics(of: "run").compactMap { $0["step"] } == rows)
    }

    @Test("on a full disk the run stops and the earlier checkpoint is intact; with space again it ends as undisturbed")
    func fullDisk() throws {
      let experiment = try SmallExperiment(steps: 800, checkpointEvery: 20)
      try #require(try train(experiment).code == 0)
      let expected = (try experiment.data("run/weights.safetensors"), try experiment.metrics(of: "run"))
      try FileManager.default.removeItem(atPath: experiment.folder.file("run"))
      let program = try Program.start(
        "train", "config.yaml", "--threads", "1", "--output", "run", in: experiment.folder)
      try #require(program.waitForProgress())
      program.signal(SIGINT)
      try #require(try program.wait().code == 130)
      let checkpoint = try experiment.data("run/checkpoint.safetensors")
      // The next checkpoint has six megabytes and does not fit under a limit of 2,000 blocks.
      let limited = try Program.shell(
        "ulimit -f 2000; exec \"$disentangle\" train config.yaml --threads 1 --output run --resume",
        in: experiment.folder)
      expectError(limited, "run/checkpoint.safetensors", "File too large", output: true)
      let intact = try experiment.data("run/checkpoint.safetensors") == checkpoint
      #expect(intact)
      #expect(try experiment.tornFile(in: "run") == nil)
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: experiment.folder.file("run")).allSatisfy {
          !$0.hasPrefix(".")
        })
      let resumed = try train(experiment, "--resume")
      #expect(resumed.code == 0, "\(resumed.errors)")
      let same =
        try experiment.data("run/weights.safetensors") == expected.0 && experiment.metrics(of: "run") == expected.1
      #expect(same)
    }

    @Test("on a disk that is full from the start no folder appears")
    func fullFromTheStart() throws {
      let experiment = try SmallExperiment(), before = try experiment.snapshot()
      // Without TMPDIR the thread sanitizer makes no file of its own, which the limit would cut short too.
      let train = "TMPDIR=/dev/null \"$disentangle\" train config.yaml --output run"
      let result = try Program.shell(
        "(ulimit -f 0; \(train) 2>&1; echo \"code $?\") | cat >&2; exit 1",
        in: experiment.folder)
      expectError(result, "cannot write the file", "code 1")
      let untouched = try experiment.snapshot() == before
      #expect(untouched)
    }

    @Test(
      "an output that cannot be made is one error, and nothing is left",
      arguments: ["data.h5/run", "/proc/run", "nowhere/run", "data.h5", ".", "''"])
    func unwritable(output: String) throws {
      let experiment = try SmallExperiment(), before = try experiment.snapshot()
      let result = try Program.shell(
        "exec \"$disentangle\" train config.yaml --output \(output)", in: experiment.folder)
      expectError(result, output == "''" ? "--output" : output)
      let untouched = try experiment.snapshot() == before
      #expect(untouched)
    }

    @Test("a run that exists is not overwritten, nor resumed as another")
    func exists() throws {
      let experiment = try SmallExperiment(steps: 20)
      try #require(try train(experiment).code == 0)
      let before = try experiment.snapshot()
      expectError(try train(experiment), "run", "already exists", "--resume")
      expectError(
        try train(experiment, "--resume --seed 4"), "run/config.yaml", "another configuration", "seed is 3, not 4")
      expectError(try train(experiment, "--resume --set model.latents=5"), "run/config.yaml", "another configuration")
      let untouched = try experiment.snapshot() == before
      #expect(untouched)
    }

    @Test("the checkpoint of another configuration is refused, whatever its shapes")
    func foreignCheckpoint() throws {
      let experiment = try SmallExperiment(steps: 20)
      try #require(try train(experiment).code == 0)
      for other in ["seed=9", "model.latents=5"] {
        let made = try Program.run(
          "train", "config.yaml", "--threads", "1", "--output", "other", "--set", other, in: experiment.folder)
        try #require(made.code == 0, "\(made.errors)")
        try Self.replace(experiment, by: try experiment.data("other/checkpoint.safetensors"))
        let before = try experiment.snapshot()
        expectError(
          try train(experiment, "--resume"), "run/checkpoint.safetensors", "belongs to another configuration",
          other.replacingOccurrences(of: "=", with: " is "))
        let untouched = try experiment.snapshot() == before
        #expect(untouched)
        try FileManager.default.removeItem(atPath: experiment.folder.file("other"))
      }
    }

    private static func replace(_ experiment: SmallExperiment, by checkpoint: Data) throws {
      try checkpoint.write(to: URL(fileURLWithPath: experiment.folder.file("run/checkpoint.safetensors")))
    }

    @Test("a checkpoint is refused whichever bit of it has flipped, and wherever it was cut off")
    func damagedCheckpoint() throws {
      let experiment = try SmallExperiment(steps: 20)
      try #require(try train(experiment).code == 0)
      let whole = try experiment.data("run/checkpoint.safetensors")
      let header = 8 + whole.withUnsafeBytes { Int($0.loadUnaligned(as: UInt64.self)) }
      // The blanks that pad the header mean nothing; up to them every byte counts.
      let meaning = whole[..<header].lastIndex(of: UInt8(ascii: "}"))! + 1
      var random = RandomStream(seed: 7)
      // The first byte of the values that decide how training goes on.
      let values = try ["step", "model.updates", "threads", "configuration"].map { key in
        try #require(whole[..<header].range(of: Data("\"\(key)\":\"".utf8))).upperBound
      }
      let positions =
        values + [0, 1, 7, 8, meaning - 1, header, whole.count - 1]
        + (0..<25).map { _ in random.integer(below: meaning) }
        + (0..<8).map { _ in header + random.integer(below: whole.count - header) }
      for position in positions {
        var damaged = whole
        damaged[position] ^= 1 << UInt8(random.integer(below: 8))
        try Self.replace(experiment, by: damaged)
        let result = try train(experiment, "--resume")
        #expect(result.code == 1, "byte \(position): \(result.output)\(result.errors)")
        expectError(result, "run/checkpoint.safetensors")
        #expect(!result.errors.contains("another configuration"), "byte \(position): \(result.errors)")
      }
      for length in [0, 4, 8, header / 2, header, whole.count / 2, whole.count - 1] {
        try Self.replace(experiment, by: whole.prefix(length))
        expectError(try train(experiment, "--resume"), "run/checkpoint.safetensors")
      }
      try Self.replace(experiment, by: whole)
      #expect(try train(experiment, "--resume").code == 0)
    }
  }
}
