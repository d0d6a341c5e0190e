import FileFormats
import Foundation
import TensorCore
import TestSupport
import Testing

extension CommandLineTests {
  @Suite("Images to codes")
  struct CodesTests: CodesSuite {
    let experiment: SmallExperiment

    init() throws { experiment = try Self.copy() }

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
  }
}
