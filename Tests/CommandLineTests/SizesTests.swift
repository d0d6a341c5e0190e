import DisentanglementMetrics
import Experiment
import FileFormats
import Foundation
import StrictConfiguration
import TestSupport
import Testing

extension CommandLineTests {
  /// Sizes that follow from settings are checked before they are allocated: whatever a person sets, the program ends with an
  /// error or does what it was asked to do, and no signal ends it.
  @Suite("Absurd sizes")
  struct SizesTests: CodesSuite {
    let experiment: SmallExperiment

    init() throws { experiment = try Self.copy() }

    static let values = [0, -1, 1 << 31, 4_000_000_000, 1 << 62]

    private func train(_ objective: String, _ setting: String) throws -> Program.Result {
      let yaml = """
        dataset: {name: file, path: data.h5}
        model: {latents: 4}
        objective: \(objective)
        training: {steps: 1, batch_size: 2}
        report: {samples: 20, distortion_images: 10}
        """
      _ = try experiment.folder.write(yaml.utf8, as: "sizes.yaml")
      let folder = experiment.folder.file("sized")
      try? FileManager.default.removeItem(atPath: folder)
      return try run("train sizes.yaml --output sized --threads 1 --set \(setting)")
    }

    /// Writes posteriors of 96 data points with two factors.
    private func writeCodes(_ name: String, latents: Int, factors: [Int]) throws {
      let shape = [96, latents], count = 96 * latents
      var contents = ArrayFileContents()
      contents.addArray("codes", Float.self, shape: shape)
      contents.addArray("log_variances", Float.self, shape: shape)
      contents.addArray("factors", Int.self, shape: [96, 2])
      try ArrayFileWriter.write(contents, to: experiment.folder.file(name)) { file in
        try file.append((0..<count).map { Float($0 * 7919 % 101) }, to: "codes")
        try file.append([Float](repeating: -6, count: count), to: "log_variances")
        try file.append(factors, to: "factors")
      }
    }

    /// Checks that a command did what it was asked to, or ended with one error that says where.
    private func expectSound(_ result: Program.Result, _ what: String, key: String) {
      #expect([0, 1, 64].contains(result.code), "\(what): exit code \(result.code)\n\(result.errors)")
      guard result.code != 0 else { return }
      #expect(result.errors.lowercased().contains("error: "), "\(what): \(result.errors)")
      #expect(result.errors.contains(key), "\(what) does not name \(key): \(result.errors)")
    }

    @Test("training.batch_size=500000 with β-TCVAE says how much memory its densities would take")
    func batch() throws {
      let result = try train("{name: beta-tcvae}", "training.batch_size=500000")
      expectError(
        result, "error: training.batch_size: ", "4 × 500000 × 500000 values", "would take 8.0 TB of memory",
        "expected at most", "Choose a smaller batch")
    }

    @Test("A discriminator of 4,000,000,000 units, or as many layers, is an error that names its key")
    func discriminator() throws {
      expectError(
        try train("{name: factor-vae}", "objective.discriminator.width=4000000000"),
        "error: objective.discriminator.width: ", "6 layers with 4000000000 units",
        "would take more than 9 EB of memory")
      expectError(
        try train("{name: factor-vae}", "objective.discriminator.layers=4000000000"),
        "error: objective.discriminator.layers: ", "would take 64.1 PB of memory")
    }

    @Test("Tables of bins × factor values say how much memory they would take, whatever metric counts in them")
    func tables() throws {
      // 16 tables at a time of 10,000 × 1,048,576 counts of 8 bytes.
      var factors = (0..<192).map { $0 / 2 % 3 }
      factors[190] = 1_048_575
      try writeCodes("many.npz", latents: 8, factors: factors)
      for metric in ["mig", "modularity", "dcimig"] {
        expectError(
          try run("evaluate --codes many.npz --threads 16 --metrics \(metric) --set \(metric).bins=10000"),
          "error: \(metric).bins: tables of 10,000 × 1,048,576 counts would take 1.3 TB of memory", "Choose fewer bins")
      }
      // The check is made before any metric is computed, and only for those that are.
      #expect(try run("evaluate --codes many.npz --threads 16 --metrics irs --set mig.bins=10000").code == 0)
    }

    @Test("Samples of a report are checked before training, not after it")
    func samples() throws {
      let result = try run(
        "train config.yaml --output sized --set report.samples=10000000 --set model.latents=4096 --set training.steps=1"
      )
      expectError(result, "error: report.samples: 10000000 samples of 4096 latents", "would take 491.5 GB of memory")
      #expect(!FileManager.default.fileExists(atPath: experiment.folder.file("sized/checkpoint.safetensors")))
    }

    /// The keys of whole numbers in a section of settings, with the sections inside.
    private static func integers(in value: SettingValue, _ path: String = "") -> [String] {
      switch value {
      case .integer: [path]
      case .section(let section):
        section.sorted { $0.key < $1.key }.flatMap {
          integers(in: $0.value, path.isEmpty ? $0.key : "\(path).\($0.key)")
        }
      default: []
      }
    }

    private static func integers(of yaml: String, _ sections: String...) throws -> [String] {
      let document = try ConfigurationDocument(yaml: yaml, source: "settings")
      return sections.flatMap { name in document[name].map { integers(in: SettingValue($0), name) } ?? [] }
    }

    @Test(
      "Every whole number of an experiment takes absurd values without a signal",
      arguments: ["{name: vae}", "{name: beta-vae}", "{name: beta-tcvae}", "{name: factor-vae}"])
    func experiments(objective: String) throws {
      let shown = try ConfigurationDocument(
        yaml: "{dataset: {name: file, path: data.h5}, objective: \(objective), training: {steps: 1}}", source: "sizes"
      ).experiment().yaml
      var keys = try Self.integers(of: shown, "objective")
      if objective.contains("beta-tcvae") {
        keys += try ["seed", "training.epochs"] + Self.integers(of: shown, "model", "training", "report")
        #expect(keys.count >= 11, "\(keys)")
      }
      for key in keys {
        for value in Self.values {
          expectSound(try train(objective, "\(key)=\(value)"), "\(objective), \(key)=\(value)", key: key)
        }
      }
    }

    @Test("Every whole number of every metric takes absurd values without a signal")
    func metrics() throws {
      try writeCodes("codes.npz", latents: 3, factors: (0..<96).flatMap { [$0 % 3, $0 / 3 % 4] })
      let yaml = try ConfigurationDocument(yaml: "{preset: fast}", source: "metrics").evaluation().yaml
      let settings = try ConfigurationDocument(yaml: yaml, source: "metrics").evaluation().value.all
      var count = 0
      for metric in settings.map(\.entry.name) {
        let keys = try Self.integers(of: yaml, metric)
        count += keys.count
        for key in keys {
          for value in Self.values {
            expectSound(
              try run("evaluate --codes codes.npz --preset fast --threads 1 --metrics \(metric) --set \(key)=\(value)"),
              "\(key)=\(value)", key: key)
          }
        }
      }
      #expect(count >= 35, "\(count) keys")
    }

    @Test(
      "Every whole number on a command line takes absurd values without a signal",
      arguments: [
        "sample run --output s.h5 --force --count", "sample run --output s.png --force --count 4 --columns",
        "decompose run --samples", "decompose run --batch-size", "decompose run --threads", "decompose run --seed",
        "report run -o rep --samples", "report run -o rep --distortion-images", "report run -o rep --audit-batch-size",
        "score run --random 3 --samples", "score run --random", "encode run --output e.h5 --force --random",
        "train config.yaml --output again --set training.steps=1 --seed", "encode run --output e.h5 --force --rows ::",
        "import run/weights.safetensors --latents",
      ])
    func options(command: String) throws {
      let option = try #require(command.split(separator: " ").last { $0.hasPrefix("--") })
      for value in Self.values {
        try? FileManager.default.removeItem(atPath: experiment.folder.file("again"))
        let line = command.hasSuffix("::") ? "\(command)\(value)" : "\(command) \(value)"
        let result = try run(line)
        #expect([0, 1, 64].contains(result.code), "\(line): exit code \(result.code)\n\(result.errors)")
        if result.code != 0 {
          #expect(result.errors.lowercased().contains("error: "), "\(line): \(result.errors)")
          let names = [String(option), String(option.dropFirst(2).split(separator: "-").last ?? ""), "latents"]
          #expect(names.contains { result.errors.contains($0) }, "\(line): \(result.errors)")
        }
      }
    }
  }
}
