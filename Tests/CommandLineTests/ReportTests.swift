import FileFormats
import Foundation
import TestSupport
import Testing

extension CommandLineTests {
  @Suite("Reporting")
  struct ReportTests {
    static let quick = "--likelihood-images 3 --likelihood-samples 40 --audit-batches 3 --pairwise-samples 60"
    private static let figures = [
      "decomposition", "latents", "pairwise", "factors", "audit", "likelihood", "training", "reconstructions",
      "traversals-prior", "traversals-posterior", "samples", "interpolations",
    ]

    let experiment: SmallExperiment

    init() throws { experiment = try SmallExperiment(steps: 20, checkpointEvery: 10, logEvery: 5) }

    func run(_ arguments: String) throws -> Program.Result {
      try Program.shell("exec \"$disentangle\" \(arguments)", in: experiment.folder)
    }

    func train(_ more: String = "", output: String = "run") throws {
      let result = try run("train config.yaml --output \(output) \(more)")
      try #require(result.code == 0, "\(result.errors)")
    }

    func report(_ more: String = "", run folder: String = "run") throws -> Program.Result {
      let result = try run("report \(folder) \(Self.quick) \(more)")
      try #require(result.code == 0, "\(result.errors)")
      return result
    }

    func json(_ name: String) throws -> [String: Any] {
      try #require(try JSONSerialization.jsonObject(with: experiment.data(name)) as? [String: Any])
    }

    /// What a path of keys and indices leads to.
    func value(_ path: String, in json: Any) -> Any? {
      path.split(separator: ".").reduce(Optional(json)) { found, key in
        if let list = found as? [Any] { return Int(key).flatMap { list.indices.contains($0) ? list[$0] : nil } }
        return (found as? [String: Any])?[String(key)]
      }
    }

    /// Checks that each number that a page marks stands in the JSON file where it says, and is what is read.
    ///
    /// - Returns: how many numbers there are.
    func checkNumbers(_ page: String, against json: [String: Any]) throws -> Int {
      var count = 0
      for part in page.components(separatedBy: "<data value=\"").dropFirst() {
        let pieces = part.components(separatedBy: "\"")
        let path = try #require(pieces.count > 2 && pieces[1] == " data-path=" ? pieces[2] : nil)
        let text = try #require(part.split(separator: ">", maxSplits: 1).last?.split(separator: "<").first)
        let stated = try #require(Double(pieces[0]))
        let found = try #require((value(path, in: json) as? NSNumber)?.doubleValue, "\(path) is not in the JSON file")
        // JSONSerialization reads the last digit or two wrongly.
        #expect(abs(found - stated) <= 1e-14 * abs(stated), "\(path)")
        // What is read has at least three significant digits, or two decimals.
        let digits = text.replacing("−", with: "-").replacing(",", with: "").replacing("±", with: "")
          .trimmingCharacters(in: CharacterSet(charactersIn: " ()+"))
        if let read = Double(digits.split(separator: " ").first.map(String.init) ?? "") {
          #expect(abs(read - found) <= 0.006 * max(abs(found), 1), "\(path): \(text) for \(found)")
          count += 1
        }
      }
      return count
    }

    @Test("A run of deterministic codes is reported by counting; what needs densities is left out, or refused")
    func deterministicCodes() throws {
      try train("--set 'objective={name: qlae, values: 4}'")
      let output = try report().output
      #expect(output.contains("rate  D·log V") && output.contains("by counting"), "\(output)")
      let contents = try json("run/report/report.json")
      #expect(value("decomposition.estimator", in: contents) as? String == "counting")
      let rate = try #require(value("decomposition.rate", in: contents) as? Double)
      #expect(abs(rate - 4 * log(4)) < 1e-9)
      let terms = ["mutual_information.value", "total_correlation.value", "dimension_wise_kl.value"]
      let values = try terms.map { try #require(value("decomposition.\($0)", in: contents) as? Double) }
      #expect(abs(values.reduce(0, +) - rate) < 1e-9)
      #expect(contents["audit"] == nil && contents["likelihood"] == nil)
      let page = String(decoding: try experiment.data("run/report/index.html"), as: UTF8.self)
      #expect(try checkNumbers(page, against: contents) > 50)
      #expect(page.contains("The codes are deterministic and discrete") && page.contains("each of its values"))

      // Codes are values of the codebook, and the same in each command.
      let encoded = try run("encode run -o codes.npz --force")
      #expect(encoded.code == 0, "\(encoded.errors)")
      let codes = try openArrayFile(experiment.folder.file("codes.npz")).read("codes", as: Float.self).values
      for latent in 0..<4 { #expect(Set(stride(from: latent, to: codes.count, by: 4).map { codes[$0] }).count <= 4) }
      for command in ["sample run --count 3 -o s.npz", "export explorer run", "export onnx run -o networks"] {
        let result = try run(command)
        #expect(result.code == 0, "\(command): \(result.errors)")
      }
      let refused = try run("score run -o scores.csv")
      #expect(refused.code == 1)
      #expect(
        refused.errors.contains(
          "a score needs the density of a posterior, and the codes of this model are deterministic"))
      // Weights bring their codebook along.
      let exported = try run("export safetensors run -o w.safetensors")
      #expect(exported.code == 0, "\(exported.errors)")
      let imported = try run("import safetensors w.safetensors -o imported")
      if imported.code == 0 {
        let decomposed = try run("decompose imported --format json")
        #expect(decomposed.output.contains("\"estimator\" : \"counting\""), "\(decomposed.errors)")
      } else {
        Issue.record("\(imported.errors)")
      }
    }

    @Test("A report says which images training saw, and draws the joint table of correlated factors")
    func sampling() throws {
      try train(
        "--set 'dataset.sampling={pairs: [\"factor 0:factor 1\"], strengths: [0.2], excluded: [\"factor 2=7\"]}'")
      _ = try report()
      let contents = try json("run/report/report.json")
      #expect(value("sampling.images", in: contents) as? Int == 448)
      let joint = try #require(value("sampling.pairs.0.joint", in: contents) as? [[Double]])
      #expect(joint.count == 8 && abs(joint.joined().reduce(0, +) - 1) < 1e-12)
      // exp(−(1/7)²/(2·0.2²)) beside the diagonal.
      #expect(abs(joint[3][4] / joint[3][3] - exp(-1 / 49 / 0.08)) < 1e-12)
      let page = String(decoding: try experiment.data("run/report/index.html"), as: UTF8.self)
      #expect(try checkNumbers(page, against: contents) > 50)
      #expect(page.contains("factor 0 and factor 1 in training") && page.contains("dataset.sampling"))
    }

    @Test("What HFS penalises stands in the audit, beside the exact TC")
    func dependence() throws {
      try train("--set 'objective={name: hfs}'")
      _ = try report("--audit-batch-size 16")
      let contents = try json("run/report/report.json")
      #expect((value("audit.dependence.0.mean", in: contents) as? Double ?? 0) > 0)
      #expect(value("audit.dependence.0.batch_size", in: contents) as? Int == 16)
      let page = String(decoding: try experiment.data("run/report/index.html"), as: UTF8.self)
      #expect(page.contains("HFS: Σ of squared distances between supports"))
      #expect(try checkNumbers(page, against: contents) > 50)
    }

    @Test("A report has its page, its texts and every figure in three forms, and says the same everywhere")
    func whole() throws {
      try train("--set training.decompose_every=5")
      let result = try report()
      #expect(result.output.contains("mutual information  I(x; z)") && result.output.contains("run/report/index.html"))
      // Training has encoded all images already.
      #expect(result.errors.contains("[1/7] reading the posteriors") && result.errors.contains("[7/7] drawing"))
      let names = try FileManager.default.contentsOfDirectory(atPath: experiment.folder.file("run/report")).sorted()
      #expect(names == [".disentangle.json", "explorer.html", "figures", "index.html", "report.json", "report.md"])

      let contents = try json("run/report/report.json")
      for key in [
        "form", "title", "run", "decomposition", "findings", "latents", "pairwise", "factors", "audit", "likelihood",
        "rate_distortion", "training", "pictures", "figures",
      ] { #expect(contents[key] != nil, "\(key) is missing") }
      #expect(value("run.training", in: contents) as? String == "complete")
      #expect(value("run.step", in: contents) as? Int == 20)
      #expect(value("decomposition.samples", in: contents) as? Int == 200)
      #expect(value("pairwise.samples", in: contents) as? Int == 60)
      #expect((value("likelihood.images", in: contents) as? [Any])?.count == 3)
      let notes = try #require(contents["figures"] as? [[String: String]])
      #expect(notes.compactMap { $0["name"] } == Self.figures)
      #expect(notes.allSatisfy { ($0["caption"] ?? "").count > 20 })

      let markdown = String(decoding: try experiment.data("run/report/report.md"), as: UTF8.self)
      let page = String(decoding: try experiment.data("run/report/index.html"), as: UTF8.self)
      for name in Self.figures {
        let path = "run/report/figures/\(name)"
        let texts = XMLTexts(try experiment.data(path + ".svg"))
        #expect(texts.isWhole, "\(name)")
        // Pictures without rows and columns to name have no text.
        if name != "samples" { #expect(texts.texts["text"] != nil, "\(name)") }
        #expect(try experiment.data(path + ".pdf").starts(with: Data("%PDF".utf8)))
        #expect(try experiment.data(path + ".png").starts(with: [0x89, 0x50, 0x4E, 0x47]))
        #expect(markdown.contains("](figures/\(name).png)") && page.contains("<figure id=\"\(name)\">"), "\(name)")
        for text in texts.texts["text"] ?? [] { #expect(page.contains(">\(text)</text>"), "\(name): \(text)") }
      }
      for name in ["decomposition", "latents", "pairwise", "factors", "audit", "likelihood", "training"] {
        #expect(XMLTexts(try experiment.data("run/report/figures/\(name).svg")).all.contains("nats"), "\(name)")
      }
      #expect(try experiment.data("run/report/figures/traversals.gif").starts(with: Data("GIF89a".utf8)))

      #expect(try checkNumbers(page, against: contents) > 60)
      // Nothing but links to the figures and the explorer leaves the page, and nothing is fetched.
      for fetched in ["http-equiv", "<link rel=\"stylesheet", "<script", "src=\"http", "url("] {
        #expect(!page.contains(fetched), "\(fetched)")
      }
      for note in try #require(value("findings.sentences", in: contents) as? [String]) {
        #expect(page.contains(escaped(note)) && result.output.contains(note))
      }
    }

    @Test("A report shows disentanglement metrics when asked, the numbers that evaluate gives")
    func metrics() throws {
      try train()
      let result = try report("--metrics fast --seed 3")
      #expect(result.errors.contains("[5/8] disentanglement metrics"))
      let contents = try json("run/report/report.json")
      let page = String(decoding: try experiment.data("run/report/index.html"), as: UTF8.self)
      let markdown = String(decoding: try experiment.data("run/report/report.md"), as: UTF8.self)
      #expect(page.contains("Disentanglement metrics") && markdown.contains("## Disentanglement metrics"))
      #expect(try checkNumbers(page, against: contents) > 80)

      let evaluated = try run("evaluate run --preset fast --seed 3 --format json")
      let expected = try #require(
        try JSONSerialization.jsonObject(with: Data(evaluated.output.utf8)) as? [String: Any])
      let metrics = try #require(value("metrics.metrics", in: contents) as? [[String: Any]])
      #expect(metrics.count == (expected["metrics"] as? [String: Any])?.count)
      for metric in metrics {
        let name = try #require(metric["name"] as? String), scores = try #require(metric["scores"] as? [[String: Any]])
        for score in scores {
          let path = "metrics.\(name).scores.\(try #require(score["name"] as? String))."
          for key in ["value", "standard_error", "repeats", "undefined"] {
            let found = score[key] as? NSObject, wanted = value(path + key, in: expected) as? NSObject
            #expect(found == (wanted is NSNull ? nil : wanted), "\(path)\(key)")
          }
        }
      }
    }

    @Test("Two reports of one run are equal, byte for byte, and another seed gives another")
    func repeatable() throws {
      try train()
      _ = try report("--output first --threads 1")
      _ = try report("--output second --threads 1")
      let names = try FileManager.default.subpathsOfDirectory(atPath: experiment.folder.file("first")).sorted()
      #expect(names.count > 40)
      for name in names where !["figures"].contains(name) {
        let same = try experiment.data("first/\(name)") == experiment.data("second/\(name)")
        #expect(same, "\(name)")
      }
      _ = try report("--output second --threads 1 --seed 9")
      let same = try experiment.data("first/report.json") == experiment.data("second/report.json")
      #expect(!same)
      #expect(value("decomposition.seed", in: try json("second/report.json")) as? Int == 9)
    }

    @Test("One, two and 64 latents all give a page", arguments: [1, 2, 64])
    func latents(count: Int) throws {
      try train("--set model.latents=\(count)")
      _ = try report()
      let contents = try json("run/report/report.json")
      #expect((value("latents.latents", in: contents) as? [Any])?.count == count)
      #expect((value("pictures.latents", in: contents) as? [Any])?.count == min(16, count))
      let pairs = (value("pairwise.pairs", in: contents) as? [Any])?.count
      #expect(count == 1 ? pairs == nil : (pairs ?? 0) >= count * (min(count, 16) - 1) / 2)
      let page = String(decoding: try experiment.data("run/report/index.html"), as: UTF8.self)
      #expect(try checkNumbers(page, against: contents) > 40)
      #expect(XMLTexts(try experiment.data("run/report/figures/latents.svg")).isWhole)
    }

    @Test("Weights alone, without any history, are reported, and the page says what is not known")
    func imported() throws {
      try train()
      try FileManager.default.createDirectory(
        atPath: experiment.folder.file("weights"), withIntermediateDirectories: true)
      for (from, to) in [("config.yaml", "config.yaml"), ("run/weights.safetensors", "weights.safetensors")] {
        try FileManager.default.copyItem(
          atPath: experiment.folder.file(from), toPath: experiment.folder.file("weights/\(to)"))
      }
      _ = try report(run: "weights")
      let contents = try json("weights/report/report.json")
      #expect(value("run.training", in: contents) as? String == "unknown")
      #expect(contents["training"] == nil && contents["training_reason"] is String)
      let page = String(decoding: try experiment.data("weights/report/index.html"), as: UTF8.self)
      #expect(page.contains("how far they were trained is not known") && page.contains("has no metrics.jsonl"))
      #expect(!page.contains("<figure id=\"training\">"))
    }

    @Test("An interrupted run is reported as of its checkpoint, and the page says so")
    func interrupted() throws {
      let program = try Program.start(
        "train", "config.yaml", "--output", "run", "--set", "training.steps=100000", in: experiment.folder)
      #expect(program.waitForProgress())
      program.signal(SIGINT)
      #expect(try program.wait().code == 130)
      _ = try report()
      let contents = try json("run/report/report.json")
      #expect(value("run.training", in: contents) as? String == "interrupted")
      let step = try #require(try experiment.checkpointStep(of: "run"))
      #expect(value("run.step", in: contents) as? Int == step && value("run.steps", in: contents) as? Int == 100_000)
      let page = String(decoding: try experiment.data("run/report/index.html"), as: UTF8.self)
      #expect(page.contains("Training stopped after step"))
    }

    @Test("Images without factors, and of a likelihood that bounds nothing, are reported with the reasons")
    func withoutFactors() throws {
      let file = try HDF5Writer()
      try file.write("images", Array(SmallExperiment.images.prefix(64 * 4096)), shape: [64, 64, 64])
      try file.save(to: experiment.folder.file("plain.h5"))
      try train("--set dataset.path=plain.h5 --set model.likelihood=gaussian")
      _ = try report("--likelihood-images 0")
      let contents = try json("run/report/report.json")
      #expect(contents["factors"] == nil && contents["factors_reason"] is String && contents["likelihood"] == nil)
      #expect(value("rate_distortion.lower_bound_reason", in: contents) is String)
      let page = String(decoding: try experiment.data("run/report/index.html"), as: UTF8.self)
      #expect(page.contains("The data set names no factors."))
      expectError(
        try run("report run --metrics fast"), "run", "the data set has no factors", "dataset.factors", output: true)
      expectError(try run("evaluate run"), "run", "the data set has no factors", "dataset.factors")
    }

    @Test("What cannot be reported or written is one error, and an earlier report stays")
    func errors() throws {
      expectError(try run("report none"), "none", "no such run folder")
      expectError(try run("report data.h5"), "data.h5", "this is a file")
      expectError(try run("report ."), "neither weights nor a checkpoint")
      expectError(try run("compare run none"), "no such run folder")
      try train()
      _ = try report()
      let before = try experiment.data("run/report/report.json")
      try FileManager.default.createDirectory(atPath: experiment.folder.file("mine"), withIntermediateDirectories: true)
      expectError(try run("report run --output mine"), "mine", "not written by this program", "an earlier report")
      expectError(try run("report run --output data.h5"), "data.h5", "a file is in the way")
      expectError(try run("report run --output none/report"), "none", "does not exist", "mkdir")
      expectError(try run("compare run run/"), "given twice")
      // Nobody can write below /proc, whatever rights he has.
      expectError(try run("report run \(Self.quick) --output /proc/report"), "/proc/report", output: true)
      try Data("damaged".utf8).write(to: URL(fileURLWithPath: experiment.folder.file("run/weights.safetensors")))
      expectError(try run("report run"), "weights.safetensors", output: true)
      #expect(try experiment.data("run/report/report.json") == before)
      let left = try FileManager.default.contentsOfDirectory(atPath: experiment.folder.file("run"))
      #expect(!left.contains { $0.hasPrefix(".report") })
    }

    @Test(
      "Pages open in a browser without a complaint, and fit a phone", .enabled(if: Chromium.path != nil, "no Chromium"))
    func browser() throws {
      try train()
      _ = try report()
      let page = String(decoding: try experiment.data("run/report/index.html"), as: UTF8.self)
      for width in [1200, 500] {
        let visit = try Chromium.visit(
          page, in: TemporaryFolder(), size: (width, 900),
          probe: """
            const loaded = [...document.images].every(image => image.complete && image.naturalWidth > 0);
            return { numbers: document.querySelectorAll("data").length, figures: document.querySelectorAll("svg").length,
              loaded, overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth };
            """)
        #expect(visit.console == [])
        let seen = try #require(try JSONSerialization.jsonObject(with: visit.result) as? [String: Any])
        #expect(seen["figures"] as? Int == Self.figures.count && seen["loaded"] as? Bool == true)
        #expect((seen["numbers"] as? Int ?? 0) > 60)
        #expect(seen["overflow"] as? Int == 0, "the page is wider than a window of \(width)")
      }
    }

    private func escaped(_ text: String) -> String {
      text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
        .replacing("'", with: "&#39;").replacing("\"", with: "&quot;")
    }
  }
}
