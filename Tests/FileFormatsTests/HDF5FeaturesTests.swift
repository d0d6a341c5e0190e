import Diagnostics
import FileFormats
import Foundation
import TestSupport
import Testing

@Suite struct HDF5FeaturesTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test(
    "Files with every supported feature are read as by h5py, in every version of the format",
    .enabled(if: PythonScript.has("h5py"), "python3 with h5py is not installed"))
  func versions() throws {
    let script = try String(contentsOfFile: Fixture.path("hdf5_features.py"), encoding: .utf8)
    let result = try PythonScript.run(script, folder.path)
    #expect(result.status == 0, "\(result.output)")
    let names = ["earliest-0", "earliest-1024", "v108-0", "v110-0", "latest-0", "latest-1024"]
    for name in names {
      let path = folder.file(name + ".h5")
      let file = try HDF5File(reading: path), npz = try NPZFile(reading: folder.file(name + ".npz"))
      #expect(try openArrayFile(path) is HDF5File)
      let listed = Set(try file.arrayPaths()), expected = npz.arrayPaths()
      let extra: Set = ["soft", "group/relative", "text/fixed", "text/variable"]
      #expect(listed == extra.union(expected), "\(name): \(listed.symmetricDifference(extra.union(expected)))")
      for array in expected {
        let one = try file.read(array, as: Double.self), other = try npz.read(array, as: Double.self)
        #expect(one.shape == other.shape)
        let same = one.values == other.values
        #expect(same, "\(name): \(array)")
        guard other.shape.count > 0, other.shape[0] > 2, !array.hasPrefix("many") else { continue }
        // Ranges of rows, with and without conversion.
        let rowSize = other.values.count / other.shape[0], rows = 1..<other.shape[0] - 1
        var part = [Float](repeating: -1, count: rows.count * rowSize)
        try part.withUnsafeMutableBufferPointer { try file.readRows(array, rows, into: $0) }
        let partly = part == other.values[rowSize..<(other.shape[0] - 1) * rowSize].map { Float($0) }
        #expect(partly, "\(name): rows of \(array)")
        var slabs: [Double] = []
        try file.forEachSlab(of: array, as: Double.self, rows: 2) { slabs.append(contentsOf: $1) }
        let together = slabs == other.values
        #expect(together, "\(name): slabs of \(array)")
      }
      #expect(try file.read("soft", as: Float.self).values == [0, 1, 2, 3, 4, 5])
      #expect(try file.read("group/itself/itself/relative", as: Float.self).values == [0, 1, 2, 3, 4, 5])
      #expect(try file.texts("text/variable").texts == ["a", "βeta", ""])
      #expect(try file.texts("text/fixed").texts == ["shape", "scale"])
      #expect(file.strings(ofAttribute: "fixed", of: "/") == ["shape", "scale"])
      #expect(file.strings(ofAttribute: "variable", of: "/") == ["posX", "posY"])
      #expect(file.string(ofAttribute: "one") == "β" && file.numbers(ofAttribute: "numbers") == [1, 2, 3])
      #expect(file.strings(ofAttribute: "empty", of: "/") == [])
      for index in 0..<30 {
        #expect(file.string(ofAttribute: "attribute \(index)", of: "scalar") == "value \(index)")
      }
      #expect(file.string(ofAttribute: "attribute 30", of: "scalar") == nil)
      #expect(try file.names(in: "ordered").count == 20 && file.names(in: "nowhere").isEmpty)
      #expect(!file.hasArray("group") && file.hasArray("group/floats") && !file.hasArray("loop"))
      let loop = #expect(throws: StructuredError.self) { try file.information("loop") }
      #expect(loop?.what == "the HDF5 file is damaged: the links of \"/loop\" form a cycle")
      let outside = #expect(throws: StructuredError.self) { try file.information("elsewhere") }
      #expect(outside?.what == "\"elsewhere\" is a link to another file, which is not supported")
    }
  }
}
