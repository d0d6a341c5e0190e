import FileFormats
import Foundation
import TestSupport
import Testing

extension CommandLineTests {
  @Suite("Evaluating")
  struct EvaluateTests {
    /// Codes that are the factors of 512 squares, and noise.
    private func writeCodes(to path: String, shift: Int = 0) throws {
      let file = try HDF5Writer(), factors = (0..<512).flatMap { [$0 / 64, $0 / 8 % 8, $0 % 8] }
      let codes = (0..<512).flatMap { n in (0..<3).map { Float(factors[n * 3 + ($0 + shift) % 3]) } }
      try file.write("codes", codes, shape: [512, 3])
      try file.write("factors", factors, shape: [512, 3])
      try file.save(to: path)
    }

    private func object(_ text: String) throws -> [String: Any] {
      try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    @Test("a run's images are encoded once; what is kept is used while it fits")
    func run() throws {
      let experiment = try SmallExperiment(steps: 20), folder = experiment.folder
      try #require(try Program.run("train", "config.yaml", "--output", "run", "--threads", "1", in: folder).code == 0)
      func evaluate(_ more: String...) throws -> Program.Result {
        let options = (["--preset", "fast", "--format", "json"] + more).joined(separator: " ")
        return try Program.shell("exec \"$disentangle\" evaluate run --threads 1 \(options)", in: folder)
      }
      // Training has encoded all images for its report.
      let first = try evaluate()
      #expect(first.code == 0, "\(first.errors)")
      #expect(first.errors.contains("Using the posteriors in run/posteriors.h5") && !first.errors.contains("Encoding"))
      // What is read gives what encoding gives.
      try FileManager.default.removeItem(atPath: folder.file("run/posteriors.h5"))
      let encodedAnew = try evaluate()
      #expect(encodedAnew.errors.contains("Encoding all 512 images"))
      let exact = encodedAnew.output == first.output
      #expect(exact)
      let document = try object(first.output)
      #expect(document["data_points"] as? Int == 512)
      #expect((document["factors"] as? [[String: Any]])?.map { $0["size"] as? Int } == [8, 8, 8])
      let metrics = try #require(document["metrics"] as? [String: Any])
      #expect(metrics["mig"] != nil && metrics["mig-exact"] != nil && metrics["udr"] == nil)
      let second = try evaluate()
      #expect(!second.errors.contains("Encoding"))
      let same = first.output == second.output
      #expect(same)
      // Codes that went through a file score as the run does.
      let encoded = try Program.run("encode", "run", "--output", "codes.npz", "--threads", "1", in: folder)
      #expect(encoded.code == 0, "\(encoded.errors)")
      let fromFile = try Program.shell(
        "exec \"$disentangle\" evaluate --codes codes.npz --threads 1 --preset fast --format json", in: folder)
      let alike = fromFile.output == first.output
      #expect(fromFile.code == 0 && alike, "\(fromFile.errors)")
      // The kept posteriors are those that decompose takes.
      let decomposed = try Program.run(
        "decompose", "--posterior", "run/posteriors.h5", "--samples", "50", in: folder)
      #expect(decomposed.code == 0)
      // Other weights: what is kept no longer fits, and no person needs to know.
      try #require(
        try Program.run("train", "config.yaml", "--output", "other", "--set", "seed=4", in: folder).code == 0)
      try FileManager.default.removeItem(atPath: folder.file("run/weights.safetensors"))
      try FileManager.default.copyItem(
        atPath: folder.file("other/weights.safetensors"), toPath: folder.file("run/weights.safetensors"))
      let third = try evaluate()
      #expect(third.errors.contains("Encoding all 512 images"))
      let changed = third.output != first.output
      #expect(changed)
      // A damaged file is made anew.
      try Data("no file of ours".utf8).write(to: URL(fileURLWithPath: folder.file("run/posteriors.h5")))
      let fourth = try evaluate()
      let restored = fourth.output == third.output
      #expect(restored)
      #expect(try experiment.tornFile(in: "run") == nil)
    }

    @Test("metrics are over all images, those of training or the held-out ones, and the result says which")
    func images() throws {
      let experiment = try SmallExperiment(steps: 5), folder = experiment.folder
      func run(_ arguments: String) throws -> Program.Result {
        try Program.shell("exec \"$disentangle\" \(arguments) --threads 1", in: folder)
      }
      let trained = try run(
        "train config.yaml --output run --set 'dataset.sampling={excluded: [\"factor 2=7\", \"factor 1=0, factor 0=1\"]}'"
      )
      try #require(trained.code == 0, "\(trained.errors)")
      try #require(try run("train config.yaml --output plain").code == 0)
      func evaluate(_ options: String) throws -> [String: Any] {
        let result = try run("evaluate \(options) --preset fast --metrics mig,factor-vae-score --format json")
        #expect(result.code == 0, "\(result.errors)")
        return try object(result.output)
      }
      // 64 images with factor 2 = 7, and 7 of the 8 with the other combination.
      for (options, count, note) in [
        ("run", 512, "Over all 512 images; training draws from 441 of them."),
        ("run --images all", 512, "Over all 512 images; training draws from 441 of them."),
        ("run --images training", 441, "Over the 441 of 512 images that training draws from."),
        ("run --images held-out", 71, "Over the 71 of 512 images that training never draws."),
      ] {
        let document = try evaluate(options)
        #expect(document["data_points"] as? Int == count && document["notes"] as? [String] == [note])
      }
      #expect(try evaluate("plain --images training")["notes"] as? [String] == [])
      let text = try run("evaluate run --images held-out --preset fast --metrics mig")
      #expect(
        text.output.hasPrefix(
          "run: preset fast, seed 0, 71 data points, 4 latents. Over the 71 of 512 images that training never draws.\n")
      )
      expectError(
        try run("evaluate plain --images held-out"), "plain: training draws from all images",
        "a run whose dataset.sampling leaves images out")
      expectError(
        try run("evaluate --codes codes.h5 --images all"), code: 64, "--images is for runs, not for files of codes.")
    }

    @Test("codes of any framework, as a table, JSON and CSV, printed or written")
    func codes() throws {
      let folder = try TemporaryFolder()
      try writeCodes(to: folder.file("codes.h5"))
      let table = try Program.run("evaluate", "--codes", "codes.h5", "--metrics", "mig, irs", in: folder)
      #expect(table.code == 0, "\(table.errors)")
      #expect(table.output.hasPrefix("codes.h5: preset dlib, seed 0, 512 data points, 3 latents\n"))
      #expect(table.output.contains("mig") && table.output.contains("1.0000"))
      let csv = try Program.run(
        "evaluate", "--codes", "codes.h5", "--metrics", "mig", "--format", "csv", "--output", "scores.csv", in: folder)
      #expect(csv.code == 0 && csv.output.isEmpty)
      let written = try String(contentsOfFile: folder.file("scores.csv"), encoding: .utf8)
      #expect(written.hasPrefix("metric,score,value,standard_error,repeats,unit,undefined\nmig,mig,"))
      // Without log-variances the exact gap has a sentence instead of a value.
      let json = try Program.run(
        "evaluate", "--codes", "codes.h5", "--metrics", "mig-exact", "--format", "json", in: folder)
      #expect(json.output.contains("without the log-variances"))
      let parts = try Program.run("evaluate", "--codes", "codes.h5", "--metrics", "mig", "--parts", in: folder)
      #expect(parts.output.contains("mutual_information, nats"))
    }

    @Test("several files are compared")
    func several() throws {
      let folder = try TemporaryFolder()
      try writeCodes(to: folder.file("a.h5"))
      try writeCodes(to: folder.file("b.h5"), shift: 1)
      let result = try Program.run(
        "evaluate", "--codes", "a.h5", "--codes", "b.h5", "--metrics", "mig,udr", "--format", "json", in: folder)
      #expect(result.code == 0, "\(result.errors)")
      let document = try object(result.output)
      #expect((document["runs"] as? [Any])?.count == 2)
      #expect(result.output.contains("spearman a.h5"))
    }

    @Test("a configuration, overrides and options go together")
    func settings() throws {
      let folder = try TemporaryFolder()
      try writeCodes(to: folder.file("codes.h5"))
      _ = try folder.write("preset: exact\nmig: {bins: 12}\nseed: 5\n".utf8, as: "metrics.yaml")
      let result = try Program.run(
        "evaluate", "--codes", "codes.h5", "--config", "metrics.yaml", "--set", "mig.bootstrap=3", "--seed", "6",
        "--metrics", "mig", "--format", "json", in: folder)
      #expect(result.code == 0, "\(result.errors)")
      let document = try object(result.output)
      #expect(document["preset"] as? String == "exact" && document["seed"] as? Int == 6)
      let metrics = try #require(document["metrics"] as? [String: [String: Any]])
      let settings = try #require(metrics["mig"]?["settings"] as? [String: Any])
      #expect(settings["bins"] as? Int == 12 && settings["bootstrap"] as? Int == 3 && settings["points"] as? Int == 0)
    }

    @Test("mistakes are one error, and nothing is written")
    func mistakes() throws {
      let folder = try TemporaryFolder()
      try writeCodes(to: folder.file("codes.h5"))
      func run(_ arguments: String) throws -> Program.Result {
        try Program.shell("exec \"$disentangle\" evaluate \(arguments)", in: folder)
      }
      expectError(
        try run("--codes codes.h5 --metrics mgi"), "error: --metrics mgi: metrics names 'mgi'", "Did you mean mig?")
      expectError(try run("--codes codes.h5 --preset rc"), code: 64, "The value 'rc' is invalid", "exact")
      expectError(try run("--codes codes.h5 --set mig.bin=3"), "--set mig.bin=3: unknown key mig.bin")
      expectError(try run("--codes none.h5"), "none.h5")
      expectError(try run("--codes codes.h5 --codes codes.h5"), "codes.h5: is given twice")
      expectError(try run("none"), "none", "no such run folder")
      expectError(try run("--codes codes.h5 --output no/where.json"), "no/where.json")
      #expect(try folder.names() == ["codes.h5"])
    }
  }
}
