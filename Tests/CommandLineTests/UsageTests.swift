import Foundation
import TensorCore
import TestSupport
import Testing

extension CommandLineTests {
  @Suite("Usage")
  struct UsageTests {
    private let experiment: SmallExperiment

    init() throws { experiment = try SmallExperiment() }

    @Test(
      "every command explains itself",
      arguments: [
        ("", "train"), ("train", "--resume"), ("decompose", "--posterior"),
        ("report", "--likelihood-images"), ("compare", "overlaid"), ("rate-distortion", "seeds"),
        ("encode", "sampled_codes"), ("decode", "--columns"), ("sample", "--count"),
        ("score", "effective_sample_size"), ("config", "check"),
        ("config check", "--set"), ("config show", "--set"), ("list", "objectives"), ("list objectives", "paper"),
        ("list architectures", "paper"), ("list datasets", "paper"), ("list metrics", "paper"),
        ("evaluate", "--preset exact"),
      ])
    func help(command: String, part: String) throws {
      let result = try Program.shell("exec \"$disentangle\" \(command) --help", in: experiment.folder)
      #expect(result.code == 0 && result.errors.isEmpty)
      #expect(result.output.contains("USAGE: disentangle \(command)"))
      #expect(result.output.contains(part))
    }

    @Test("the version names the kernels in use")
    func version() throws {
      let result = try Program.run("--version", in: experiment.folder)
      #expect(result.code == 0)
      #expect(result.output.hasPrefix("disentangle "))
      #expect(result.output.contains("OpenBLAS"))
    }

    @Test(
      "wrong usage is one error with code 64, and nothing is done",
      arguments: [
        "bogus", "train", "train --bogus config.yaml", "train config.yaml --threads 0",
        "train config.yaml --threads many", "train config.yaml --seed x", "train config.yaml more", "decompose",
        "decompose run --posterior p.h5", "decompose run --samples 1", "decompose run --samples 99999999999",
        "decompose run --batch-size 0", "decompose run --format xml", "config bogus", "config check", "list bogus",
        "report", "report run --samples 1", "report run --likelihood-samples 1", "report run --audit-batch-size 0",
        "compare", "rate-distortion", "encode", "encode run", "encode run --output a.h5 --rows 5",
        "encode run --output a.h5 --rows :5 --random 3", "encode run --output a.h5 --array imgs",
        "encode run --output a.h5 --seed -1", "decode run --output a.h5", "decode run --codes c.h5",
        "decode run --codes c.h5 --output a.png --columns 0", "sample run --output a.h5",
        "sample run --output a.h5 --count 0", "score", "score run --samples 0", "score run --random x",
        "evaluate", "evaluate run --codes c.h5", "evaluate run --format xml",
      ])
    func wrongUsage(arguments: String) throws {
      let before = try experiment.snapshot()
      let result = try Program.shell("exec \"$disentangle\" \(arguments)", in: experiment.folder)
      expectError(result, code: 64, "Usage:")
      let untouched = try experiment.snapshot() == before
      #expect(untouched)
    }

    @Test(
      "lists name what configurations can name, with summaries and papers",
      arguments: [
        ("objectives", ["vae", "beta-vae", "beta-tcvae", "factor-vae"], "arXiv:1802.04942"),
        ("architectures", ["burgess", "locatello", "fully-connected"], "arXiv:"),
        ("datasets", ["dsprites", "file", "shapes3d", "small-norb", "mnist", "xy-squares"], "Matthey"),
        ("metrics", ["mig", "factor-vae-score", "irs", "udr"], "arXiv:1811.00007"),
      ])
    func list(what: String, names: [String], paper: String) throws {
      let result = try Program.run("list", what, in: experiment.folder)
      #expect(result.code == 0 && result.errors.isEmpty)
      let first = result.output.split(separator: "\n").filter { !$0.hasPrefix(" ") }.compactMap {
        $0.split(separator: " ").first.map(String.init)
      }
      for name in names { #expect(first.contains(name)) }
      #expect(result.output.contains(paper))
    }

    @Test("a valid configuration is said to be")
    func check() throws {
      let result = try Program.run("config", "check", "config.yaml", in: experiment.folder)
      #expect(result.code == 0 && result.errors.isEmpty)
      #expect(result.output == "config.yaml: valid (small, beta-tcvae)\n")
    }

    @Test("what is shown is a configuration that shows the same")
    func show() throws {
      let shown = try Program.run(
        "config", "show", "config.yaml", "--set", "objective.beta=2.5", "--set", "model.latents=7",
        in: experiment.folder)
      #expect(shown.code == 0 && shown.errors.isEmpty)
      #expect(shown.output.contains("beta: 2.5") && shown.output.contains("latents: 7"))
      // Defaults are there too.
      #expect(shown.output.contains("initializer:") && shown.output.contains("learning_rate:"))
      _ = try experiment.folder.write(shown.output.utf8, as: "shown.yaml")
      let again = try Program.run("config", "show", "shown.yaml", in: experiment.folder)
      #expect(again.code == 0, "\(again.errors)")
      #expect(again.output == shown.output)
    }

    @Test("overrides are what is trained")
    func overrides() throws {
      let result = try Program.run(
        "train", "config.yaml", "--output", "run", "--seed", "12", "--set", "training.steps=3", "--set",
        "objective={name: vae}", in: experiment.folder)
      #expect(result.code == 0, "\(result.errors)")
      let yaml = String(decoding: try experiment.data("run/config.yaml"), as: UTF8.self)
      #expect(yaml.contains("seed: 12") && yaml.contains("steps: 3") && yaml.contains("name: vae"))
      let shown = try Program.run(
        "config", "show", "config.yaml", "--set", "seed=12", "--set", "training.steps=3", "--set",
        "objective={name: vae}", in: experiment.folder)
      #expect(shown.output == yaml)
    }

    @Test("a preset OPENBLAS_CORETYPE is ignored, unless it is asked to be kept")
    func coreType() throws {
      func core(_ environment: [String: String]) throws -> String {
        let result = try Program.run("--version", in: experiment.folder, environment: environment)
        #expect(result.code == 0, "\(result.errors)")
        return result.output
      }
      let detected = try Program.shell(
        "unset OPENBLAS_CORETYPE; exec \"$disentangle\" --version", in: experiment.folder)
      #expect(try core(["OPENBLAS_CORETYPE": "Nehalem"]) == detected.output)
      let kept = try core(["OPENBLAS_CORETYPE": "Nehalem", "DISENTANGLE_KEEP_OPENBLAS_CORETYPE": "1"])
      #expect(kept.contains("Nehalem"))
      #expect(VectorLevel.best == .plain || !detected.output.contains("Prescott"), "\(detected.output)")
    }
  }
}
