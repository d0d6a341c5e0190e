import FileFormats
import Foundation
import TestSupport
import Testing

extension CommandLineTests {
  /// Rules that all commands have in common.
  @Suite("Rules for all commands")
  struct CommonRulesTests: CodesSuite {
    let experiment: SmallExperiment

    init() throws { experiment = try Self.copy() }

    private static let computing = [
      "train", "report", "compare", "rate-distortion", "decompose", "audit", "evaluate", "encode", "decode", "sample",
      "score",
      "export notebook", "export explorer", "export safetensors", "export onnx", "import safetensors", "dataset info",
      "dataset render", "dataset verify",
    ]

    @Test("Every command that computes has the same options", arguments: computing)
    func options(command: String) throws {
      let help = try done("\(command) --help")
      #expect(help.contains("--threads <threads>") && help.contains("--log-level <level>"))
    }

    @Test(
      "Every command that prints results has the same formats",
      arguments: [
        "decompose", "evaluate", "compare", "score", "list objectives", "list architectures", "list datasets",
        "list metrics",
      ])
    func formats(command: String) throws {
      // Lines are wrapped anywhere.
      let help = try done("\(command) --help").split { $0.isWhitespace }.joined(separator: " ")
      #expect(help.contains("--format <format> The output format. (values: table, markdown, json, csv;"), "\(help)")
    }

    @Test(
      "A seed is a whole number that is not negative, everywhere",
      arguments: [
        "train config.yaml", "report run", "decompose run", "evaluate run", "encode run --output a.h5",
        "sample run --count 1 --output a.h5", "score run",
      ])
    func seeds(command: String) throws {
      for seed in ["-1", "x", "1.5", "9223372036854775808"] {
        let result = try run("\(command) --seed=\(seed)")
        #expect(result.code == 64)
        #expect(
          result.errors.contains("--seed must be a whole number from 0 to 9223372036854775807, not \(seed)"),
          "\(result.errors)")
      }
    }

    @Test("Results are JSON and CSV that programs read, with the same numbers")
    func machineReadable() throws {
      for command in [
        "decompose run --samples 50", "score run --random 20 --samples 2",
        "compare run --output c \(ReportTests.quick)",
        "list objectives", "evaluate run --metrics mig",
      ] {
        let quiet = command.hasPrefix("list") ? "" : "--log-level error"
        let json = try done("\(command) --format json \(quiet)")
        #expect((try? JSONSerialization.jsonObject(with: Data(json.utf8))) != nil, "\(command): \(json)")
        let csv = try done("\(command) --format csv \(quiet)").split(separator: "\n")
        #expect(csv.count > 1 && csv[0].contains(","))
        let markdown = try done("\(command) --format markdown \(quiet)")
        #expect(markdown.contains("| ") || markdown.hasPrefix("- **"))
      }
      let json = try done("decompose run --samples 50 --format json")
      struct Rate: Decodable { let rate: Double }
      let rate = try JSONDecoder().decode(Rate.self, from: Data(json.utf8)).rate
      let csv = try done("decompose run --samples 50 --format csv").split(separator: "\n")
      #expect(csv.first == "path,value")
      let line = try #require(csv.first { $0.hasPrefix("rate,") })
      #expect(Double(line.dropFirst(5)) == rate)
    }

    @Test("Progress and messages below the level are not shown")
    func logLevel() throws {
      #expect(try !run("encode run --output a.h5").errors.isEmpty)
      #expect(try run("encode run --output b.h5 --log-level warning").errors.isEmpty)
      #expect(try run("report run \(ReportTests.quick) --log-level error").errors.isEmpty)
    }

    // MARK: Replacing

    @Test("No command replaces a file without --force, nor one of another kind with it")
    func replacing() throws {
      let commands: [(command: String, output: String, kind: String)] = [
        ("encode run --rows :3", "a.h5", "an HDF5 file"), ("encode run --rows :3", "a.npz", "an NPZ file"),
        ("sample run --count 3", "a.png", "a PNG image"), ("score run --rows :3 --samples 1", "s.npz", "an NPZ file"),
        ("export safetensors run", "w.safetensors", "a safetensors file"),
        ("export onnx run --only decoder", "d.onnx", "an ONNX model"),
        ("export explorer run", "e.html", "an HTML page"),
        ("evaluate run --metrics mig --format json", "m.json", "a JSON file"),
        ("evaluate run --metrics mig --format csv", "m.csv", "a text file"),
      ]
      for (command, output, kind) in commands {
        let foreign = Data([0, 1, 2, 3, 0x25, 0x50])
        _ = try experiment.folder.write(foreign, as: output)
        expectError(
          try run("\(command) --output \(output)"),
          "\(output): the file already exists\n  Choose another name or pass --force.",
          output: true)
        expectError(
          try run("\(command) --output \(output) --force"), "\(output): the file that is there is of another kind",
          "(expected \(kind))", output: true)
        #expect(try experiment.data(output) == foreign)
        try FileManager.default.removeItem(atPath: experiment.folder.file(output))
        try done("\(command) --output \(output)")
        expectError(try run("\(command) --output \(output)"), "the file already exists", output: true)
        try done("\(command) --output \(output) --force")
      }
    }

    @Test("A report is replaced in place by one of the same run; one of another run only with --force")
    func reports() throws {
      let quick = ReportTests.quick
      try done("report run \(quick) --output one")
      try done("report run \(quick) --output one")
      try done("train config.yaml --set training.steps=3 --output other --threads 1")
      expectError(
        try run("report other \(quick) --output one"),
        "one: the folder holds a report of another run\n  Choose another --output or pass --force.")
      try done("report other \(quick) --output one --force")
      try done("compare run other --output c \(quick)")
      try done("compare ./other run --output c \(quick)".replacingOccurrences(of: "./", with: ""))
      expectError(
        try run("compare run --output c \(quick)"), "c: the folder holds a comparison of other runs")
      try done("compare run --output c --force \(quick)")
      try done("export explorer run")
      try done("export explorer run")
    }

    // MARK: Names

    @Test(
      "A name that leads out of the folder of runs is an error, and nothing is made",
      arguments: [
        "../../x", "..", "a/b", "/tmp/x", "'a\\b'", "\"a\\nb\"", "\"\\e[31m\"", String(repeating: "n", count: 101),
      ])
    func names(name: String) throws {
      let yaml = String(decoding: try experiment.data("config.yaml"), as: UTF8.self)
      let folder = try TemporaryFolder()
      try FileManager.default.createDirectory(atPath: folder.file("inner/deep"), withIntermediateDirectories: true)
      try FileManager.default.copyItem(
        atPath: experiment.folder.file("data.h5"), toPath: folder.file("inner/deep/data.h5"))
      _ = try folder.write(
        yaml.replacingOccurrences(of: "name: small", with: "name: \(name)").utf8, as: "inner/deep/config.yaml")
      let before = try FileManager.default.subpathsOfDirectory(atPath: folder.path).sorted()
      let result = try Program.shell("cd inner/deep && exec \"$disentangle\" train config.yaml", in: folder)
      expectError(result, "config.yaml:1:7: name is ", "a name of at most 100 bytes without slashes")
      #expect(!result.errors.contains("\u{1B}"))
      #expect(try FileManager.default.subpathsOfDirectory(atPath: folder.path).sorted() == before)
    }

    @Test(
      "A name in the metadata of a safetensors file cannot lead out either; an output of any name can be imported to")
    func importedNames() throws {
      try done("export safetensors run --output w.safetensors")
      let long = String(repeating: "o", count: 150)
      try done("import safetensors w.safetensors --output \(long)")
      let file = try Safetensors(reading: experiment.folder.file("w.safetensors"))
      let yaml = try #require(file.metadata["configuration"])
      let bytes = try experiment.data("w.safetensors")
      // The same number of bytes, so that the header's length stays right.
      let start = try #require(bytes.range(of: Data("name: small\\n".utf8)))
      #expect(yaml.hasPrefix("name: small\n"))
      var damaged = bytes
      damaged.replaceSubrange(start, with: Data("name: ../xy\\n".utf8))
      _ = try experiment.folder.write(damaged, as: "hostile.safetensors")
      expectError(
        try run("import safetensors hostile.safetensors --output made"), "metadata \"configuration\"", "name is '../xy'"
      )
      try done("import safetensors hostile.safetensors --output made --set name=mended")
      try done("export notebook made \(ReportTests.quick)")
      #expect(FileManager.default.fileExists(atPath: experiment.folder.file("notebooks-export/mended.ipynb")))
    }

    // MARK: Names from files, shown

    @Test("Names of factors and arrays reach terminal, Markdown, CSV and JSON as plain text")
    func injection() throws {
      let file = try HDF5Writer(), n = 64
      try file.write("codes", (0..<n).flatMap { [Float($0 / 8), Float($0 % 8)] }, shape: [n, 2])
      try file.write("factors", (0..<n).flatMap { [$0 / 8, $0 % 8] }, shape: [n, 2])
      try file.setAttribute("factor_names", ["\u{1B}[31mred\u{1B}]0;title\u{7}", "[here](http://x)|=1+1\nrow"])
      try file.save(to: experiment.folder.file("codes.h5"))
      let name = "=\u{1B}[2Jx.h5"
      try FileManager.default.copyItem(
        atPath: experiment.folder.file("codes.h5"), toPath: experiment.folder.file(name))
      for format in ["table", "markdown", "csv", "json"] {
        let result = try Program.run(
          ["evaluate", "--codes", "codes.h5", "--codes", name, "--metrics", "mig", "--parts", "--format", format],
          in: experiment.folder)
        #expect(result.code == 0, "\(result.errors)")
        for text in [result.output, result.errors] {
          #expect(
            !text.unicodeScalars.contains { $0.value < 32 && $0 != "\n" || $0.value == 127 }, "\(format): \(text)")
        }
        switch format {
        case "table": #expect(result.output.contains("\\u001b[31mred"))
        case "markdown":
          #expect(
            result.output.contains("\\[here\\](http://x)\\|=1+1\\\\u000arow") && !result.output.contains("[here]("))
        case "csv": #expect(result.output.contains("\n\"'=\\u001b[2Jx.h5\","))
        default: #expect((try? JSONSerialization.jsonObject(with: Data(result.output.utf8))) != nil)
        }
      }
    }

    @Test("dataset verify ends with 1 if an image differs", .enabled(if: PythonScript.has("h5py")))
    func verify() throws {
      try done("dataset render dsprites --output d.h5")
      #expect(try done("dataset verify d.h5").contains("all 737280 images equal the drawn ones"))
      let edited = try PythonScript.run(
        "import h5py, sys\nwith h5py.File(sys.argv[1], 'r+') as f: f['imgs'][123456, 0, 0] = 1",
        experiment.folder.file("d.h5"))
      try #require(edited.status == 0, "\(edited.output)")
      let result = try run("dataset verify d.h5")
      expectError(result, "d.h5: the file is not as published: renderer", output: true)
      #expect(result.output.contains("1 of 737280 images differ from the drawn ones, in 1 pixels: 123456"))
    }

    // MARK: What a run was made with

    @Test("environment.json has commit, date and command line, of the process that resumed as well")
    func environment() throws {
      try done("train config.yaml --output env --threads 1 --set training.checkpoint_every=5")
      func environment() throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: experiment.data("env/environment.json")) as? [String: Any])
      }
      let first = try environment()
      let line = try #require(first["command_line"] as? [String])
      #expect(line.first == "disentangle")
      #expect(
        line.dropFirst() == [
          "train", "config.yaml", "--output", "env", "--threads", "1", "--set", "training.checkpoint_every=5",
        ])
      let date = try #require(first["date"] as? String)
      #expect((try? Date(date, strategy: .iso8601)) != nil)
      if let commit = first["commit"] as? String {
        #expect(commit.replacingOccurrences(of: "-dirty", with: "").allSatisfy(\.isHexDigit) && commit.count >= 40)
      }
      #expect(first["resumed"] == nil)
      // A run that lacks its last steps is resumed.
      try FileManager.default.removeItem(atPath: experiment.folder.file("env/weights.safetensors"))
      try done("train config.yaml --output env --threads 1 --set training.checkpoint_every=5 --resume")
      let resumed = try #require(try environment()["resumed"] as? [[String: Any]])
      #expect(resumed.count == 1 && resumed[0]["resumed_after_step"] as? Int == 100)
      #expect((resumed[0]["command_line"] as? [String])?.last == "--resume")
      #expect(try environment()["date"] as? String == date)
    }
  }
}
