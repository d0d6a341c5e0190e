import FileFormats
import Foundation
import TestSupport
import Testing

extension CommandLineTests {
  @Suite("Exporting")
  struct ExportTests {
    static let hasJupyter = PythonScript.has(
      "nbconvert", "nbformat", "ipykernel", "h5py", "matplotlib", "pandas")
    private static let quick = "--likelihood-images 2 --likelihood-samples 50 --audit-batches 2 --pairwise-samples 50"

    private let experiment: SmallExperiment

    init() throws { experiment = try SmallExperiment(steps: 20, checkpointEvery: 20) }

    private func run(_ arguments: String) throws -> Program.Result {
      try Program.shell("exec \"$disentangle\" \(arguments)", in: experiment.folder)
    }

    private func train(_ more: String = "") throws {
      let result = try run("train config.yaml --output run --set training.decompose_every=10 \(more)")
      try #require(result.code == 0, "\(result.errors)")
    }

    /// Executes a notebook and checks that each figure of the report has been drawn, and nothing complained.
    private func execute(_ notebook: String) throws {
      let (status, output) = try PythonScript.execute(
        notebook: notebook,
        checks: """
          import h5py
          with h5py.File(path.replace(".ipynb", ".h5")) as data:
              report = json.loads(data["report.json"][:].tobytes())
          cells = {cell.id: cell for cell in notebook.cells}
          for figure in report["figures"]:
              kinds = [k for o in cells[figure["name"]].outputs for k in o.get("data", {})]
              assert "image/png" in kinds, figure["name"]
          assert {i for i, c in cells.items() if c.cell_type == "code" and not i.startswith("cell-")} \\
              == {f["name"] for f in report["figures"]}
          print("executed", len(report["figures"]), "figures")
          """)
      #expect(status == 0 && output.contains("executed "), "\(output.suffix(3000))")
    }

    @Test("A notebook validates and draws every figure of the report", .enabled(if: hasJupyter, "needs Jupyter"))
    func notebook() throws {
      try train()
      let result = try run("export notebook run --output study.ipynb \(Self.quick)")
      #expect(result.code == 0 && result.output == "study.ipynb\n", "\(result.errors)")
      try execute(experiment.folder.file("study.ipynb"))
    }

    @Test(
      "A notebook of one latent, without factors, likelihood and history draws what there is",
      .enabled(if: hasJupyter, "needs Jupyter"))
    func littleKnown() throws {
      let file = try HDF5Writer()
      try file.write("images", Array(SmallExperiment.images[..<(64 * 4096)]), shape: [64, 64, 64])
      try file.save(to: experiment.folder.file("data.h5"))
      try train("--set model.latents=1")
      for name in ["metrics.jsonl", "checkpoint.safetensors"] {
        try FileManager.default.removeItem(atPath: experiment.folder.file("run/" + name))
      }
      let result = try run("export notebook run \(Self.quick) --likelihood-images 0")
      #expect(result.code == 0 && result.output == "notebooks-export/small.ipynb\n", "\(result.errors)")
      try execute(experiment.folder.file("notebooks-export/small.ipynb"))
    }

    @Test("The same run gives the same notebook, and one that is there is not replaced unless asked")
    func again() throws {
      try train()
      for name in ["first", "other"] {
        let result = try run("export notebook run --output \(name).ipynb \(Self.quick)")
        try #require(result.code == 0, "\(result.errors)")
      }
      let sameData = try experiment.data("first.h5") == experiment.data("other.h5")
      #expect(sameData)
      let notebook = String(decoding: try experiment.data("first.ipynb"), as: UTF8.self)
      #expect(
        try notebook.replacingOccurrences(of: "first.h5", with: "other.h5")
          == String(decoding: experiment.data("other.ipynb"), as: UTF8.self))

      _ = try experiment.folder.write("{\"my own\": \"work\"}".utf8, as: "first.ipynb")
      let refused = try run("export notebook run --output first.ipynb \(Self.quick)")
      expectError(refused, code: 1, "first.ipynb: the file already exists\n  Choose another name or pass --force.")
      #expect(try experiment.data("first.ipynb") == Data("{\"my own\": \"work\"}".utf8))
      let forced = try run("export notebook run --output first.ipynb --force \(Self.quick)")
      #expect(forced.code == 0, "\(forced.errors)")
      #expect(try String(decoding: experiment.data("first.ipynb"), as: UTF8.self) == notebook)
    }

    @Test("An explorer is written into the run's folder, or where one says")
    func explorer() throws {
      try train()
      let inside = try run("export explorer run")
      #expect(inside.code == 0 && inside.output == "run/explorer.html\n", "\(inside.errors)")
      let elsewhere = try run("export explorer run --output page.html")
      #expect(elsewhere.code == 0 && elsewhere.output == "page.html\n", "\(elsewhere.errors)")
      let same = try experiment.data("run/explorer.html") == experiment.data("page.html")
      #expect(same)
      #expect(try String(decoding: experiment.data("page.html"), as: UTF8.self).contains("small: beta-tcvae on"))
    }

    @Test(
      "What cannot be exported is an error, before anything is measured",
      arguments: [
        ("export explorer nowhere", "nowhere: there is no such run folder"),
        ("export notebook nowhere", "nowhere: there is no such run folder"),
        ("export explorer run --output gone/page.html", "cannot write into the folder gone"),
        ("export notebook run --output gone/a.ipynb", "cannot write into the folder gone"),
        (
          "export notebook run --output a.txt",
          "a.txt: this is no name of a notebook (expected a name that ends in .ipynb)"
        ),
        ("export notebook run --output .ipynb", ".ipynb: this is no name of a notebook"),
      ])
    func errors(arguments: String, message: String) throws {
      try train()
      let before = try experiment.snapshot()
      expectError(try run(arguments), code: 1, message)
      let untouched = try experiment.snapshot() == before
      #expect(untouched)
    }

    @Test(
      "Every export explains itself",
      arguments: [("export", "notebook"), ("export notebook", "--force"), ("export explorer", "--output")])
    func help(command: String, part: String) throws {
      let result = try run(command + " --help")
      #expect(result.code == 0 && result.errors.isEmpty)
      #expect(result.output.contains("USAGE: disentangle \(command)") && result.output.contains(part))
    }

    @Test("Wrong usage is explained", arguments: ["export", "export bogus", "export notebook", "export explorer"])
    func usage(arguments: String) throws {
      let result = try run(arguments)
      #expect(arguments == "export" ? result.output.contains("notebook") : result.code == 64, "\(result.output)")
    }
  }
}
