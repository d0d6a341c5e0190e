import Diagnostics
import FactorData
import FileFormats
import StrictConfiguration
import TensorCore
import TestSupport
import Testing

/// Continuous factors in bins.
@Suite("Bins of continuous factors")
struct FactorBinningTests {
  @Test("Bins of equal width, by their formula") func width() {
    let bins = FactorBinning(count: 4, rule: .width)
    #expect(bins.bins([0, 0.24, 0.25, 0.5, 0.75, 0.99, 1]) == [0, 0, 1, 2, 3, 3, 3])
    #expect(bins.bins([-2, -1, 0, 1, 2, .nan]) == [0, 1, 2, 3, 3, -1])
    // 101 values at distances of 1/100, 10 bins: ten in each, and the largest with the last.
    let even = FactorBinning(count: 10).bins((0...100).map { Double($0) })
    #expect((0..<10).map { bin in even.count { $0 == bin } } == [10, 10, 10, 10, 10, 10, 10, 10, 10, 11])
    #expect(bins.bins([0.3, 0.3]) == [0, 0] && bins.bins([.nan]) == [-1] && bins.bins([]).isEmpty)
    // Ranges that overflow, and that underflow.
    let largest = Double.greatestFiniteMagnitude
    #expect(bins.bins([-largest, 0, largest]) == [0, 2, 3])
    #expect(bins.bins([0, .leastNonzeroMagnitude]) == [0, 0])
  }

  @Test("Bins of equal frequency, by ranks") func frequency() {
    let bins = FactorBinning(count: 3, rule: .frequency)
    #expect(bins.bins([6, 1, 5, 2, 4, 3]) == [2, 0, 2, 0, 1, 1])
    #expect(bins.bins([0.1, 100, 1_000, 0.2, 0.3, .nan, 0.4]) == [0, 2, 2, 0, 1, -1, 1])
    // Equal values stay together: of six values, four have none below, one has four, one five.
    #expect(bins.bins([1, 1, 7, 1, 1, 8]) == [0, 0, 2, 0, 0, 2])
    #expect(bins.bins([-0.0, 0.0, 0.5]) == [0, 0, 2])
    #expect(bins.bins([2, 2]) == [0, 0] && bins.bins([.nan, .nan]) == [-1, -1])
    // Fewer values than bins: one each.
    #expect(FactorBinning(count: 5, rule: .frequency).bins([3, 1, 2]) == [3, 0, 1])
    var stream = RandomStream(seed: 2)
    let many = FactorBinning(count: 7, rule: .frequency).bins((0..<7_000).map { _ in stream.normalPair().0 })
    #expect((0..<7).allSatisfy { bin in many.count { $0 == bin } == 1_000 })
  }

  private func file(_ write: (HDF5Writer) throws -> Void) throws -> (TemporaryFolder, String) {
    let folder = try TemporaryFolder(), path = folder.file("data.h5"), file = try HDF5Writer()
    try file.write("images", [UInt8](repeating: 7, count: 5), shape: [5, 1, 1])
    try write(file)
    try file.save(to: path)
    return (folder, path)
  }

  private func open(_ yaml: String, _ path: String) throws -> Factors {
    let section: ResolvedConfiguration<Section> = try ConfigurationDocument(
      yaml: "dataset: {name: file, path: \(path), \(yaml)}", source: "test"
    ).decode()
    return try section.value.dataset.open(on: Device(threads: 1)).factors
  }

  private struct Section: StrictlyDecodable {
    let dataset: DatasetChoice
    init(from section: inout ConfigurationSection) throws { dataset = try section.section("dataset") }
  }

  @Test("Files: continuous columns have bins, whole numbers stay, and NaN is unknown") func columns() throws {
    let (folder, path) = try file {
      try $0.write(
        "factors", [0.0, 0.5, 3, 1, 0.1, -1, 2, .nan, 0, 3, -1, 7, .nan, 2.9, 1], shape: [5, 3])
      try $0.setAttribute("names", ["step", "size", "class"], of: "factors")
    }
    defer { withExtendedLifetime(folder) {} }
    let factors = try open("bins: {count: 4, rule: width}", path)
    #expect(factors.list == [Factor("step", size: 4), Factor("size", size: 4), Factor("class", size: 8)])
    #expect(factors.column(0) == [0, 1, 2, 3, -1] && factors.column(2) == [3, -1, 0, 7, 1])
    // From −1 to 2.9: (0.5 + 1)/3.9·4 = 1.54, (0.1 + 1)/3.9·4 = 1.13.
    #expect(factors.column(1) == [1, 1, -1, 0, 3])
    #expect(factors.unknownCounts == [1, 1, 1])
    let ranked = try open("bins: {count: 2, rule: frequency}", path)
    #expect(ranked.column(1) == [1, 0, -1, 0, 1] && ranked.sizes == [4, 2, 8])
    #expect(try open("bins: {}", path).sizes == [4, 10, 8])
  }

  @Test("Without bins, whole numbers of any type are read, and what does not suit is one error") func refused() throws {
    let (folder, path) = try file {
      try $0.write("whole", [0.0, 1, .nan, -1, 2].map { Float($0) }, shape: [5])
      try $0.write("half", [0.0, 1, 0.5, 1, 2], shape: [5])
      try $0.write("infinite", [0.0, 1, 0.5, -.infinity, 2], shape: [5])
      try $0.write("nowhere", [Double](repeating: .nan, count: 5), shape: [5])
      try $0.write("huge", [0.0, 1, 2, 3, 1e12], shape: [5])
      try $0.write("negative", [0, 1, 2, 3, -2], shape: [5])
    }
    defer { withExtendedLifetime(folder) {} }
    #expect(try open("factors: whole", path).column(0) == [0, 1, -1, -1, 2])
    func error(_ yaml: String) -> StructuredError? {
      #expect(throws: StructuredError.self) { try open(yaml, path) }
    }
    let half = error("factors: half")
    #expect(half?.what == "image 2 has the value 0.5 of factor 0" && half?.location?.contains("\"half\"") == true)
    #expect(half?.expected == "whole numbers from 0, or −1 where the value is unknown")
    #expect(half?.action == "Put continuous values into bins with dataset.bins, for example {count: 10, rule: width}.")
    let infinite = error("factors: infinite, bins: {}")
    #expect(infinite?.what == "image 3 has the value -inf of factor 0")
    #expect(infinite?.expected == "finite numbers, or NaN where the value is unknown")
    #expect(error("factors: nowhere, bins: {}")?.what == "no image has a known value of factor 0")
    #expect(error("factors: huge")?.what == "image 4 has the value 1000000000000.0 of factor 0")
    // Integers are no measurements.
    #expect(error("factors: negative, bins: {}")?.what == "image 4 has the value -2 of factor 0")
    #expect(error("factors: half, bins: {count: 1}")?.what.contains("bins.count is 1") == true)
    #expect(error("factors: half, bins: {rule: rank}")?.what.contains("bins.rule is 'rank'") == true)
    #expect(error("factors: half, bins: {bin: 3}")?.what.contains("unknown key dataset.bins.bin") == true)
  }
}
