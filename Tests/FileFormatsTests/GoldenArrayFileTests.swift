import FileFormats
import Foundation
import TestSupport
import Testing

/// The golden files, each as HDF5 and as NPZ with the same contents.
enum GoldenFiles {
  /// The pairs of a subfolder, without their extensions.
  static func pairs(_ subfolder: String) throws -> [String] {
    let folder = Golden.path(subfolder), names = try FileManager.default.contentsOfDirectory(atPath: folder)
    return names.filter { $0.hasSuffix(".h5") && names.contains($0.dropLast(3) + ".npz") }.sorted()
      .map { "\(folder)/\($0.dropLast(3))" }
  }
}

@Suite struct GoldenArrayFileTests {
  @Test(
    "Golden files of objectives, decomposition, metrics and real: HDF5 and NPZ read the same, bit for bit",
    arguments: [("objectives", 2), ("decomposition", 2), ("metrics", 7), ("real", 1)])
  func sameArrays(subfolder: String, count: Int) throws {
    let pairs = try GoldenFiles.pairs(subfolder)
    #expect(pairs.count == count)
    for pair in pairs {
      let hdf5 = try HDF5File(reading: pair + ".h5"), npz = try NPZFile(reading: pair + ".npz")
      let names = npz.arrayPaths()
      #expect(try hdf5.arrayPaths() == names)
      var arrays = 0
      for name in names where try hdf5.information(name).type.isNumeric {
        let one = try hdf5.read(name, as: Double.self), other = try npz.read(name, as: Double.self)
        #expect(one.shape == other.shape)
        let same = one.values.map(\.bitPattern) == other.values.map(\.bitPattern)
        #expect(same, "\(pair): \(name)")
        arrays += 1
      }
      #expect(arrays > 0)
    }
  }

  @Test("The weights of the golden set pytorch_models: 28 tensors are read, of the shapes that its README lists")
  func weights() throws {
    let file = try Safetensors(reading: Golden.path("pytorch_models/models/btcvae_dsprites.safetensors"))
    let shapes = Dictionary(uniqueKeysWithValues: file.entries.map { ($0.name, $0.shape) })
    #expect(shapes.count == 28 && shapes["decoder.convT3.weight"] == [32, 1, 4, 4])
    #expect(shapes["encoder.mu_logvar_gen.weight"] == [20, 256] && shapes["decoder.lin3.bias"] == [512])
    for entry in file.entries {
      let values = try file.floats(entry.name)
      #expect(values.count == entry.shape.reduce(1, *) && values.allSatisfy(\.isFinite))
      #expect(values.contains { $0 != 0 }, "\(entry.name)")
    }
  }
}
