import Autodiff
import Experiment
import FactorData
import FileFormats
import Foundation
import NeuralLayers
import TensorCore
import TestSupport
import Testing

extension CommandLineTests {
  @Suite("Weights in and out")
  struct WeightsTests {
    private let experiment: SmallExperiment

    init() throws { experiment = try SmallExperiment(steps: 20, checkpointEvery: 20) }

    private static let quick =
      "--likelihood-images 2 --likelihood-samples 50 --audit-batches 2 --pairwise-samples 50 --samples 100"
    /// What says which data a run without a known configuration is about.
    private static let data = "--set dataset.name=file --set dataset.path=data.h5"

    private func run(_ arguments: String) throws -> Program.Result {
      try Program.shell("exec \"$disentangle\" \(arguments)", in: experiment.folder)
    }

    /// Runs a command that must succeed, and returns what it printed.
    @discardableResult
    private func succeed(_ arguments: String) throws -> String {
      let result = try run(arguments)
      try #require(result.code == 0, "\(arguments): \(result.errors)")
      return result.output
    }

    private func train(_ more: String = "") throws {
      try succeed("train config.yaml --output run --set training.decompose_every=0 \(more)")
    }

    private func file(_ name: String) throws -> Safetensors { try Safetensors(reading: experiment.folder.file(name)) }

    private func tensors(of name: String) throws -> [Safetensors.Tensor] {
      let file = try file(name)
      return try file.entries.map { .init($0.name, shape: $0.shape, values: try file.floats($0.name)) }
    }

    /// Writes `exported.safetensors`, and `plain.safetensors` that says nothing about itself.
    private func exportPlain(_ more: String = "") throws {
      try succeed("export safetensors run \(more) --output exported.safetensors")
      try Safetensors.write(tensors(of: "exported.safetensors"), to: experiment.folder.file("plain.safetensors"))
    }

    /// Whether two files have the same tensors, bit for bit.
    private func sameTensors(_ a: String, _ b: String) throws -> Bool {
      let (a, b) = (try file(a), try file(b))
      return try a.entries == b.entries && a.entries.allSatisfy { try a.floats($0.name) == b.floats($0.name) }
    }

    /// The model of a run, and the first images of the data.
    private func model(of name: String, images count: Int) throws -> (model: Model, images: Tensor<Float>) {
      let device = Device(threads: 2)
      let dataset = try ImageFile(
        path: experiment.folder.file("data.h5"), images: nil, factors: nil, on: device)
      let run = try TrainedRun(at: experiment.folder.file(name), on: device)
      return (try run.model(for: dataset, on: device), try dataset.batch(Array(0..<count), on: device))
    }

    // MARK: Export

    @Test("Exported weights have PyTorch's names and shapes, and say what they are of")
    func names() throws {
      try train()
      #expect(try succeed("export safetensors run --output model.safetensors") == "model.safetensors\n")
      let file = try file("model.safetensors")
      let shapes = Dictionary(uniqueKeysWithValues: file.entries.map { ($0.name, $0.shape) })
      #expect(file.entries.count == 28 && file.entries.allSatisfy { $0.type == .f32 })
      #expect(shapes["encoder.conv1.weight"] == [32, 1, 4, 4] && shapes["encoder.fc1.weight"] == [256, 512])
      #expect(shapes["encoder.posterior.weight"] == [8, 256] && shapes["decoder.fc3.bias"] == [512])
      #expect(shapes["decoder.conv_transpose4.weight"] == [32, 1, 4, 4])
      for (key, value) in [
        ("format", "pt"), ("format_version", "1"), ("generator", "disentangle"), ("architecture", "burgess"),
        ("latents", "4"), ("likelihood", "bernoulli"), ("image", "64×64×1"), ("layout", "pytorch"),
      ] {
        #expect(file.metadata[key] == value, "\(key)")
      }
      #expect(
        try file.metadata["configuration"] == String(decoding: experiment.data("run/config.yaml"), as: UTF8.self))
    }

    @Test(
      "A plain PyTorch module loads them and computes what we compute",
      .enabled(
        if: PythonScript.has("torch", "safetensors", "numpy"),
        "python3 with torch, safetensors and numpy is not installed"))
    func pytorch() throws {
      try train("--set model.likelihood=gaussian")
      try succeed("export safetensors run --output model.safetensors")
      let (model, images) = try model(of: "run", images: 9)
      let pixels = images.elements.flatMap { withUnsafeBytes(of: $0) { Array($0) } }
      _ = try experiment.folder.write(pixels, as: "images")
      let script = """
        import sys, json, numpy as np, torch
        from torch import nn
        from torch.nn.functional import relu
        from safetensors import safe_open
        from safetensors.torch import load_file
        folder = sys.argv[1]
        class Encoder(nn.Module):
            def __init__(self):
                super().__init__()
                for i in range(1, 5):
                    setattr(self, f"conv{i}", nn.Conv2d(1 if i == 1 else 32, 32, 4, 2, 1))
                self.fc1, self.fc2, self.posterior = nn.Linear(512, 256), nn.Linear(256, 256), nn.Linear(256, 8)
            def forward(self, x):
                for conv in (self.conv1, self.conv2, self.conv3, self.conv4):
                    x = relu(conv(x))
                return self.posterior(relu(self.fc2(relu(self.fc1(x.flatten(1)))))).chunk(2, dim=1)
        class Decoder(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc1, self.fc2, self.fc3 = nn.Linear(4, 256), nn.Linear(256, 256), nn.Linear(256, 512)
                for i in range(1, 5):
                    setattr(self, f"conv_transpose{i}", nn.ConvTranspose2d(32, 1 if i == 4 else 32, 4, 2, 1))
            def forward(self, z):
                x = relu(self.fc3(relu(self.fc2(relu(self.fc1(z)))))).view(-1, 32, 4, 4)
                for conv in (self.conv_transpose1, self.conv_transpose2, self.conv_transpose3):
                    x = relu(conv(x))
                return self.conv_transpose4(x)
        model = nn.ModuleDict({"encoder": Encoder(), "decoder": Decoder()})
        model.load_state_dict(load_file(f"{folder}/model.safetensors"), strict=True)
        assert "name: small" in safe_open(f"{folder}/model.safetensors", "pt").metadata()["configuration"]
        x = torch.from_numpy(np.fromfile(f"{folder}/images", np.float32)).view(-1, 1, 64, 64)
        with torch.no_grad():
            mean, log_variance = model["encoder"](x)
            output = model["decoder"](mean)
        for name, values in ("mean", mean), ("log_variance", log_variance), ("output", output):
            values.numpy().tofile(f"{folder}/{name}")
        """
      let (status, output) = try PythonScript.run(script, experiment.folder.path)
      try #require(status == 0, "\(output)")
      func floats(_ name: String) throws -> [Float] {
        try experiment.data(name).withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
      }
      let pass = Pass.evaluation(on: model.device), posterior = model.encoder(images, pass)
      // Both sum thousands of float32 products, in different orders: 1e-5 of the largest value.
      #expect(relativeDifference(try floats("mean"), posterior.mean.value.elements) <= 1e-5)
      #expect(relativeDifference(try floats("log_variance"), posterior.logVariance.value.elements) <= 1e-5)
      #expect(relativeDifference(try floats("output"), model.decoder(posterior.mean, pass).value.elements) <= 1e-5)
    }

    @Test("ONNX files are a folder, or one file, and are replaced only if asked")
    func onnx() throws {
      try train()
      #expect(try succeed("export onnx run --output onnx") == "onnx\n")
      #expect(try succeed("export onnx run --only decoder --output d.onnx") == "d.onnx\n")
      let same = try experiment.data("onnx/decoder.onnx") == experiment.data("d.onnx")
      #expect(same)
      expectError(
        try run("export onnx run --output onnx"), code: 1,
        "onnx: the folder already exists\n  Choose another name or pass --force.")
      expectError(
        try run("export onnx run --only decoder --output d.onnx"), code: 1, "d.onnx: the file already exists")
      try succeed("export onnx run --output onnx --force")
      try succeed("export onnx run --only encoder --output d.onnx --force")
      let encoder = try experiment.data("onnx/encoder.onnx") == experiment.data("d.onnx")
      #expect(encoder)
    }

    @Test(
      "What cannot be exported is an error, and nothing is written",
      arguments: [
        ("safetensors nowhere --output a", "nowhere: there is no such run folder"),
        ("onnx nowhere --output a", "nowhere: there is no such run folder"),
        ("safetensors run --output gone/a", "cannot write into the folder gone"),
        ("safetensors run --output config.yaml", "config.yaml: the file already exists"),
        ("onnx run --output gone/a", "the folder gone does not exist"),
        ("onnx run --output run", "run: the folder was not written by this program"),
        ("onnx run --output a.onnx", "a.onnx: two networks do not go into one file (expected the name of a folder)"),
        ("onnx run --only encoder --output run", "run: this is a directory"),
        (
          "safetensors run --layout disentangling-vae --output a",
          "the layout disentangling-vae has no names for the architecture locatello (expected the architecture burgess)"
        ),
      ])
    func exportErrors(arguments: String, message: String) throws {
      try train("--set model.architecture=locatello --set training.steps=1")
      let before = try experiment.snapshot()
      expectError(try run("export \(arguments)"), code: 1, message)
      let untouched = try experiment.snapshot() == before
      #expect(untouched)
    }

    // MARK: Import

    @Test(
      "What was exported comes back as the same run, bit for bit",
      arguments: ["burgess", "locatello", "fully-connected"], WeightsLayout.allCases)
    func roundTrip(architecture: String, layout: WeightsLayout) throws {
      // Layouts of other repositories have names for their own architectures only.
      if layout == .disentanglingVAE, architecture != "burgess" { return }
      if layout == .betaTCVAE, architecture != "fully-connected" { return }
      try train("--set model.architecture=\(architecture) --set training.steps=2")
      try succeed("export safetensors run --layout \(layout.rawValue) --output model.safetensors")
      #expect(try succeed("import safetensors model.safetensors --output copy") == "copy\n")
      #expect(try sameTensors("run/weights.safetensors", "copy/weights.safetensors"))
      // Its configuration is the run's, with where it came from.
      let yaml = String(decoding: try experiment.data("copy/config.yaml"), as: UTF8.self)
      let crc = String(Checksum.crc32(try experiment.data("model.safetensors")), radix: 16)
      #expect(yaml.contains("imported:\n  file: model.safetensors\n  layout: \(layout.rawValue)\n  crc32: "))
      #expect(yaml.contains(crc))
      let rest = yaml.split(separator: "\n").filter { line in
        !["imported:", "  file: ", "  layout: ", "  crc32: "].contains { line.hasPrefix($0) }
      }
      let original = String(decoding: try experiment.data("run/config.yaml"), as: UTF8.self)
      #expect(rest == original.split(separator: "\n"))
    }

    @Test("Of weights that say nothing about themselves, the run says nothing that is not known, and works")
    func unknown() throws {
      try train()
      try exportPlain()
      try succeed("import safetensors plain.safetensors --architecture burgess \(Self.data) --output bare")
      #expect(try sameTensors("run/weights.safetensors", "bare/weights.safetensors"))
      let yaml = String(decoding: try experiment.data("bare/config.yaml"), as: UTF8.self)
      #expect(yaml.hasPrefix("name: bare\nseed: 0\nimported:\n  file: plain.safetensors\n  layout: pytorch\n  crc32: "))
      #expect(yaml.contains("latents: 4") && !yaml.contains("objective:") && !yaml.contains("training:"))
      #expect(!yaml.contains("initializer"))

      try succeed("report bare \(Self.quick)")
      let page = String(decoding: try experiment.data("bare/report/index.html"), as: UTF8.self)
      for part in ["bare: imported weights on", "imported from plain.safetensors, layout pytorch", "not known"] {
        #expect(page.contains(part), "\(part)")
      }
      #expect(!page.contains("steps planned") && !page.contains("seed of training"))
      let json = try JSONSerialization.jsonObject(with: experiment.data("bare/report/report.json"))
      let facts = try #require((json as? [String: Any])?["run"] as? [String: Any])
      #expect(facts["objective"] == nil && facts["steps"] == nil && facts["batch_size"] == nil)
      #expect((facts["imported"] as? [String: String])?["file"] == "plain.safetensors")

      // The same weights have the same rate, whoever tells of them.
      try succeed("report run \(Self.quick)")
      #expect(try succeed("decompose bare --seed 3 --samples 100 --format json").contains("\"rate\""))
      let comparison = try succeed("compare run bare --output comparison")
      #expect(comparison.contains("beta-tcvae") && comparison.contains("plain.safetensors"), "\(comparison)")
      try succeed("export explorer bare")
      try succeed("export notebook bare --output bare.ipynb \(Self.quick)")
      try succeed("export onnx bare --output onnx")
      try succeed("export safetensors bare --output again.safetensors")
      #expect(try sameTensors("exported.safetensors", "again.safetensors"))
      #expect(try succeed("config check bare/config.yaml") == "bare/config.yaml: valid (bare, imported weights)\n")

      // Nothing can be trained by such a configuration, nor on such a run.
      for more in ["--output new", "--output bare --resume"] {
        expectError(
          try run("train bare/config.yaml \(more)"), code: 1, "these weights were imported and cannot be trained on")
      }
      #expect(!FileManager.default.fileExists(atPath: experiment.folder.file("new")))
    }

    @Test("What is known of training can be said")
    func told() throws {
      try train("--set model.likelihood=laplace")
      try exportPlain("--layout disentangling-vae")
      try succeed(
        """
        import safetensors plain.safetensors --architecture burgess --layout disentangling-vae --latents 4 \
        --likelihood '{name: laplace, scale: 0.5}' \(Self.data) --set objective.name=beta-vae --set objective.beta=6 \
        --set name=told --output copy
        """)
      #expect(try sameTensors("run/weights.safetensors", "copy/weights.safetensors"))
      let yaml = String(decoding: try experiment.data("copy/config.yaml"), as: UTF8.self)
      for part in ["name: told\n", "scale: 0.5", "name: beta-vae", "beta: 6"] {
        #expect(yaml.contains(part), "\(part)")
      }
      #expect(!yaml.contains("training:"))
    }

    @Test("Weights that are not the model's are one error that names each tensor", arguments: WeightsDamage.all)
    func damaged(damage: WeightsDamage) throws {
      try train("--set training.steps=1")
      try succeed("export safetensors run --output exported.safetensors")
      var tensors = try tensors(of: "exported.safetensors")
      damage.change(&tensors)
      try Safetensors.write(
        tensors, metadata: file("exported.safetensors").metadata, to: experiment.folder.file("damaged.safetensors"))
      let before = try experiment.snapshot()
      let result = try run("import safetensors damaged.safetensors --output copy")
      expectError(result, code: 1, "damaged.safetensors: ")
      for part in damage.parts { #expect(result.errors.contains(part), "\(result.errors)") }
      let untouched = try experiment.snapshot() == before
      #expect(untouched)
    }

    @Test("Whole numbers are no weights")
    func wholeNumbers() throws {
      try train("--set training.steps=1")
      try succeed("export safetensors run --output exported.safetensors")
      var bytes = try experiment.data("exported.safetensors")
      let name = try #require(bytes.range(of: Data("\"encoder.fc1.bias\"".utf8)))
      let type = try #require(bytes.range(of: Data("F32".utf8), in: name.upperBound..<bytes.endIndex))
      bytes.replaceSubrange(type, with: Data("I32".utf8))
      _ = try experiment.folder.write(bytes, as: "exported.safetensors")
      expectError(
        try run("import safetensors exported.safetensors --output copy"), code: 1,
        "the tensor \"encoder.fc1.bias\" holds I32 (expected F32, or other floating-point numbers)")
    }

    @Test(
      "What cannot be imported is an error, and no folder is made",
      arguments: [
        ("gone.safetensors --output copy", "gone.safetensors: there is no such file"),
        ("config.yaml --output copy", "config.yaml: this is not a safetensors file"),
        ("plain.safetensors --output copy", "the file does not say which architecture its weights are of"),
        (
          "plain.safetensors --architecture burges --output copy",
          "--architecture burges: \"burges\" is not an architecture (expected one of burgess, locatello, "
            + "fully-connected, convolutional-batchnorm, spatial-broadcast, spatial-broadcast-locatello, residual)\n"
            + "  Did you mean burgess?"
        ),
        (
          "plain.safetensors --architecture burgess --layout disentangling-vae --output copy",
          "The file fits --architecture burgess --layout pytorch --latents 4."
        ),
        (
          "plain.safetensors --architecture locatello --output copy",
          "The file fits --architecture burgess --layout pytorch --latents 4."
        ),
        (
          "plain.safetensors --architecture locatello --layout disentangling-vae --output copy",
          "the layout disentangling-vae has no names for the architecture locatello"
        ),
        (
          "plain.safetensors --architecture burgess --latents 5 --output copy",
          "the tensor \"encoder.posterior.weight\" has shape [8, 256] (expected float32 [10, 256])"
        ),
        (
          "plain.safetensors --architecture burgess --likelihood gausian --output copy",
          "expected one of bernoulli, gaussian, laplace"
        ),
        ("plain.safetensors --architecture burgess --output run", "run: the run folder already exists"),
        ("plain.safetensors --architecture burgess --output gone/copy", "the folder gone does not exist"),
        (
          "plain.safetensors --architecture burgess --set dataset.path=gone.h5 --output copy",
          "gone.h5: there is no such file"
        ),
      ])
    func importErrors(arguments: String, message: String) throws {
      try train("--set training.steps=1")
      try exportPlain()
      let before = try experiment.snapshot()
      let data = arguments.contains("gone.h5") ? "--set dataset.name=file" : Self.data
      expectError(try run("import safetensors \(arguments) \(data)"), code: 1, message)
      let untouched = try experiment.snapshot() == before
      #expect(untouched)
    }

    @Test(
      "Every command explains itself",
      arguments: [
        ("import", "safetensors"), ("import safetensors", "--layout"), ("export safetensors", "--output"),
        ("export onnx", "--only"),
      ])
    func help(command: String, part: String) throws {
      let output = try succeed(command + " --help")
      #expect(output.contains("USAGE: disentangle \(command)") && output.contains(part))
    }

    @Test(
      "Wrong usage is explained",
      arguments: [
        "import safetensors", "import safetensors a", "import safetensors a --layout keras --output b",
        "export safetensors run", "export onnx run", "export onnx run --only both --output a", "import bogus",
      ])
    func usage(arguments: String) throws { expectError(try run(arguments), code: 64, "Usage:") }

    @Test(
      "A model of disentangling-vae is imported with one command, and computes what PyTorch computed (golden set pytorch_models)"
    )
    func disentanglingVAE() throws {
      let name = "btcvae"
      let source = Golden.path("pytorch_models/models/\(name)_dsprites.safetensors")
      try succeed("import safetensors '\(source)' --architecture burgess --layout disentangling-vae --output \(name)")
      let (model, _) = try model(of: name, images: 1)
      #expect(model.latents == 10)
      let golden = try HDF5File(reading: Golden.path("pytorch_models/reference_outputs.h5"))
      func reference(_ array: String) throws -> [Double] { try golden.read("\(name)/\(array)", as: Double.self).values }
      let (pixels, shape) = try golden.read("images", as: Float.self)
      let images = Tensor(pixels, [shape[0], 64, 64, 1], on: model.device), pass = Pass.evaluation(on: model.device)
      let posterior = model.encoder(images, pass), means = posterior.mean.value
      #expect(absoluteDifference(means.elements, try reference("mu_f64")) <= 1e-4)
      #expect(absoluteDifference(posterior.logVariance.value.elements, try reference("logvar_f64")) <= 1e-4)
      #expect(absoluteDifference(model.decode(means.elements), try reference("recon")) <= 1e-4)
      let distortion = model.decoder.distortions(
        of: images, from: posterior.mean, model.likelihood, pass)
      #expect(relativeDifference(distortion.value.elements, try reference("bce_per_image")) <= 1e-5)
    }
  }
}
