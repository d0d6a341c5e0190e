import Foundation
import TestSupport
import Testing

extension CommandLineTests {
  /// `disentangle study` as a person uses it.
  @Suite("Studies") struct StudyTests {
    private let experiment: SmallExperiment

    init() throws {
      experiment = try SmallExperiment(steps: 20, checkpointEvery: 5)
      let study = """
        name: study
        configuration: config.yaml
        axes: [{key: objective.beta, values: [1, 4]}]
        seeds: {from: 1, count: 2}
        measure: {metrics: {preset: fast, metrics: [mig]}, likelihood: {images: 4, samples: 50}}
        """
      _ = try experiment.folder.write(study.utf8, as: "study.yaml")
    }

    private func study(_ line: String) throws -> Program.Result {
      try Program.shell("exec \"$disentangle\" study \(line)", in: experiment.folder)
    }

    @Test("A study is planned, trained, looked at, asked and exported")
    func whole() throws {
      let plan = try study("plan study.yaml --all")
      #expect(plan.code == 0 && plan.output.contains("4 runs, 1 thread each"), "\(plan.errors)")
      #expect(plan.output.contains("study, beta 4, seed 2"))
      #expect(plan.output.contains("GB for finished runs (keep: weights)"))
      #expect(!FileManager.default.fileExists(atPath: experiment.folder.file("runs")))
      let run = try study("run study.yaml")
      #expect(run.code == 0 && run.output.contains("4 of 4 runs finished"), "\(run.errors)")
      #expect(run.errors.contains("[4/4] "))
      let again = try study("run study.yaml")
      #expect(again.code == 0 && again.output.contains("4 runs, 4 finished before") && !again.errors.contains("["))
      #expect(try study("status study.yaml").output == "4 of 4 runs finished\n")
      let query = try study("query study.yaml \"SELECT count(*) AS n FROM scores WHERE name = 'mig'\" --format csv")
      #expect(query.output == "n\n4\n", "\(query.errors)")
      let sizes = try study(
        "query study.yaml \"SELECT count(*) AS n FROM scores WHERE name = 'log_likelihood_effective_samples' "
          + "AND value BETWEEN 1 AND 50\" --format csv")
      #expect(sizes.output == "n\n4\n", "\(sizes.errors)")
      #expect(try study("index study.yaml").output == "runs/study/study.sqlite: 4 runs, 4 finished\n")
      let export = try study("export study.yaml --csv table.csv")
      #expect(export.code == 0, "\(export.errors)")
      let table = String(decoding: try experiment.data("table.csv"), as: UTF8.self)
      #expect(table.hasPrefix("digest,variant,objective,dataset,strength,seed,collapsed,objective.beta,score,value,"))
      #expect(table.split(separator: "\n").filter { $0.contains(",total_correlation,") }.count == 4)
      expectError(try study("export study.yaml --csv table.csv"), "the file already exists", "--force")
    }

    @Test("A study is reported with UDR as `evaluate` has it; a report of something else is left")
    func reporting() throws {
      let text = String(decoding: try experiment.data("study.yaml"), as: UTF8.self)
      // With small weights of the rate latents differ from the prior even after few steps; else no UDR is defined.
      let three = text.replacingOccurrences(of: "count: 2", with: "count: 3")
        .replacingOccurrences(of: "[1, 4]", with: "[0.01, 0.1]")
      let more =
        "keep: posteriors\nset: [training.steps=60, training.batch_size=4, training.optimizer.learning_rate=0.003]"
      _ = try experiment.folder.write("\(three)\n\(more)\n".utf8, as: "study.yaml")
      expectError(try study("report study.yaml"), "there is no study")
      #expect(try study("work study.yaml --limit 5").code == 0)
      let report = try study("report study.yaml")
      #expect(report.code == 0 && report.output.contains("5 of 6 runs finished"), "\(report.errors)")
      #expect(report.output.contains("largest UDR"), "\(report.output)")
      let json = try JSONSerialization.jsonObject(with: experiment.data("runs/study/report/report.json"))
      let runs = try #require((json as? [String: Any])?["runs"] as? [String: Any])
      #expect(runs["planned"] as? Int == 6 && runs["finished"] as? Int == 5)
      for file in ["index.html", "report.md", "figures/correlations.svg"] {
        #expect(try !experiment.data("runs/study/report/\(file)").isEmpty)
      }
      // The notebook draws from the same runs.
      let notebook = try study("notebook study.yaml")
      #expect(notebook.code == 0 && notebook.output == "notebooks-export/study.ipynb\n", "\(notebook.errors)")
      expectError(try study("notebook study.yaml"), "the file already exists", "--force")
      #expect(try study("notebook study.yaml --force").code == 0)
      expectError(try study("notebook study.yaml --notebook a.py"), "this is no name of a notebook")
      // The ranking of each setting equals that of the command for runs.
      struct Setting: Decodable {
        var runs: [String]
        var scores: [Score?]
        struct Score: Decodable { var value: Double }
      }
      var compared = 0
      for setting in try JSONDecoder().decode([Setting].self, from: experiment.data("runs/study/udr.json")) {
        let folders = setting.runs.map { "runs/study/runs/\($0)" }.joined(separator: " ")
        let evaluated = try Program.shell(
          "exec \"$disentangle\" evaluate \(folders) --metrics udr --set 'udr.relations=[spearman]' --format csv",
          in: experiment.folder)
        #expect(evaluated.code == 0, "\(evaluated.errors)")
        let lines = evaluated.output.split(separator: "\n")
        // A run all of whose latents equal the prior has none.
        for case (let digest, let score?) in zip(setting.runs, setting.scores) {
          compared += 1
          let line = lines.first { $0.contains(digest) && $0.contains(",\(score.value),") }
          #expect(line != nil, "\(score.value) of \(digest) in\n\(evaluated.output)")
        }
      }
      #expect(compared >= 3)
      try FileManager.default.createDirectory(
        atPath: experiment.folder.file("mine"), withIntermediateDirectories: true)
      _ = try experiment.folder.write("x".utf8, as: "mine/thesis.tex")
      expectError(try study("report study.yaml --report mine"), code: 1, "mine")
    }

    @Test("The notebook of a study draws its figures", .enabled(if: ExportTests.hasJupyter, "needs Jupyter"))
    func notebook() throws {
      #expect(try study("run study.yaml").code == 0)
      #expect(try study("notebook study.yaml --notebook drawn.ipynb").output == "drawn.ipynb\n")
      let (status, output) = try PythonScript.execute(
        notebook: experiment.folder.file("drawn.ipynb"),
        checks: """
          pictures = [o for o in outputs if "image/png" in o.get("data", {})]
          # Scores, information, a metric by strength, the plane, correlations.
          assert len(pictures) == 5, len(pictures)
          with open(path.replace(".ipynb", ".json")) as report:
              finding = json.load(report)["findings"][0]
          assert any(finding in o.get("text", "") for o in outputs), finding
          """)
      #expect(status == 0, "\(output.suffix(3000))")
    }

    @Test("A study that a signal stops is continued with the same results")
    func signals() throws {
      #expect(try study("run study.yaml --output undisturbed --workers 1").code == 0)
      let program = try Program.start(
        "study", "work", "study.yaml", "--output", "stopped", in: experiment.folder)
      while !FileManager.default.fileExists(atPath: experiment.folder.file("stopped/study.yaml")), program.isRunning {}
      program.signal(SIGTERM)
      let stopped = try program.wait()
      // It may have been told before it could listen, or after its end.
      #expect([143, 0].contains(stopped.code), "\(stopped.errors)")
      let done = try study("run study.yaml --output stopped")
      #expect(done.code == 0, "\(done.errors)")
      #expect(
        try experiment.results("stopped") == experiment.results("undisturbed")
          && experiment.results("stopped").count == 4)
    }

    @Test("Runs of `train` with an equal configuration and as many threads are measured, not trained again")
    func takingOver() throws {
      #expect(try study("run study.yaml --output undisturbed").code == 0)
      for (output, threads, seed) in [("plain", 1, 1), ("threads", 2, 2)] {
        let train = try Program.shell(
          """
          exec "$disentangle" train config.yaml --set objective.beta=4 --seed \(seed) --threads \(threads) \
            --output \(output)
          """, in: experiment.folder)
        #expect(train.code == 0, "\(train.errors)")
      }
      let result = try study("run study.yaml --from plain --from threads --workers 1")
      #expect(result.code == 0, "\(result.errors)")
      let runs = experiment.folder.file("runs/study/runs"), manager = FileManager.default
      let begun = try manager.contentsOfDirectory(atPath: runs).map { digest in
        try String(contentsOfFile: "\(runs)/\(digest)/environment.json", encoding: .utf8)
      }
      #expect(begun.filter { $0.contains("\"train\"") }.count == 1, "one run of the two has as many threads")
      #expect(result.errors.components(separatedBy: ": taken over\n").count == 2, "\(result.errors)")
      #expect(try experiment.results("runs/study") == experiment.results("undisturbed"))
      expectError(try study("run study.yaml --from nowhere"), "there is no finished run")
    }

    @Test("A worker on a full disk stops alone; another one finishes the study")
    func fullDisk() throws {
      // A limit on the size of files stands for a full disk.
      let work = "TMPDIR=/dev/null \"$disentangle\" study work study.yaml --output study"
      let result = try Program.shell("(ulimit -f 100; \(work))", in: experiment.folder)
      expectError(result, code: 1, "a worker stopped: ", "File too large", output: true)
      #expect(try FileManager.default.contentsOfDirectory(atPath: experiment.folder.file("study/failures")).isEmpty)
      let other = try study("work study.yaml --output study")
      #expect(other.code == 0 && other.output.contains("4 of 4 runs finished"), "\(other.errors)")
    }

    @Test("Failed runs are named, end with code 1, and are tried again if asked")
    func failures() throws {
      let data = try experiment.data("data.h5")
      #expect(try study("plan study.yaml --quick").code == 0)
      try Data("nothing".utf8).write(to: URL(fileURLWithPath: experiment.folder.file("data.h5")))
      let failed = try study("run study.yaml")
      #expect(failed.code == 1 && failed.errors.contains("failed: study, beta 1, seed 1: "), "\(failed.errors)")
      let status = try study("status study.yaml")
      #expect(status.output.contains("0 of 4 runs finished, 4 failed") && status.output.contains("data.h5"))
      try data.write(to: URL(fileURLWithPath: experiment.folder.file("data.h5")))
      let still = try study("run study.yaml")
      #expect(still.code == 0 && still.output.contains("4 failed"), "\(still.errors)")
      #expect(try study("run study.yaml --retry").output.contains("4 of 4 runs finished"))
    }

    @Test(
      "What a study command does not understand is one error",
      arguments: [
        ("plan nowhere.yaml", 1, "there is no such file"), ("status study.yaml", 1, "there is no study"),
        ("query study.yaml 'SELECT 1'", 1, "there is no study"), ("cancel study.yaml", 1, "there is no study"),
        ("run study.yaml --workers 0", 64, "--workers must be"),
        ("run study.yaml --patience 5", 64, "--patience must be"),
        ("run study.yaml --print-job --partition 'a b'", 64, "--partition must be one word"),
      ])
    func errors(line: String, code: Int32, message: String) throws {
      expectError(try study(line), code: code, message)
    }

    @Test(
      "Workers that are killed lose no run and finish none twice, nor do workers behind two mount points",
      arguments: [false, true])
    func kills(areApart: Bool) throws {
      var repository = URL(fileURLWithPath: #filePath)
      for _ in 0..<3 { repository.deleteLastPathComponent() }
      let options = areApart ? "--namespaces --count 0" : "--count 8 --seed 3"
      let result = try Program.shell(
        "exec python3 '\(repository.path)/script/campaign' workers \(options) --program \"$disentangle\"",
        in: experiment.folder)
      #expect(result.code == 0, "\(result.output)\(result.errors)")
      #expect(result.output.contains(" 0 runs lost, finished twice or otherwise than undisturbed"))
    }
  }
}
