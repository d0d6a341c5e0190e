import FileFormats
import Foundation
import Testing

/// The golden files, each as HDF5 and as NPZ with the same contents.
enum GoldenFiles {
  static let folder: String = {
    if let named = ProcessInfo.processInfo.environment["DISENTANGLE_GOLDEN"] { return named }
    return URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("shared/golden").path
  }()

  /// The pairs of a subfolder, without their extensions.
  static func pairs(_ subfolder: String) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/\(subfolder)")) ?? []
    return names.filter { $0.hasSuffix(".h5") && names.contains($0.dropLast(3) + ".npz") }.sorted()
      .map { "\(folder)/\(subfolder)/\($0.dropLast(3))" }
  }
}

@Suite struct GoldenArrayFileTests {
  private func compare(_ subfolder: String) throws {
    var arrays = 0
    for pair in GoldenFiles.pairs(subfolder) {
      let hdf5 = try HDF5File(reading: pair + ".h5"), npz = try NPZFile(reading: pair + ".npz")
      let names = npz.arrayPaths()
      #expect(try hdf5.arrayPaths() == names)
      for name in names where try hdf5.information(name).type.isNumeric {
        let one = try hdf5.read(name, as: Double.self), other = try npz.read(name, as: Double.self)
        #expect(one.shape == other.shape)
        #expect(one.values.map(\.bitPattern) == other.values.map(\.bitPattern), "\(pair): \(name)")
        arrays += 1
      }
    }
    #expect(arrays > 0)
  }

  @Test(
    "Golden objectives: HDF5 and NPZ read the same, bit for bit",
    .enabled(if: !GoldenFiles.pairs("objectives").isEmpty, "no golden folder objectives"))
  func objectives() throws { try compare("objectives") }

  @Test(
    "Golden decomposition: HDF5 and NPZ read the same, bit for bit",
    .enabled(if: !GoldenFiles.pairs("decomposition").isEmpty, "no golden folder decomposition"))
  func decomposition() throws { try compare("decomposition") }

  @Test(
    "Golden metrics: HDF5 and NPZ read the same, bit for bit",
    .enabled(if: !GoldenFiles.pairs("metrics").isEmpty, "no golden folder metrics"))
  func metrics() throws { try compare("metrics") }

  @Test(
    "Golden PyTorch weights: every tensor of every model is read",
    .enabled(
      if: FileManager.default.fileExists(atPath: GoldenFiles.folder + "/pytorch_models"),
      "no golden folder pytorch_models"))
  func weights() throws {
    let folder = GoldenFiles.folder + "/pytorch_models/models"
    let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".safetensors") }
    #expect(!names.isEmpty)
    for name in names {
      let file = try Safetensors(reading: "\(folder)/\(name)")
      #expect(!file.entries.isEmpty)
      for entry in file.entries {
        let values = try file.floats(entry.name)
        #expect(values.count == entry.shape.reduce(1, *) && values.allSatisfy(\.isFinite))
      }
    }
  }
}
