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
    "Experiment", "Figures", "Pages", "Studies", "Reports", "StudyReports", "Codes", "ONNXSchema", "ONNXExport",
    "CommandLine", "disentangle", "disentangle-benchmarks",
  ]

  /// Imports that the order alone would allow.
  static let forbidden: [String: Set<String>] = [
    "Objectives": ["Architectures"],
    "FileFormats": ["Autodiff", "NeuralLayers", "Architectures", "Objectives"],
    "FactorData": ["Autodiff", "NeuralLayers", "Architectures", "Objectives"],
    "RateDecomposition": ["Autodiff", "NeuralLayers", "Architectures", "Objectives", "FactorData", "FileFormats"],
    "DisentanglementMetrics": ["Autodiff", "NeuralLayers", "Architectures", "Objectives", "FactorData", "FileFormats"],
    "Figures": ["Experiment", "FactorData", "RateDecomposition", "DisentanglementMetrics"],
    "Pages": ["Experiment", "FactorData", "RateDecomposition", "DisentanglementMetrics"],
    "StudyReports": ["Reports"],
    "Codes": ["Reports", "StudyReports", "Studies"],
    "ONNXExport": ["Reports", "StudyReports", "Studies", "Codes"],
  ]

  /// The modules that may import a C library.
  static let libraries: [String: String] = [
    "COpenBLAS": "TensorCore", "CHDF5": "FileFormats", "CDeflate": "FileFormats", "CZlib": "FileFormats",
    "CArchive": "FileFormats", "CPNG": "FileFormats", "CTurboJPEG": "FileFormats",
    "CSQLite": "FileFormats",
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

  /// The texts between quotation marks after `name:` in a file, as the names of registry entries.
  private static func registeredNames(_ paths: [String]) throws -> Set<String> {
    var names: Set<String> = []
    for path in paths {
      let text = try String(contentsOf: sources.appendingPathComponent(path), encoding: .utf8)
      for match in text.matches(of: #/name: "([a-z0-9-]+)"/#) { names.insert(String(match.1)) }
    }
    return names
  }

  /// Layouts of weights have the names of repositories, one of which is that of an objective.
  private static let layoutOfRepository = "case betaTCVAE = \"beta-tcvae\""

  @Test func `Only its own module asks for the name of an objective or a data set`() throws {
    let owners = [
      "Objectives": try Self.registeredNames(["Objectives/ObjectiveRegistry.swift"]),
      "FactorData": try Self.registeredNames(["FactorData/Sets/DSprites/DSpritesConfiguration.swift"]),
    ]
    #expect(owners["Objectives"]?.isSuperset(of: ["vae", "beta-vae", "beta-tcvae", "factor-vae"]) == true)
    #expect(owners["FactorData"]?.contains("dsprites") == true)
    for module in Self.order where module != "disentangle-benchmarks" {
      for (file, _) in try Self.imports(of: module) {
        let text = try String(contentsOf: Self.sources.appendingPathComponent(file), encoding: .utf8)
        for line in text.split(separator: "\n") where !line.contains("///") && !line.contains(Self.layoutOfRepository) {
          for (owner, names) in owners where owner != module {
            for name in names where line.contains("\"\(name)\"") { Issue.record("\(file): \(line)") }
          }
        }
      }
    }
  }
}
