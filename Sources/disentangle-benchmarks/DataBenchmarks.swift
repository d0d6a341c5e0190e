import ArgumentParser
import FactorData
import Foundation
import TensorCore

/// Drawing all of dSprites into memory.
struct RenderBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "render", abstract: "Drawing dSprites into memory.")

  @OptionGroup var options: BenchmarkOptions

  func run() throws { try options.report { try Self.measure($0) } }

  /// Measures it and adds its row.
  static func measure(_ bench: Bench) throws {
    var row = Row(name: "render dSprites", series: Series())
    resetPeakMemory()
    for _ in 0..<3 {
      row.series.seconds += try seconds(1) { _ = try DSprites(renderedOn: bench.device) }
    }
    row.figures["memory of the images, MB"] = Double(DSprites.count * 512) * 1e-6
    row.figures["peak memory of the process, MB"] = Double(peakMemory()) * 1e-6
    bench.add(row)
  }
}

/// Loading dSprites from a file in the published layout.
struct LoadBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "load", abstract: "Loading dSprites from a file in the published layout.")

  @OptionGroup var options: BenchmarkOptions

  @Option(help: "An HDF5 or NPZ file in the published layout; without one, a rendered HDF5 file is written first.")
  var file: String?

  func run() throws { try options.report { try Self.measure(file: file, $0) } }

  /// Measures it and adds its row.
  static func measure(file: String?, _ bench: Bench) throws {
    let folder = FileManager.default.temporaryDirectory
    let temporary = folder.appendingPathComponent("dsprites-\(UUID().uuidString).h5").path
    defer { try? FileManager.default.removeItem(atPath: temporary) }
    if file == nil { try DSprites(renderedOn: bench.device).write(to: temporary, on: bench.device) }
    let path = file ?? temporary
    var row = Row(name: "load dSprites, \(path.hasSuffix(".npz") ? "NPZ" : "HDF5")", series: Series())
    resetPeakMemory()
    for _ in 0..<3 {
      row.series.seconds += try seconds(1) { _ = try DSprites(file: path, on: bench.device) }
    }
    row.figures["peak memory of the process, MB"] = Double(peakMemory()) * 1e-6
    bench.add(row)
  }
}
