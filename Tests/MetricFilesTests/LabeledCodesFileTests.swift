import Diagnostics
import DisentanglementMetrics
import FileFormats
import Foundation
import MetricFiles
import TestSupport
import Testing

@Suite struct LabeledCodesFileTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// A sound file of six data points, three latents and two factors, but for what `change` writes instead: an array that
  /// it writes is left out of the sound ones.
  private func file(without left: Set<String> = [], _ change: (HDF5Writer) throws -> Void = { _ in }) throws -> String {
    let writer = try HDF5Writer()
    func unless(_ name: String, _ body: () throws -> Void) throws { if !left.contains(name) { try body() } }
    try unless("codes") { try writer.write("codes", (0..<18).map { Float($0) / 4 }, shape: [6, 3]) }
    try unless("factors") { try writer.write("factors", [0, 0, 0, 1, 1, 0, 1, 1, 2, 0, 2, 1], shape: [6, 2]) }
    try change(writer)
    try writer.save(to: folder.file("codes.h5"))
    return folder.file("codes.h5")
  }

  private func error(without left: Set<String>, _ change: (HDF5Writer) throws -> Void) throws -> StructuredError? {
    let path = try file(without: left, change)
    return #expect(throws: StructuredError.self) { try LabeledCodesFile(reading: path) }
  }

  @Test("Codes and factors alone are enough; names and sizes have defaults") func smallest() throws {
    let read = try LabeledCodesFile(reading: file())
    #expect(read.codes.count == 6 && read.codes.latents == 3 && read.codes.codes[4] == 1)
    #expect(read.codes.factors == [0, 0, 0, 1, 1, 0, 1, 1, 2, 0, 2, 1])
    #expect(read.codes.factorNames == ["factor 0", "factor 1"] && read.codes.factorSizes == [3, 2])
    #expect(read.codes.categoricalFactors == [false, false])
    #expect(read.logVariances == nil && read.meanKL == nil && read.sampledCodes == nil)
    #expect(read.factorVAEBatches == nil && read.betaVAEBatches == nil)
  }

  @Test("Data points with unknown factors are left out of all arrays") func unknown() throws {
    let factors = [0, 0, 0, -1, 1, 0, 1, 1, -1, 0, 2, 1]
    let path = try file(without: ["factors"]) {
      try $0.write("factors", factors, shape: [6, 2])
      try $0.write("log_variances", (0..<18).map { -Float($0) }, shape: [6, 3])
      try $0.write("sampled_codes", (0..<18).map { Float($0) }, shape: [6, 3])
    }
    let read = try LabeledCodesFile(reading: path)
    let kept: [Float] = [0, 1, 2, 6, 7, 8, 9, 10, 11, 15, 16, 17]
    #expect(read.count == 6 && read.codes.count == 4 && read.codes.factors == [0, 0, 1, 0, 1, 1, 2, 1])
    #expect(read.codes.codes == kept.map { $0 / 4 } && read.logVariances == kept.map { -$0 })
    #expect(read.sampledCodes?.codes == kept && read.sampledCodes?.factors == read.codes.factors)
    let nowhere = try error(without: ["factors"]) {
      try $0.write("factors", [0, -1, 0, -1, 1, -1, -1, 1, -1, 0, -1, 1], shape: [6, 2])
    }
    #expect(nowhere?.what == "no data point has known values of all factors")
    let stored = try error(without: ["factors"]) {
      try $0.write("factors", factors, shape: [6, 2])
      try $0.write("factor_vae/factor_index", [0, 1], shape: [2])
      try $0.write("factor_vae/rows", [0, 1, 0, 2], shape: [2, 2])
    }
    #expect(stored?.what == "batches are stored, and 2 data points have unknown factors")
  }

  @Test("Kinds of factors are read, and refused where they do not suit") func kinds() throws {
    func read(_ kinds: [String]) throws -> [Bool] {
      try LabeledCodesFile(
        reading: file {
          try $0.setAttribute("names", ["shape", "class"], of: "factors")
          try $0.setAttribute("factor_kinds", kinds)
        }
      ).codes.categoricalFactors
    }
    #expect(try read(["cyclic", "categorical"]) == [false, true])
    let few = #expect(throws: StructuredError.self) { try read(["ordered"]) }
    #expect(few?.what == "there are 1 kinds" && few?.location?.hasSuffix("kinds of the factors") == true)
    let unknown = #expect(throws: StructuredError.self) { try read(["ordered", "cyclical"]) }
    #expect(unknown?.what == "\"cyclical\" is not a kind of factor" && unknown?.action == "Did you mean cyclic?")
  }

  @Test("Everything else is read where it is there") func whole() throws {
    let path = try file {
      try $0.setAttribute("names", ["shape", "größe"], of: "factors")
      try $0.write("factor_sizes", [3, 6], shape: [2])
      try $0.write("log_variances", [Double](repeating: -2, count: 18), shape: [6, 3])
      try $0.write("mean_kl", [0.5, 0, 2], shape: [3])
      try $0.write("sampled_codes", [Float](repeating: 0.5, count: 18), shape: [6, 3])
      try $0.write("factor_vae/factor_index", [1, 0], shape: [2])
      try $0.write("factor_vae/rows", [0, 2, 4, 1, 3, 5], shape: [2, 3])
      try $0.write("beta_vae/factor_index", [1], shape: [1])
      try $0.write("beta_vae/rows1", [0, 1], shape: [1, 2])
      try $0.write("beta_vae/rows2", [2, 3], shape: [1, 2])
    }
    let read = try LabeledCodesFile(reading: path)
    #expect(read.codes.factorNames == ["shape", "größe"] && read.codes.factorSizes == [3, 6])
    #expect(read.logVariances == [Float](repeating: -2, count: 18) && read.meanKL == [0.5, 0, 2])
    #expect(read.sampledCodes?.codes == [Float](repeating: 0.5, count: 18))
    #expect(read.sampledCodes?.factors == read.codes.factors && read.sampledCodes?.factorSizes == [3, 6])
    // A factor of that name is a category, unless the file says what it is.
    #expect(read.codes.categoricalFactors == [true, false] && read.sampledCodes?.categoricalFactors == [true, false])
    #expect(read.factorVAEBatches == StoredBatches(factors: [1, 0], rows: [[0, 2, 4], [1, 3, 5]]))
    #expect(read.betaVAEBatches == StoredBatches(factors: [1], rows: [[0, 1]], partners: [[2, 3]]))
  }

  @Test("Missing arrays are named, and those that are there") func missing() throws {
    let codes = try error(without: ["codes"]) { _ in }
    #expect(codes?.what == "there is no array \"codes\" in the file" && codes?.action == "The file holds: factors.")
    #expect(try error(without: ["factors"]) { _ in }?.what == "there is no array \"factors\" in the file")
    let rows = try error(without: []) { try $0.write("beta_vae/factor_index", [0], shape: [1]) }
    #expect(rows?.what == "there is no array \"beta_vae/rows1\" in the file")
    let other = #expect(throws: StructuredError.self) {
      try LabeledCodesFile(reading: folder.write(Array("codes".utf8), as: "text"))
    }
    #expect(other?.what == "this is neither an HDF5 nor an NPZ file")
  }

  @Test("A code that is not finite is named by row and column", arguments: [Float.nan, .infinity])
  func notFinite(value: Float) throws {
    let found = try error(without: ["codes"]) {
      try $0.write("codes", (0..<18).map { $0 == 7 ? value : Float($0) }, shape: [6, 3])
    }
    #expect(found?.what == "codes[2, 1] is \(value)" && found?.expected == "finite numbers")
    #expect(found?.location == "\(folder.file("codes.h5")), array \"codes\"")
    let variances = try error(without: []) {
      try $0.write("log_variances", (0..<18).map { $0 == 17 ? Double.nan : -1 }, shape: [6, 3])
    }
    #expect(variances?.what == "log_variances[5, 2] is nan")
    let kl = try error(without: []) { try $0.write("mean_kl", [0, .infinity, 1] as [Double], shape: [3]) }
    #expect(kl?.what == "mean_kl[1] is inf")
  }

  @Test("Wrong ranks, types and numbers of rows are refused") func shapes() throws {
    let rank = try error(without: ["codes"]) { try $0.write("codes", [Float](repeating: 0, count: 6), shape: [6]) }
    #expect(rank?.what == "the array has shape [6]" && rank?.expected == "[N, D]")
    let factorRank = try error(without: ["factors"]) { try $0.write("factors", [0, 1, 0, 1, 0, 1], shape: [6]) }
    #expect(factorRank?.what == "the array has shape [6]" && factorRank?.expected == "[N, K]")
    let type = try error(without: ["codes"]) { try $0.write("codes", [Int](repeating: 0, count: 18), shape: [6, 3]) }
    #expect(type?.what == "the array holds int64" && type?.expected == "floating-point numbers")
    let floats = try error(without: ["factors"]) {
      try $0.write("factors", [Float](repeating: 0, count: 12), shape: [6, 2])
    }
    #expect(floats?.what == "the array holds float32" && floats?.expected == "whole numbers")
    let rows = try error(without: ["factors"]) {
      try $0.write("factors", [Int](repeating: 0, count: 10), shape: [5, 2])
    }
    #expect(rows?.what == "the array has 5 rows" && rows?.expected == "6, as codes has")
    let variances = try error(without: []) {
      try $0.write("log_variances", [Float](repeating: 0, count: 12), shape: [6, 2])
    }
    #expect(variances?.what == "the array has shape [6, 2]" && variances?.expected == "[N, D], here [6, 3]")
    let sampled = try error(without: []) {
      try $0.write("sampled_codes", [Float](repeating: 0, count: 15), shape: [5, 3])
    }
    #expect(sampled?.what == "the array has shape [5, 3]" && sampled?.expected == "[N, D], here [6, 3]")
    let kl = try error(without: []) { try $0.write("mean_kl", [0.5, 1], shape: [2]) }
    #expect(kl?.what == "the array has shape [2]" && kl?.expected == "[D], here [3]")
  }

  @Test("Empty arrays are refused, whichever extent is zero", arguments: [[0, 3], [6, 0]])
  func empty(shape: [Int]) throws {
    let codes = try error(without: ["codes"]) { try $0.write("codes", [] as [Float], shape: shape) }
    #expect(codes?.what == "the array of shape \(shape) is empty" && codes?.expected == "[N, D]")
    let factors = try error(without: ["factors"]) { try $0.write("factors", [] as [Int], shape: shape) }
    #expect(factors?.what == "the array of shape \(shape) is empty" && factors?.expected == "[N, K]")
  }

  @Test("Factors that are no indices of values are refused") func factors() throws {
    let negative = try error(without: ["factors"]) {
      try $0.write("factors", [0, 0, 0, 1, 1, 0, 1, -2, 2, 0, 2, 1], shape: [6, 2])
    }
    #expect(
      negative?.what == "factors[3, 1] is -2"
        && negative?.expected == "values from 0, or −1 where one is unknown, at most 1048575")
    let huge = try error(without: ["factors"]) {
      try $0.write("factors", [1 << 40, 0, 0, 1, 1, 0, 1, 1, 2, 0, 2, 1], shape: [6, 2])
    }
    #expect(huge?.what == "factors[0, 0] is 1099511627776")
    let large = try error(without: []) { try $0.write("factor_sizes", [2, 2], shape: [2]) }
    #expect(large?.what == "factor \"factor 0\" has the value 2" && large?.expected == "values below its size, 2")
    let size = try error(without: []) { try $0.write("factor_sizes", [3, 0], shape: [2]) }
    #expect(size?.what == "factor_sizes[1] is 0")
    let sizes = try error(without: []) { try $0.write("factor_sizes", [3, 2, 2], shape: [3]) }
    #expect(sizes?.what == "the array has shape [3]" && sizes?.expected == "[K], here [2]")
  }

  @Test("Names must be as many as factors, and differ") func names() throws {
    let few = try error(without: []) { try $0.setAttribute("factor_names", ["shape"]) }
    #expect(few?.what == "there are 1 names" && few?.expected == "2, one for each factor")
    let same = try error(without: []) { try $0.setAttribute("factor_names", ["a", "a"], of: "factors") }
    #expect(same?.what == "two factors are called \"a\"")
    let numbers = try error(without: []) { try $0.write("factor_names", [1, 2], shape: [2]) }
    #expect(numbers?.what == "the array holds int64" && numbers?.expected == "text")
  }

  @Test("Batches of rows or factors that are not there are refused") func batches() throws {
    let row = try error(without: []) {
      try $0.write("factor_vae/factor_index", [1, 0], shape: [2])
      try $0.write("factor_vae/rows", [0, 2, 4, 1, 6, 5], shape: [2, 3])
    }
    #expect(row?.what == "factor_vae/rows[1, 1] is 6" && row?.expected == "row numbers from 0, at most 5")
    let factor = try error(without: []) {
      try $0.write("factor_vae/factor_index", [1, 2], shape: [2])
      try $0.write("factor_vae/rows", [0, 2, 4, 1, 3, 5], shape: [2, 3])
    }
    #expect(factor?.what == "factor_vae/factor_index[1] is 2")
    #expect(factor?.expected == "columns of factors from 0, at most 1")
    let lengths = try error(without: []) {
      try $0.write("beta_vae/factor_index", [1], shape: [1])
      try $0.write("beta_vae/rows1", [0, 1], shape: [1, 2])
      try $0.write("beta_vae/rows2", [2, 3, 4], shape: [1, 3])
    }
    #expect(lengths?.what == "the array has shape [1, 3]" && lengths?.expected == "[V, L], here [1, 2]")
    let index = try error(without: []) {
      try $0.write("factor_vae/factor_index", [1], shape: [1])
      try $0.write("factor_vae/rows", [0, 2, 4, 1, 3, 5], shape: [2, 3])
    }
    #expect(index?.what == "the array has shape [1]" && index?.expected == "[V], here [2]")
  }

  @Test(
    "Files by h5py and NumPy are told apart by their content and read the same",
    .enabled(if: PythonScript.has("h5py"), "python3 with h5py is not installed"))
  func python() throws {
    let script = """
      import sys, h5py, numpy as np
      rng = np.random.default_rng(1)
      factors = rng.integers(0, 4, (50, 3))
      factors[0] = 3
      a = {'codes': rng.normal(size=(50, 4)).astype('f2'), 'factors': factors.astype('u8'),
           'factor_sizes': np.array([4, 5, 6], 'u1'), 'log_variances': -np.ones((50, 4), '>f8'),
           'mean_kl': np.arange(4) / 4, 'sampled_codes': rng.normal(size=(50, 4)),
           'factor_vae/factor_index': np.array([2, 0], 'i2'), 'factor_vae/rows': rng.integers(0, 50, (2, 7)),
           'beta_vae/factor_index': np.array([1]), 'beta_vae/rows1': rng.integers(0, 50, (1, 6), 'u4'),
           'beta_vae/rows2': rng.integers(0, 50, (1, 6), 'i4')}
      names = ['Form', 'größe', 'x']
      with open(sys.argv[1], 'wb') as f: np.savez(f, factor_names=np.array(names), **a)
      with open(sys.argv[2], 'wb') as f: np.savez_compressed(f, factor_names=np.array(names), **a)
      for path, version in zip(sys.argv[3:], ('earliest', 'latest')):
        with h5py.File(path, 'w', libver=version) as f:
          for name, values in a.items():
            f.create_dataset(name, data=values, compression='gzip', shuffle=True)
          f['factor_names'] = names
      """
    // Extensions that mislead.
    let paths = ["stored.h5", "deflated.npz", "earliest.npz", "latest.h5"].map(folder.file)
    let result = try PythonScript.run(script, paths[0], paths[1], paths[2], paths[3])
    #expect(result.status == 0, "\(result.output)")
    let first = try LabeledCodesFile(reading: paths[0])
    #expect(first.codes.count == 50 && first.codes.latents == 4 && first.codes.factorSizes == [4, 5, 6])
    #expect(first.codes.factorNames == ["Form", "größe", "x"] && Array(first.codes.factors[..<3]) == [3, 3, 3])
    #expect(first.meanKL == [0, 0.25, 0.5, 0.75])
    #expect(first.factorVAEBatches?.factors == [2, 0] && first.betaVAEBatches?.partners?[0].count == 6)
    for path in paths.dropFirst() {
      let other = try LabeledCodesFile(reading: path)
      let same = first.codes.codes == other.codes.codes && first.codes.factors == other.codes.factors
      #expect(same && first.codes.factorNames == other.codes.factorNames)
      let rest = first.logVariances == other.logVariances && first.sampledCodes?.codes == other.sampledCodes?.codes
      #expect(rest && first.meanKL == other.meanKL)
      #expect(first.factorVAEBatches == other.factorVAEBatches && first.betaVAEBatches == other.betaVAEBatches)
    }
  }

  @Test("The batches of the golden set metrics are read")
  func goldenBatches() throws {
    let golden = try HDF5File(reading: Golden.path("metrics/inputs.h5"))
    let path = try file(without: ["codes", "factors"]) { writer in
      let (codes, shape) = try golden.read("mus/mixed", as: Float.self)
      try writer.write("codes", codes, shape: shape)
      for name in [
        "factors", "factor_sizes", "factor_vae/factor_index", "factor_vae/rows", "beta_vae/factor_index",
        "beta_vae/rows1", "beta_vae/rows2",
      ] {
        let (values, shape) = try golden.read(name, as: Int.self)
        try writer.write(name, values, shape: shape)
      }
    }
    let read = try LabeledCodesFile(reading: path)
    #expect(read.codes.count == 10_000 && read.codes.factorSizes == [3, 6, 40, 32, 32])
    #expect(read.factorVAEBatches?.rows.count == 600 && read.betaVAEBatches?.partners?[599].count == 64)
  }
}
