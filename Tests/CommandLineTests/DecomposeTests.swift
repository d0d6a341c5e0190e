import FileFormats
import Foundation
import TensorCore
import TestSupport
import Testing

extension CommandLineTests {
  @Suite("Decomposing")
  struct DecomposeTests {
    private static let keys: Set<String> = [
      "units", "data_points", "latents", "samples", "seed", "estimator", "rate", "mutual_information",
      "total_correlation", "dimension_wise_kl", "kl_per_dimension", "joint_entropy", "marginal_entropies",
      "active_units", "distortion", "data_entropy", "identity_residual", "monte_carlo_residual",
      "minibatch_estimates",
    ]

    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// 40 posteriors of three latents.
    private func posterior() -> (means: [Double], logVariances: [Double]) {
      var random = RandomStream(seed: 1)
      return ((0..<120).map { _ in random.normalPair().0 }, [Double](repeating: -2, count: 120))
    }

    private func write(_ name: String, _ body: (HDF5Writer) throws -> Void) throws {
      let file = try HDF5Writer()
      try body(file)
      try file.save(to: folder.file(name))
    }

    private func object(_ json: String) throws -> [String: Any] {
      try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
    }

    @Test("An NPZ file gives what the HDF5 file of the same arrays gives; the audit has its exact values and biases")
    func audit() throws {
      let (means, logVariances) = posterior()
      try write("p.h5") {
        try $0.write("mean", means, shape: [40, 3])
        try $0.write("log_variance", logVariances, shape: [40, 3])
        try $0.write("samples", Array(means[..<30]), shape: [10, 3])
        try $0.write("indices", Array(0..<10), shape: [10])
      }
      var contents = ArrayFileContents()
      for name in ["mean", "log_variance"] { contents.addArray(name, Double.self, shape: [40, 3]) }
      contents.addArray("samples", Double.self, shape: [10, 3])
      contents.addArray("indices", Int.self, shape: [10])
      try ArrayFileWriter.write(contents, to: folder.file("p.npz")) { file in
        try file.append(means, to: "mean")
        try file.append(logVariances, to: "log_variance")
        try file.append(Array(means[..<30]), to: "samples")
        try file.append(Array(0..<10), to: "indices")
      }
      func json(_ words: String) throws -> String {
        let result = try Program.shell("exec \"$disentangle\" \(words) --format json", in: folder)
        #expect(result.code == 0, "\(result.errors)")
        return result.output
      }
      let exact = try json("decompose --posterior p.h5 --samples 300")
      #expect(try json("decompose --posterior p.npz --samples 300") == exact)
      let audit = try json("audit --posterior p.npz --samples 300 --batches 5 --batch-size 8 --batch-size 16")
      #expect(try json("audit --posterior p.h5 --samples 300 --batches 5 --batch-size 8 --batch-size 16") == audit)
      func value(_ object: Any?, _ keys: String...) throws -> Double {
        try #require(keys.reduce(object) { ($0 as? [String: Any])?[$1] } as? Double)
      }
      let rows = try #require(try object(audit)["rows"] as? [[String: Any]]), terms = try object(exact)
      #expect(
        rows.map { $0["estimator"] as? String } == ["exact", "mws", "mws", "mss", "mss"]
          + Array(repeating: "gaussian", count: rows.count - 5))
      for term in ["mutual_information", "total_correlation", "dimension_wise_kl"] {
        let expected = try value(terms, term, "value")
        #expect(try value(rows[0], term, "mean") == expected)
        for row in rows[1..<5] {
          let bias = try value(row, term, "bias"), mean = try value(row, term, "mean")
          #expect(abs(mean - expected - bias) <= 1e-12 * max(1, abs(mean)) && row["batches"] as? Int == 5)
        }
      }
      let table = try Program.shell(
        "exec \"$disentangle\" audit --posterior p.npz --samples 300 --batches 2", in: folder)
      #expect(table.code == 0 && table.output.contains("MWS") && table.output.contains("bias"))
      for (words, message) in [
        ("audit", "Give either the folder of a run or a file"),
        ("audit --posterior p.npz --batches 0", "--batches must be"),
        ("audit --posterior p.npz --batch-size 0", "--batch-size must be"),
      ] {
        expectError(try Program.shell("exec \"$disentangle\" \(words)", in: folder), code: 64, message)
      }
    }

    @Test("anybody's posteriors give every key of the contract")
    func contract() throws {
      let (means, logVariances) = posterior()
      try write("p.h5") {
        try $0.write("mean", means.map(Float.init), shape: [40, 3])
        try $0.write("log_variance", logVariances, shape: [40, 3])
      }
      let result = try Program.run(
        "decompose", "--posterior", "p.h5", "--format", "json", "--samples", "300", "--seed", "8", in: folder)
      #expect(result.code == 0, "\(result.errors)")
      let found = try object(result.output)
      #expect(Self.keys.subtracting(found.keys) == [])
      #expect(found["units"] as? String == "nats")
      #expect(found["data_points"] as? Int == 40 && found["latents"] as? Int == 3)
      #expect(found["samples"] as? Int == 300 && found["seed"] as? Int == 8)
      for key in ["mutual_information", "total_correlation", "joint_entropy", "monte_carlo_residual"] {
        let estimate = try #require(found[key] as? [String: Any])
        #expect(estimate["value"] is Double && estimate["standard_error"] is Double, "\(key)")
      }
      let dimensionWise = try #require(found["dimension_wise_kl"] as? [String: Any])
      #expect((dimensionWise["per_dimension"] as? [Double])?.count == 3)
      #expect(dimensionWise["value"] is Double && dimensionWise["standard_error"] != nil)
      for key in ["kl_per_dimension", "marginal_entropies"] { #expect((found[key] as? [Double])?.count == 3) }
      for key in ["distortion", "data_entropy"] {
        #expect(found[key] is NSNull && found["\(key)_reason"] is String, "\(key)")
      }
      let minibatch = try #require(found["minibatch_estimates"] as? [[String: Any]])
      #expect(minibatch.count == 2)
      for estimate in minibatch {
        #expect(
          Set(["estimator", "batch_size", "mutual_information", "total_correlation", "dimension_wise_kl"])
            .subtracting(estimate.keys) == [])
      }
      #expect(found["log_qz"] == nil && found["log_qz_per_dimension"] == nil)

      // The rate in closed form: ½Σ(μ² + σ² − log σ² − 1); means went through float32, hence the tolerance.
      let rate = means.reduce(0) { $0 + ($1 * $1 + exp(-2) + 2 - 1) / 2 } / 40
      #expect(abs(try #require(found["rate"] as? Double) - rate) < 1e-6 * rate)
      let terms = try ["mutual_information", "total_correlation", "dimension_wise_kl"].reduce(0) {
        try $0 + #require((found[$1] as? [String: Any])?["value"] as? Double)
      }
      #expect(abs(terms - rate) < 1e-6 * rate)
    }

    @Test("given samples add the log densities of each", arguments: [true, false])
    func samples(withIndices: Bool) throws {
      let (means, logVariances) = posterior()
      try write("p.h5") {
        try $0.write("mean", means, shape: [40, 3])
        try $0.write("log_variance", logVariances, shape: [40, 3])
        try $0.write("samples", Array(means[6..<27]), shape: [7, 3])
        if withIndices { try $0.write("indices", Array(2..<9), shape: [7]) }
      }
      let result = try Program.run("decompose", "--posterior", "p.h5", "--format", "json", in: folder)
      #expect(result.code == 0, "\(result.errors)")
      let found = try object(result.output)
      #expect(Self.keys.subtracting(found.keys) == [])
      #expect(found["samples"] as? Int == 7)
      let joint = try #require(found["log_qz"] as? [Double])
      #expect(joint.count == 7)
      #expect((found["log_qz_per_dimension"] as? [[Double]])?.map(\.count) == [Int](repeating: 3, count: 7))
      // log q(z) of the first sample, which is the third mean, by its definition.
      let terms = (0..<40).map { n in
        (0..<3).reduce(0.0) { sum, d in
          let difference = means[6 + d] - means[3 * n + d]
          return sum - (difference * difference * exp(2) + log(2 * Double.pi) - 2) / 2
        }
      }
      let expected = log(terms.reduce(0) { $0 + exp($1) } / 40)
      // The densities are computed in float32, whose rounding over three latents stays below this.
      #expect(abs(joint[0] - expected) < 2e-5)
    }

    @Test("the table says the same rate")
    func table() throws {
      let (means, logVariances) = posterior()
      try write("p.h5") {
        try $0.write("mean", means, shape: [40, 3])
        try $0.write("log_variance", logVariances, shape: [40, 3])
      }
      let result = try Program.run("decompose", "--posterior", "p.h5", "--samples", "300", in: folder)
      #expect(result.code == 0 && result.errors.isEmpty)
      let rate = means.reduce(0) { $0 + ($1 * $1 + exp(-2) + 2 - 1) / 2 } / 40
      #expect(result.output.contains(String(format: "%.4f", rate)))
      #expect(result.output.contains("total correlation"))
    }

    @Test("a run decomposed again gives the numbers of its report, without encoding again")
    func run() throws {
      let experiment = try SmallExperiment(steps: 30)
      let trained = try Program.run("train", "config.yaml", "--output", "run", "--threads", "1", in: experiment.folder)
      try #require(trained.code == 0, "\(trained.errors)")
      let again = try Program.run(
        "decompose", "run", "--format", "json", "--threads", "1", in: experiment.folder)
      #expect(again.code == 0, "\(again.errors)")
      #expect(again.errors.contains("Using the posteriors in run/posteriors.h5") && !again.errors.contains("Encoding"))
      let found = try object(again.output)
      let report = try object(String(decoding: try experiment.data("run/report/report.json"), as: UTF8.self))
      // The same program read both: equal objects are equal numbers.
      let same = report["decomposition"] as? NSDictionary == found as NSDictionary
      #expect(same && report["form"] as? String == "short")
      #expect(found["samples"] as? Int == 200 && found["seed"] as? Int == 3)
      // All 512 squares differ: H = log 512.
      #expect(abs(try #require(found["data_entropy"] as? Double) - log(512)) < 1e-9)
      let other = try Program.run(
        "decompose", "run", "--format", "json", "--samples", "50", "--seed", "4", in: experiment.folder)
      #expect(try object(other.output)["samples"] as? Int == 50)
      let text = try experiment.data("run/report/report.md")
      #expect(String(decoding: text, as: UTF8.self).contains("total correlation"))
    }

    @Test(
      "posteriors that are none are one error",
      arguments: ["nan", "infinite", "shapes", "missing", "vector", "empty", "columns", "indices", "outside"])
    func badPosterior(fault: String) throws {
      var (means, logVariances) = posterior()
      if fault == "nan" { means[10] = .nan }
      if fault == "infinite" { logVariances[10] = .infinity }
      let expected = [
        "nan": "mean[3, 1] is nan", "infinite": "log_variance[3, 1] is inf", "shapes": "one shape",
        "missing": "no array \"log_variance\"", "vector": "mean has shape [120]", "empty": "empty",
        "columns": "3 columns", "indices": "2 indices for 3 samples", "outside": "indices[1] is 40",
      ]
      try write("bad.h5") {
        switch fault {
        case "vector": try $0.write("mean", means, shape: [120])
        case "empty": try $0.write("mean", [] as [Double], shape: [0, 3])
        default: try $0.write("mean", means, shape: [40, 3])
        }
        switch fault {
        case "missing": break
        case "shapes": try $0.write("log_variance", logVariances, shape: [60, 2])
        case "empty": try $0.write("log_variance", [] as [Double], shape: [0, 3])
        default: try $0.write("log_variance", logVariances, shape: [40, 3])
        }
        switch fault {
        case "columns": try $0.write("samples", Array(means.prefix(8)), shape: [4, 2])
        case "indices":
          try $0.write("samples", Array(means.prefix(9)), shape: [3, 3])
          try $0.write("indices", [0, 1], shape: [2])
        case "outside":
          try $0.write("samples", Array(means.prefix(9)), shape: [3, 3])
          try $0.write("indices", [0, 40, 1], shape: [3])
        default: break
        }
      }
      let result = try Program.run("decompose", "--posterior", "bad.h5", "--samples", "50", in: folder)
      expectError(result, "error: bad.h5", try #require(expected[fault]))
      #expect(try folder.names() == ["bad.h5"])
    }

    @Test("a file that holds no arrays at all, or is not there")
    func noFile() throws {
      _ = try folder.write("words\n".utf8, as: "words.txt")
      expectError(
        try Program.run("decompose", "--posterior", "words.txt", in: folder), "words.txt",
        "this is neither an HDF5 nor an NPZ file")
      expectError(try Program.run("decompose", "--posterior", "none.h5", in: folder), "none.h5", "no such file")
      expectError(try Program.run("decompose", "--posterior", ".", in: folder), "directory")
    }

    @Test("a folder that is no run, a file, and nothing at all")
    func noRun() throws {
      _ = try folder.write("words\n".utf8, as: "words.txt")
      expectError(try Program.run("decompose", ".", in: folder), "not the folder of a run")
      expectError(try Program.run("decompose", "words.txt", in: folder), "words.txt", "this is a file")
      expectError(try Program.run("decompose", "none", in: folder), "none", "no such run folder")
    }

    @Test("weights that were damaged are one error", arguments: [0, 9, 1000])
    func damagedWeights(length: Int) throws {
      let experiment = try SmallExperiment(steps: 2)
      try #require(
        try Program.run("train", "config.yaml", "--output", "run", "--threads", "1", in: experiment.folder).code == 0)
      try experiment.data("run/weights.safetensors").prefix(length)
        .write(to: URL(fileURLWithPath: experiment.folder.file("run/weights.safetensors")))
      expectError(try Program.run("decompose", "run", in: experiment.folder), "run/weights.safetensors")
    }
  }
}
