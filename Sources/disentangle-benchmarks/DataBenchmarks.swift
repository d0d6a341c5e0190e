import ArgumentParser
import FactorData
import Foundation

/// Rendering all images of dSprites into memory.
struct RenderBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "render", abstract: "Render dSprites into memory.")

  @OptionGroup var options: BenchmarkOptions

  func run() throws { try options.report { try Self.measure($0) } }

  /// Measures it and adds its row.
  static func measure(_ bench: Bench) throws {
    var row = try bench.isolated("render dSprites", ["render"])
    row.figures["memory of the images, MB"] = Double(DSprites.count * 512) * 1e-6
    bench.add(row)
  }
}

/// Loading dSprites from a file in the published layout.
struct LoadBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "load", abstract: "Load dSprites from a file in the published layout.",
    discussion: "script/make_npz.py converts an HDF5 file in the published layout to an NPZ file.")

  @OptionGroup var options: BenchmarkOptions

  @Option(
    help: "An HDF5 or NPZ file in the published layout (repeatable; default: a rendered HDF5 file)."
  )
  var file: [String] = []

  func run() throws { try options.report { try Self.measure(files: file, $0) } }

  /// Measures it and adds a row for each file.
  static func measure(files: [String], _ bench: Bench) throws {
    let folder = FileManager.default.temporaryDirectory
    let temporary = folder.appendingPathComponent("dsprites-\(UUID().uuidString).h5").path
    defer { try? FileManager.default.removeItem(atPath: temporary) }
    if files.isEmpty { try DSprites(renderedOn: bench.device).write(to: temporary, on: bench.device) }
    for path in files.isEmpty ? [temporary] : files {
      let isNPZ = path.hasSuffix(".npz")
      bench.add(
        try bench.isolated(
          "load dSprites, \(isNPZ ? "NPZ" : "HDF5")", ["load", path],
          request: (Peer.Request(work: "load", file: path), mode: isNPZ ? "NumPy" : "h5py")))
    }
  }
}
