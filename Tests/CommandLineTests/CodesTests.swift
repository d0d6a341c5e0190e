import FileFormats
import Foundation
import TensorCore
import TestSupport
import Testing

extension CommandLineTests {
  @Suite("Codes in and out")
  struct CodesTests {
    /// A short run, trained once; every test has a copy.
    private static let trained = Result {
      let experiment = try SmallExperiment(steps: 20, checkpointEvery: 20)
      let result = try Program.run(
        "train", "config.yaml", "--output", "run", "--threads", "1", in: experiment.folder)
      try #require(result.code == 0, "\(result.errors)")
      return experiment
    }

    private let experiment: SmallExperiment

    init() throws {
      experiment = try SmallExperiment()
      try FileManager.default.copyItem(
        atPath: Self.trained.get().folder.file("run"), toPath: experiment.folder.file("run"))
    }

    private func run(_ arguments: String) throws -> Program.Result {
      try Program.shell("exec \"$disentangle\" \(arguments)", in: experiment.folder)
    }

    /// Runs a command that must succeed, and returns what it printed.
    @discardableResult private func done(
      _ arguments: String, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> String {
      let result = try run(arguments)
      try #require(result.code == 0, "\(arguments): \(result.errors)", sourceLocation: sourceLocation)
      return result.output
    }

    private func floats(_ file: String, _ array: String) throws -> [Float] {
      try openArrayFile(experiment.folder.file(file)).read(array, as: Float.self).values
    }

    private func doubles(_ file: String, _ array: String) throws -> [Double] {
      try openArrayFile(experiment.folder.file(file)).read(array, as: Double.self).values
    }

    private func integers(_ file: String, _ array: String) throws -> [Int] {
      try openArrayFile(experiment.folder.file(file)).read(array, as: Int.self).values
    }

    private func shape(_ file: String, _ array: String) throws -> [Int] {
      try openArrayFile(experiment.folder.file(file)).information(array).shape
    }

    private func same(_ a: String, _ b: String) throws -> Bool { try experiment.data(a) == experiment.data(b) }

    /// The factors of squares, as `SmallExperiment` draws them.
    private static func factors(of index: [Int]) -> [Int] { index.flatMap { [$0 / 64, $0 / 8 % 8, $0 % 8] } }

    /// Mean and mean square of normal values, within four standard errors.
    private func expectStandardNormal(_ values: [Double]) {
      let count = Double(values.count)
      let mean = values.reduce(0, +) / count, square = values.reduce(0) { $0 + $1 * $1 } / count
      #expect(abs(mean) < 4 / count.squareRoot())
      #expect(abs(square - 1) < 4 * (2 / count).squareRoot())
    }

    /// Writes arrays of 32-bit floats.
    private func write(_ name: String, _ arrays: (name: String, values: [Float], shape: [Int])...) throws {
      var contents = ArrayFileContents()
      for array in arrays { contents.addArray(array.name, Float.self, shape: array.shape) }
      try ArrayFileWriter.write(contents, to: experiment.folder.file(name)) { file in
        for array in arrays { try file.append(array.values, to: array.name) }
      }
    }

    // MARK: Encoding

    @Test("All images are encoded, with factors and mean KL", arguments: ["codes.h5", "codes.npz"])
    func encode(name: String) throws {
      let output = try done("encode run --output \(name)")
      #expect(output == "\(name): the codes of 512 images in 4 latents\n")
      let arrays = try openArrayFile(experiment.folder.file(name)).arrayPaths()
      #expect(
        arrays == [
          "codes", "factor_kinds", "factor_names", "factor_sizes", "factors", "index", "log_variances", "mean_kl",
        ])
      #expect(try openArrayFile(experiment.folder.file(name)).texts("factor_kinds").texts.first == "ordered")
      let means = try floats(name, "codes"), logVariances = try floats(name, "log_variances")
      #expect(try shape(name, "codes") == [512, 4])
      #expect(try shape(name, "log_variances") == [512, 4])
      let index = try integers(name, "index"), factors = try integers(name, "factors")
      #expect(index == Array(0..<512) && factors == Self.factors(of: index))
      #expect(try integers(name, "factor_sizes") == [8, 8, 8])
      var kl = [Double](repeating: 0, count: 4)
      for i in means.indices {
        let mean = Double(means[i]), logVariance = Double(logVariances[i])
        kl[i % 4] += (mean * mean + exp(logVariance) - logVariance - 1) / 1024
      }
      let written = try doubles(name, "mean_kl")
      // Sums of doubles in another order.
      #expect(relativeDifference(written, kl) < 1e-9)
      // The report of the same run gives the same KL.
      let report = try #require(
        try JSONSerialization.jsonObject(with: experiment.data("run/report/report.json")) as? [String: Any])
      let decomposition = try #require(report["decomposition"] as? [String: Any])
      let reported = try #require(decomposition["kl_per_dimension"] as? [Double])
      // It may have been computed with another number of threads: single precision.
      #expect(relativeDifference(kl, reported) < 1e-4)
    }

    @Test("HDF5 says which run and step the codes are of")
    func attributes() throws {
      try done("encode run --output codes.h5 --sample --seed 7")
      let file = try HDF5File(reading: experiment.folder.file("codes.h5"))
      #expect(file.string(ofAttribute: "run") == "small" && file.numbers(ofAttribute: "step") == [20])
      #expect(file.string(ofAttribute: "seed") == "7")
      #expect(file.strings(ofAttribute: "factor_names", of: "/") == ["factor 0", "factor 1", "factor 2"])
      #expect(file.strings(ofAttribute: "factor_kinds", of: "/") == ["ordered", "ordered", "ordered"])
    }

    @Test("A subset has the codes of its images, sampled ones too")
    func subset() throws {
      try done("encode run --output all.h5 --sample --seed 5")
      try done("encode run --output slice.npz --rows 100:400:3 --sample --seed 5")
      try done("encode run --output random.h5 --random 50 --sample --seed 5")
      try done("encode run --output again.npz --indices random.h5 --sample --seed 5")
      #expect(try integers("slice.npz", "index") == Array(stride(from: 100, to: 400, by: 3)))
      let random = try integers("random.h5", "index")
      #expect(random.count == 50 && random == random.sorted() && Set(random).count == 50)
      #expect(try integers("again.npz", "index") == random)
      for name in ["slice.npz", "random.h5", "again.npz"] {
        let index = try integers(name, "index")
        for array in ["codes", "log_variances", "sampled_codes"] {
          let all = try floats("all.h5", array), expected = index.flatMap { all[4 * $0..<4 * $0 + 4] }
          let found = try floats(name, array)
          // Other batches may be split among threads in another way: rounding.
          #expect(relativeDifference(found, expected) < 1e-5)
        }
        let factors = try integers(name, "factors")
        #expect(factors == Self.factors(of: index))
      }
      // (z − μ)/σ is standard normal.
      let means = try floats("all.h5", "codes"), logVariances = try floats("all.h5", "log_variances")
      let noise = try floats("all.h5", "sampled_codes").enumerated().map { i, z in
        Double(z - means[i]) / exp(0.5 * Double(logVariances[i]))
      }
      expectStandardNormal(noise)
    }

    @Test("The same seed gives the same bytes, another one other codes", arguments: ["h5", "npz"])
    func repeatable(ending: String) throws {
      for (name, seed) in [("a", 1), ("b", 1), ("c", 2)] {
        try done("encode run --output \(name).\(ending) --random 30 --sample --seed \(seed) --threads 1")
      }
      #expect(try same("a." + ending, "b." + ending))
      #expect(try integers("a." + ending, "index") != integers("c." + ending, "index"))
      try done("encode run --output d.\(ending) --rows :30 --sample --seed 1")
      try done("encode run --output e.\(ending) --rows :30 --sample --seed 2")
      let differs = try floats("d." + ending, "sampled_codes") != floats("e." + ending, "sampled_codes")
      #expect(differs)
    }

    @Test("Images of another file are encoded, with no factors where it has none")
    func otherImages() throws {
      try write("mine.npz", ("imgs", SmallExperiment.images[(64 * 4096)..<(72 * 4096)].map(Float.init), [8, 64, 64]))
      try done("encode run --output mine.h5 --images mine.npz")
      try done("encode run --output all.h5")
      #expect(
        try openArrayFile(experiment.folder.file("mine.h5")).arrayPaths()
          == ["codes", "index", "log_variances", "mean_kl"])
      let expected = Array(try floats("all.h5", "codes")[256..<288]), found = try floats("mine.h5", "codes")
      // Other batches may be split among threads in another way: rounding.
      #expect(relativeDifference(found, expected) < 1e-5)
      try write("odd.h5", ("pictures", SmallExperiment.images[..<4096].map(Float.init), [1, 64, 64]))
      try done("encode run --output odd.npz --images odd.h5 --array pictures")
    }

    @Test(
      "h5py and NumPy read codes as arrays of their own",
      .enabled(if: PythonScript.has("h5py", "numpy"), "python3 with h5py and numpy is not installed"))
    func python() throws {
      try done("encode run --output codes.h5 --rows :20 --sample --seed 3")
      try done("encode run --output codes.npz --rows :20 --sample --seed 3")
      let script = """
        import sys, h5py, numpy as np
        h, z = h5py.File(sys.argv[1]), np.load(sys.argv[2])
        assert sorted(h) == sorted(z) and len(z) == 9, sorted(z)
        for name in h:
            if name not in ('factor_names', 'factor_kinds'):
                assert h[name].dtype == z[name].dtype and (h[name][:] == z[name]).all(), name
        assert list(h['factor_names'].asstr()) == list(z['factor_names']) == ['factor 0', 'factor 1', 'factor 2']
        for name in ('codes', 'log_variances', 'sampled_codes'):
            assert z[name].dtype == np.float32 and z[name].shape == (20, 4)
        assert z['factors'].dtype == np.int64 and z['factors'].shape == (20, 3)
        assert z['mean_kl'].dtype == np.float64 and z['mean_kl'].shape == (4,)
        assert h.attrs['run'] == 'small' and h.attrs['step'][0] == 20
        kl = 0.5 * (z['codes']**2.0 + np.exp(z['log_variances'], dtype=float) - z['log_variances'] - 1)
        assert np.allclose(kl.mean(0), z['mean_kl'], rtol=1e-5)
        np.savez(sys.argv[3], codes=z['codes'].astype(np.float64)[::-1])
        """
      let result = try PythonScript.run(
        script, experiment.folder.file("codes.h5"), experiment.folder.file("codes.npz"),
        experiment.folder.file("back.npz"))
      #expect(result.status == 0, "\(result.output)")
      // And what NumPy wrote is decoded: the rows of the other file, in their new order.
      try done("decode run --codes codes.h5 --output forth.npz")
      try done("decode run --codes back.npz --output back.h5")
      let forth = try floats("forth.npz", "images"), back = try floats("back.h5", "images")
      let reversed = (0..<20).reversed().flatMap { forth[$0 * 4096..<($0 + 1) * 4096] }
      #expect(absoluteDifference(back, reversed) < 1e-5)
    }

    // MARK: Decoding and sampling

    @Test("Samples are decoded codes of the prior, and decoding their codes gives them again")
    func sample() throws {
      let output = try done("sample run --count 600 --seed 2 --output samples.h5")
      #expect(output == "samples.h5: 600 images of 64×64×1\n")
      try done("sample run --count 600 --seed 2 --output samples.npz")
      #expect(try shape("samples.h5", "images") == [600, 64, 64, 1])
      #expect(try shape("samples.h5", "codes") == [600, 4])
      let images = try floats("samples.h5", "images"), codes = try floats("samples.h5", "codes")
      #expect(images.allSatisfy { $0 > 0 && $0 < 1 })
      let inZip = (images: try floats("samples.npz", "images"), codes: try floats("samples.npz", "codes"))
      let sameInBoth = inZip.images == images && inZip.codes == codes
      #expect(sameInBoth)
      expectStandardNormal(codes.map(Double.init))

      let decoded = try done("decode run --codes samples.h5 --output decoded.npz")
      #expect(decoded == "decoded.npz: 600 images of 64×64×1\n")
      #expect(try openArrayFile(experiment.folder.file("decoded.npz")).arrayPaths() == ["images"])
      let again = try floats("decoded.npz", "images") == images
      #expect(again)

      try done("sample run --count 10 --seed 2 --output few.h5")
      #expect(try floats("few.h5", "codes") == Array(codes.prefix(40)))
      let file = try HDF5File(reading: experiment.folder.file("samples.h5"))
      #expect(file.string(ofAttribute: "run") == "small" && file.string(ofAttribute: "seed") == "2")
    }

    @Test("The same seed gives the same bytes", arguments: ["h5", "npz", "png"])
    func repeatableSamples(ending: String) throws {
      for (name, seed) in [("a", 1), ("b", 1), ("c", 2)] {
        try done("sample run --count 20 --seed \(seed) --output \(name).\(ending) --threads 1")
      }
      #expect(try same("a." + ending, "b." + ending))
      #expect(try !same("a." + ending, "c." + ending))
    }

    @Test("Codes in other arrays and in chunks are decoded, too")
    func otherArrays() throws {
      let file = try HDF5Writer()
      let codes = (0..<1200).map { Double($0 % 37) / 20 - 1 }
      try file.write("mine", codes, shape: [300, 4], layout: .deflated(chunks: [300, 4], level: 4))
      try file.write("codes", codes, shape: [300, 4], layout: .deflated(chunks: [7, 4], level: 4))
      try file.save(to: experiment.folder.file("codes.h5"))
      try done("decode run --codes codes.h5 --array mine --output a.h5")
      try done("decode run --codes codes.h5 --output b.h5")
      #expect(try shape("a.h5", "images") == [300, 64, 64, 1])
      // Other batches may be split among threads in another way: rounding.
      let first = try floats("a.h5", "images"), second = try floats("b.h5", "images")
      #expect(absoluteDifference(first, second) < 1e-5)
    }

    @Test("A folder has a picture for each image, and one picture has them all")
    func pictures() throws {
      try done("sample run --count 12 --output pictures")
      let names = try FileManager.default.contentsOfDirectory(atPath: experiment.folder.file("pictures")).sorted()
      #expect(names.count == 12 && names.first == "000000.png" && names.last == "000011.png")
      for name in names { #expect(try size(ofPNG: "pictures/" + name) == [64, 64]) }
      try done("sample run --count 12 --output grid.png --columns 6")
      // Two rows of six images of 44 points, gaps of 2 and margins of 6, at three pixels for each point.
      #expect(try size(ofPNG: "grid.png") == [(6 * 46 - 2 + 12) * 3, (2 * 46 - 2 + 12) * 3])
      #expect(try !experiment.folder.names().contains { $0.hasPrefix(".") })
    }

    /// Width and height, as the header of a PNG file has them.
    private func size(ofPNG name: String) throws -> [Int] {
      let bytes = [UInt8](try experiment.data(name))
      try #require(bytes.starts(with: [0x89, 0x50, 0x4e, 0x47]) && bytes.suffix(8).starts(with: Array("IEND".utf8)))
      return [16, 20].map { start in bytes[start..<start + 4].reduce(0) { $0 << 8 | Int($1) } }
    }

    // MARK: Scores

    @Test("Noise is more surprising than the data, and −log p(x) is below −ELBO")
    func score() throws {
      var noise = RandomStream(seed: 1)
      let pixels = (0..<20 * 4096).map { _ in Float(noise.uniform() < 0.5 ? 0 : 1) }
      try write("noise.h5", ("images", pixels, [20, 64, 64]))
      let text = try done("score run --images noise.h5 --samples 50 --output noise.npz")
      #expect(text.contains("Surprise of small in nats") && text.contains("50 codes from q(z|x) for each, seed 3"))
      #expect(text.contains("The most surprising images") && text.contains("The scores are in noise.npz."))
      try done("score run --rows ::10 --samples 50 --output own.h5")
      #expect(
        try openArrayFile(experiment.folder.file("own.h5")).arrayPaths()
          == ["effective_sample_size", "index", "kl", "negative_elbo", "negative_log_likelihood", "reconstruction"])
      func mean(_ file: String, _ array: String) throws -> Double {
        let values = try doubles(file, array)
        return values.reduce(0, +) / Double(values.count)
      }
      for array in ["negative_elbo", "negative_log_likelihood", "reconstruction"] {
        let least = try doubles("noise.npz", array).min() ?? 0, most = try doubles("own.h5", array).max() ?? 0
        #expect(least > most, "\(array)")
      }
      for file in ["noise.npz", "own.h5"] {
        let bound = try mean(file, "negative_elbo"), importance = try mean(file, "negative_log_likelihood")
        #expect(importance <= bound)
        let terms = (try doubles(file, "reconstruction"), try doubles(file, "kl"))
        let sums = zip(terms.0, terms.1).map { $0 + $1 }, elbos = try doubles(file, "negative_elbo")
        #expect(elbos == sums)
        let sizes = try doubles(file, "effective_sample_size")
        #expect(sizes.allSatisfy { $0 >= 1 && $0 <= 50.000_001 })
      }
      #expect(try integers("own.h5", "index") == Array(stride(from: 0, to: 512, by: 10)))
    }

    @Test("The same seed gives the same bytes, and the three formats the same numbers")
    func repeatableScores() throws {
      for name in ["a.csv", "b.csv", "c.npz"] {
        try done("score run --random 12 --samples 20 --seed 9 --threads 1 --output \(name)")
      }
      #expect(try same("a.csv", "b.csv"))
      try done("score run --random 12 --samples 20 --seed 8 --threads 1 --output d.csv")
      #expect(try !same("a.csv", "d.csv"))
      let lines = String(decoding: try experiment.data("a.csv"), as: UTF8.self).split(separator: "\n")
      #expect(
        lines.first == "index,negative_elbo,reconstruction,kl,negative_log_likelihood,effective_sample_size")
      let columns = lines.dropFirst().map { $0.split(separator: ",").compactMap { Double($0) } }
      for (column, name) in try #require(lines.first).split(separator: ",").enumerated() {
        let inFile = try doubles("c.npz", String(name))
        #expect(columns.map { $0[column] } == inFile, "\(name)")
      }
    }

    @Test("Images count the same as bits, bytes and floats; grey ones are said to have no probabilities")
    func formats() throws {
      let pixels = Array(SmallExperiment.images[..<(5 * 4096)])
      func write<Element: ArrayElement>(_ name: String, _ values: [Element]) throws {
        var contents = ArrayFileContents()
        contents.addArray("images", Element.self, shape: [5, 64, 64, 1])
        try ArrayFileWriter.write(contents, to: experiment.folder.file(name)) { try $0.append(values, to: "images") }
      }
      try write("bits.npz", pixels)
      try write("bytes.h5", pixels.map { $0 * 255 })
      try write("floats.npz", pixels.map(Double.init))
      for (file, name) in [("bits.npz", "bits"), ("bytes.h5", "bytes"), ("floats.npz", "floats")] {
        let text = try done("score run --images \(file) --samples 5 --threads 1 --output \(name).csv")
        #expect(text.contains("not binary") == (name == "bytes"))
      }
      for other in ["bytes.csv", "floats.csv"] { #expect(try same("bits.csv", other), "\(other)") }
    }

    // MARK: What goes wrong

    @Test(
      "What cannot be done is one error, and nothing is written",
      arguments: [
        ("encode nowhere --output a.h5", "nowhere: there is no such run folder"),
        ("encode run --output a.txt", "a.txt: the file name does not determine the format"),
        ("encode run --output gone/a.h5", "gone/a.h5: cannot write into the folder gone"),
        ("encode run --output data.h5", "data.h5: the file already exists\n  Choose another name or pass --force."),
        ("encode run --output a.h5 --rows 0:513", "the rows from 0 before 513 are not there (expected a part of 0:512"),
        ("encode run --output a.h5 --random 513", "513 images are to be chosen (expected from 1 to 512"),
        ("encode run --output a.h5 --indices none.npz", "none.npz: there is no such file"),
        ("encode run --output a.h5 --indices data.h5", "there is no array \"index\" in the file"),
        ("encode run --output a.h5 --images small.h5", "small.h5: the images are 8×8×1 (expected 64×64×1"),
        ("decode nowhere --codes wide.h5 --output a.h5", "nowhere: there is no such run folder"),
        ("decode run --codes none.h5 --output a.h5", "none.h5: there is no such file"),
        ("decode run --codes config.yaml --output a.h5", "config.yaml: this is neither an HDF5 nor an NPZ file"),
        ("decode run --codes data.h5 --output a.h5", "data.h5: there is no array \"codes\" in the file"),
        (
          "decode run --codes wide.h5 --output a.h5",
          "wide.h5, array \"codes\": the array has shape [2, 5] (expected [N, 4], codes of the 4 latents of the run)"
        ),
        ("decode run --codes wide.h5 --array flat --output a.h5", "the array has shape [8] (expected [N, 4]"),
        (
          "decode run --codes wide.h5 --array nan --output a.h5",
          "wide.h5, array \"nan\": nan[1, 2] is nan (expected finite numbers of magnitude at most 1e+15)"
        ),
        (
          "decode run --codes wide.h5 --array nan --output pictures",
          "wide.h5, array \"nan\": nan[1, 2] is nan (expected finite numbers of magnitude at most 1e+15)"
        ),
        (
          "decode run --codes wide.h5 --array nan --output a.png",
          "wide.h5, array \"nan\": nan[1, 2] is nan (expected finite numbers of magnitude at most 1e+15)"
        ),
        ("decode run --codes wide.h5 --array huge --output a.npz", "huge[0, 1] is -3e+38 (expected finite numbers"),
        ("decode run --codes wide.h5 --output a.jpg", "a.jpg: the name does not determine the format"),
        ("decode run --codes wide.h5 --output run", "run: the folder already exists"),
        ("decode run --codes wide.h5 --output gone/a", "gone/a: the folder gone does not exist"),
        ("sample run --count 5 --output data.h5", "data.h5: the file already exists"),
        ("sample run --count 1001 --output a.png", "a.png: one image cannot show 1001 images"),
        ("score run --images none.h5", "none.h5: there is no such file"),
        ("score run --images wide.h5", "wide.h5: there is no array \"images\" in the file"),
        ("score run --images small.h5", "small.h5: the images are 8×8×1 (expected 64×64×1, as the run was trained on)"),
        ("score run --images data.h5 --output a.txt", "a.txt: the name does not determine the format"),
        ("score run --images data.h5 --output gone/a.csv", "gone/a.csv: cannot write into the folder gone"),
        ("score run --images data.h5 --output config.yaml/a.csv", "config.yaml/a.csv: config.yaml is not a folder"),
      ])
    func errors(arguments: String, message: String) throws {
      try write("small.h5", ("images", [Float](repeating: 0, count: 128), [2, 8, 8]))
      try write(
        "wide.h5", ("codes", [Float](repeating: 0, count: 10), [2, 5]), ("flat", [Float](repeating: 0, count: 8), [8]),
        ("nan", [0, 0, 0, 0, 0, 0, .nan, 0], [2, 4]), ("huge", [0, -3e38, 0, 0], [1, 4]))
      let before = try experiment.snapshot()
      expectError(try run(arguments), code: 1, message)
      let untouched = try experiment.snapshot() == before
      #expect(untouched)
    }

    @Test("A disk without room leaves nothing", arguments: ["a.h5", "a.npz", "pictures"])
    func fullDisk(output: String) throws {
      // A limit of so many blocks of 512 bytes for each file stands for a full disk.
      let limit = output == "pictures" ? 0 : 100
      let before = try experiment.snapshot()
      let result = try Program.shell(
        "(ulimit -f \(limit); \"$disentangle\" sample run --count 300 --output \(output) 2>&1; echo \"code $?\") | cat",
        in: experiment.folder)
      #expect(result.output.contains("error: ") && result.output.contains("cannot write the file: File too large"))
      #expect(result.output.hasSuffix("code 1\n"), "\(result.output)")
      let untouched = try experiment.snapshot() == before
      #expect(untouched)
    }

    @Test("A file is replaced if asked")
    func force() throws {
      _ = try experiment.folder.write("mine".utf8, as: "a.npz")
      try done("encode run --output a.npz --rows :5 --force")
      #expect(try shape("a.npz", "codes") == [5, 4])
      try done("sample run --output a.npz --count 3 --force")
      #expect(try shape("a.npz", "codes") == [3, 4])
      try done("score run --output a.npz --rows :2 --samples 1 --force")
      #expect(try doubles("a.npz", "effective_sample_size") == [1, 1])
    }
  }
}
