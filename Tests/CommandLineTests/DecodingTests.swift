import FileFormats
import Foundation
import TensorCore
import TestSupport
import Testing

extension CommandLineTests {
  @Suite("Codes to images, and scores")
  struct DecodingTests: CodesSuite {
    let experiment: SmallExperiment

    init() throws { experiment = try Self.copy() }

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
      // A limit of so many blocks of 512 bytes for each file stands for a full disk. The thread sanitizer maps a file of
      // its own in TMPDIR, which would be cut short by the limit too (SIGBUS); without such a folder it does without.
      let limit = output == "pictures" ? 0 : 100
      let before = try experiment.snapshot()
      let sample = "TMPDIR=/dev/null \"$disentangle\" sample run --count 300 --output \(output)"
      let result = try Program.shell(
        "(ulimit -f \(limit); \(sample) 2>&1; echo \"code $?\") | cat", in: experiment.folder)
      #expect(result.output.contains("error: ") && result.output.contains("cannot write the file: File too large"))
      #expect(result.output.hasSuffix("code 1\n"), "\(result.output)")
      let untouched = try experiment.snapshot() == before
      #expect(untouched)
    }

    @Test("A file is replaced if asked")
    func force() throws {
      try done("encode run --output a.npz --rows :9")
      try done("encode run --output a.npz --rows :5 --force")
      #expect(try shape("a.npz", "codes") == [5, 4])
      try done("sample run --output a.npz --count 3 --force")
      #expect(try shape("a.npz", "codes") == [3, 4])
      try done("score run --output a.npz --rows :2 --samples 1 --force")
      #expect(try doubles("a.npz", "effective_sample_size") == [1, 1])
    }
  }
}
