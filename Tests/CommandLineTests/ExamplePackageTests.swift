import FileFormats
import Foundation
import TestSupport
import Testing

extension CommandLineTests {
  /// `Tests/ExamplePackage` adds an objective with pairs and a parameter of its own, an architecture with batch
  /// normalisation and residual blocks, and a data set that draws its images. It sees only public API.
  @Suite("A package of one's own")
  struct ExamplePackageTests {
    private static let package = URL(fileURLWithPath: Fixture.path("")).deletingLastPathComponent()
      .appendingPathComponent("ExamplePackage")
    private let folder: TemporaryFolder

    init() throws {
      folder = try TemporaryFolder()
      try FileManager.default.copyItem(
        atPath: Self.package.appendingPathComponent("pairs.yaml").path, toPath: folder.file("pairs.yaml"))
    }

    private func pairs(_ arguments: String) throws -> Program.Result {
      try Program.run(executable: "example-pairs", arguments.split(separator: " ").map(String.init), in: folder)
    }

    /// Runs a command that must succeed.
    @discardableResult private func done(_ arguments: String) throws -> String {
      let result = try pairs(arguments)
      try #require(result.code == 0, "\(arguments): \(result.errors)")
      return result.output
    }

    @Test func `Its sources are at most 150 lines together`() throws {
      let sources = Self.package.appendingPathComponent("Sources/pairs").path
      let files = try FileManager.default.contentsOfDirectory(atPath: sources).filter { $0.hasSuffix(".swift") }
      let lines = try files.reduce(0) { sum, file in
        let text = try String(contentsOfFile: "\(sources)/\(file)", encoding: .utf8)
        return sum + text.split(separator: "\n", omittingEmptySubsequences: false).count - 1
      }
      #expect(files.count == 4 && lines <= 150, "\(lines) lines")
    }

    @Test func `Every command knows what it adds, and suggests its names`() throws {
      #expect(try done("list objectives").contains("pair-vae"))
      #expect(try done("list architectures").contains("small-residual"))
      #expect(try done("list datasets").contains("discs"))
      #expect(try done("config check pairs.yaml").contains("valid"))
      let misspelt = try pairs("config check pairs.yaml --set objective.name=pair-vea")
      #expect(misspelt.code == 1 && misspelt.errors.contains("Did you mean pair-vae?"), "\(misspelt.errors)")
      let bound = try pairs("config check pairs.yaml --set dataset.side=8")
      #expect(bound.code == 1 && bound.errors.contains("dataset.side is 8"), "\(bound.errors)")
    }

    @Test func `Trained, killed, resumed with the same bits, reported, evaluated, exported`() throws {
      let short = "--threads 2 --set training.steps=60 --set training.checkpoint_every=10"
      try done("train pairs.yaml --output undisturbed \(short)")
      let program = try Program.start(
        executable: "example-pairs", ("train pairs.yaml --output run \(short)").split(separator: " ").map(String.init),
        in: folder)
      // Killed once its first checkpoint is there.
      while !FileManager.default.fileExists(atPath: folder.file("run/checkpoint.safetensors")), program.isRunning {
        sched_yield()
      }
      program.signal(SIGKILL)
      _ = try program.wait()
      #expect(!FileManager.default.fileExists(atPath: folder.file("run/weights.safetensors")), "killed before its end")
      try done("train pairs.yaml --output run \(short) --resume")
      for name in ["weights.safetensors", "checkpoint.safetensors"] {
        let a = try Data(contentsOf: URL(fileURLWithPath: folder.file("undisturbed/\(name)")))
        let b = try Data(contentsOf: URL(fileURLWithPath: folder.file("run/\(name)")))
        #expect(a == b, "\(name)")
      }
      let checkpoint = try Safetensors(reading: folder.file("run/checkpoint.safetensors"))
      #expect(checkpoint.entries.contains { $0.name == "objective.parameters" })
      let scale = try checkpoint.floats("objective.parameters")[0]
      #expect(scale != 0 && scale.isFinite, "the objective's parameter was trained")

      try done(
        "report run --likelihood-images 4 --likelihood-samples 50 --pairwise-samples 50 --audit-batches 2 "
          + "--audit-batch-size 64")
      #expect(FileManager.default.fileExists(atPath: folder.file("run/report/index.html")))
      #expect(try done("evaluate run --metrics mig --preset fast").contains("mig"))
    }

    @Test(.enabled(if: PythonScript.has("onnxruntime", "numpy", "h5py"), "onnxruntime is not installed"))
    func `Its networks run in onnxruntime with equal outputs`() throws {
      try done("train pairs.yaml --output run --threads 2 --set training.steps=40")
      try done("export onnx run --output networks")
      try done("encode run --output codes.h5")
      try done("decode run --codes codes.h5 --output images.h5")
      let script = """
        import sys, h5py, numpy as np, onnxruntime as ort
        folder = sys.argv[1]
        side, unit = 32, 2.0
        n = np.arange(256)
        radius = unit * (n // 64 + 2)
        cy, cx = unit * (n // 8 % 8 + 4), unit * (n % 8 + 4)
        y, x = np.mgrid[0:side, 0:side] + 0.5
        d = (y[None] - cy[:, None, None]) ** 2 + (x[None] - cx[:, None, None]) ** 2
        images = (d < radius[:, None, None] ** 2).astype(np.float32)[:, None]
        run = lambda name, x: ort.InferenceSession(folder + '/networks/' + name).run(None, x)
        codes = h5py.File(folder + '/codes.h5')['codes'][()].astype(np.float32)
        mean = run('encoder.onnx', {'images': images})[0]
        decoded = h5py.File(folder + '/images.h5')['images'][()].transpose(0, 3, 1, 2)
        drawn = run('decoder.onnx', {'codes': codes})[0]
        print(np.abs(mean - codes).max() / np.abs(codes).max(), np.abs(drawn - decoded).max(), decoded.std())
        """
      let (status, output) = try PythonScript.run(script, folder.path)
      try #require(status == 0, "\(output)")
      let numbers = output.split(separator: " ").compactMap {
        Double($0.trimmingCharacters(in: .whitespacesAndNewlines))
      }
      try #require(numbers.count == 3, "\(output)")
      // Two float32 implementations of some ten layers.
      #expect(numbers[0] < 1e-4, "codes differ by \(numbers[0])")
      #expect(numbers[1] < 1e-4, "images differ by \(numbers[1])")
      #expect(numbers[2] > 0.01, "the images are not all alike")
    }
  }
}
