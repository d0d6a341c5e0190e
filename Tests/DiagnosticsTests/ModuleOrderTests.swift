import Foundation
import TestSupport
import Testing

/// The dependencies between modules point one way, as ARCHITECTURE.md lists them.
@Suite("Module order")
struct ModuleOrderTests {
  /// Each module may import only those before it.
  static let order = [
    "Diagnostics", "StrictConfiguration", "CVectorKernels", "TensorCore", "Autodiff", "NeuralLayers", "Architectures",
    "Objectives", "FileFormats", "FactorData", "RateDecomposition", "DisentanglementMetrics", "MetricFiles",
    "Experiment", "Figures", "Studies", "Reports", "Codes", "ONNXSchema", "ONNXExport", "CommandLine", "disentangle",
    "disentangle-benchmarks",
  ]

  /// Imports that the order alone would allow.
  static let forbidden: [String: Set<String>] = [
    "Objectives": ["Architectures"],
    "FileFormats": ["Autodiff", "NeuralLayers", "Architectures", "Objectives"],
    "FactorData": ["Autodiff", "NeuralLayers", "Architectures", "Objectives"],
    "RateDecomposition": ["Autodiff", "NeuralLayers", "Architectures", "Objectives", "FactorData", "FileFormats"],
    "DisentanglementMetrics": ["Autodiff", "NeuralLayers", "Architectures", "Objectives", "FactorData", "FileFormats"],
    "Figures": ["Experiment", "FactorData", "RateDecomposition", "DisentanglementMetrics"],
    "Codes": ["Reports", "Studies"],
    "ONNXExport": ["Reports", "Studies", "Codes"],
  ]

  /// The modules that may import a C library.
  static let libraries: [String: String] = [
    "COpenBLAS": "TensorCore", "CHDF5": "FileFormats", "CDeflate": "FileFormats", "CZlib": "FileFormats",
    "CCairo": "Figures", "CGIF": "Figures", "CLiblinear": "DisentanglementMetrics",
  ]

  private static let sources = URL(fileURLWithPath: Fixture.path("")).deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Sources")

  /// The files of a module with the modules that each imports.
  static func imports(of module: String) throws -> [(file: String, imports: [String])] {
    let folder = sources.appendingPathComponent(module)
    let files = try FileManager.default.subpathsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".swift") }
    return try files.map { file in
      let text = try String(contentsOf: folder.appendingPathComponent(file), encoding: .utf8)
      let imports = text.split(separator: "\n").compactMap { line -> String? in
        let words = line.split(separator: " ").drop { $0.hasPrefix("@") || ["public", "package"].contains($0) }
        return words.first == "import" ? words.last.map(String.init) : nil
      }
      return ("\(module)/\(file)", imports)
    }
  }

  @Test(arguments: order)
  func `A module imports only modules before it`(module: String) throws {
    let place = try #require(Self.order.firstIndex(of: module))
    var found = 0
    for (file, imports) in try Self.imports(of: module) {
      for name in imports {
        if let other = Self.order.firstIndex(of: name) {
          #expect(other < place, "\(file) imports \(name), which stands after \(module)")
          #expect(Self.forbidden[module]?.contains(name) != true, "\(file) imports \(name)")
        }
        if let owner = Self.libraries[name] { #expect(owner == module, "\(file) imports \(name), which is \(owner)'s") }
      }
      found += 1
    }
    #expect(found > 0 || module == "CVectorKernels")
  }

  @Test func `Every folder of Sources is in the order or a C library`() throws {
    let folders = try FileManager.default.contentsOfDirectory(atPath: Self.sources.path).filter { !$0.hasPrefix(".") }
    #expect(folders.count >= Self.order.count)
    for folder in folders { #expect(Self.order.contains(folder) || Self.libraries[folder] != nil, "\(folder)") }
  }
}
