// swift-tools-version: 6.0
import PackageDescription

let package = Package(
  name: "Disentangle",
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "disentangle", targets: ["disentangle"]),
    .executable(name: "disentangle-benchmarks", targets: ["disentangle-benchmarks"]),
    .library(
      name: "Disentangle",
      targets: [
        "Diagnostics", "StrictConfiguration", "TensorCore", "Autodiff", "NeuralLayers", "Architectures", "Objectives",
        "FileFormats", "FactorData", "RateDecomposition", "DisentanglementMetrics", "MetricFiles", "Experiment",
        "Figures", "Pages", "Studies", "Reports", "StudyReports", "Codes", "ONNXExport", "CommandLine",
      ]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
    .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0"),
  ],
  targets: [
    // C libraries of the system, nothing but their module maps.
    .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
    .systemLibrary(name: "CHDF5", pkgConfig: "hdf5-serial", providers: [.apt(["libhdf5-dev"])]),
    .systemLibrary(name: "CDeflate", pkgConfig: "libdeflate", providers: [.apt(["libdeflate-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CArchive", pkgConfig: "libarchive", providers: [.apt(["libarchive-dev"])]),
    .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
    .systemLibrary(name: "CTurboJPEG", pkgConfig: "libturbojpeg", providers: [.apt(["libturbojpeg0-dev"])]),
    .systemLibrary(name: "CCairo", pkgConfig: "cairo", providers: [.apt(["libcairo2-dev"])]),
    .systemLibrary(name: "CGIF", pkgConfig: "libgif", providers: [.apt(["libgif-dev"])]),
    .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
    .systemLibrary(name: "CLiblinear", providers: [.apt(["liblinear-dev"])]),

    // The modules in the order of their dependencies: each depends only on modules above it.
    .target(name: "Diagnostics"),
    .target(name: "StrictConfiguration", dependencies: ["Diagnostics", .product(name: "Yams", package: "Yams")]),

    .target(name: "CVectorKernels"),
    .target(name: "TensorCore", dependencies: ["CVectorKernels", "COpenBLAS", "Diagnostics"]),
    .target(name: "Autodiff", dependencies: ["TensorCore"]),
    .target(name: "NeuralLayers", dependencies: ["Autodiff", "Diagnostics", "StrictConfiguration", "TensorCore"]),
    .target(name: "Architectures", dependencies: ["Diagnostics", "NeuralLayers", "StrictConfiguration"]),
    .target(name: "Objectives", dependencies: ["Diagnostics", "NeuralLayers", "StrictConfiguration"]),

    .target(
      name: "FileFormats",
      dependencies: [
        "Diagnostics", "TensorCore", "CHDF5", "CDeflate", "CZlib", "CArchive", "CPNG", "CTurboJPEG", "CSQLite",
      ]),
    .target(name: "FactorData", dependencies: ["Diagnostics", "FileFormats", "StrictConfiguration", "TensorCore"]),
    .target(name: "RateDecomposition", dependencies: ["Diagnostics", "TensorCore"]),
    .target(
      name: "DisentanglementMetrics",
      dependencies: [
        "Diagnostics", "RateDecomposition", "StrictConfiguration", "TensorCore", "CLiblinear", "CVectorKernels",
      ]),
    .target(
      name: "MetricFiles",
      dependencies: ["Diagnostics", "DisentanglementMetrics", "FactorData", "FileFormats", "TensorCore"]),

    .target(
      name: "Experiment",
      dependencies: [
        "Architectures", "Diagnostics", "DisentanglementMetrics", "FactorData", "FileFormats", "Objectives",
        "RateDecomposition", "StrictConfiguration", "TensorCore",
        .product(name: "Logging", package: "swift-log"),
      ]),
    .target(name: "Figures", dependencies: ["Diagnostics", "TensorCore", "CCairo", "CGIF"]),
    .target(name: "Pages", dependencies: ["Diagnostics", "Figures", "FileFormats"]),
    .target(
      name: "Studies",
      dependencies: [
        "Diagnostics", "Experiment", "FactorData", "FileFormats", "RateDecomposition", "StrictConfiguration",
        "TensorCore", .product(name: "Logging", package: "swift-log"),
      ]),
    .target(
      name: "Reports",
      dependencies: [
        "Diagnostics", "DisentanglementMetrics", "Experiment", "FactorData", "Figures", "FileFormats", "NeuralLayers",
        "Pages", "RateDecomposition", "StrictConfiguration", "Studies", "TensorCore",
        .product(name: "Logging", package: "swift-log"),
      ],
      resources: [
        .embedInCode("Explorer/explorer.html"), .embedInCode("Explorer/explorer.css"),
        .embedInCode("Explorer/explorer.js"), .embedInCode("Notebook/notebook.py"),
      ]),
    .target(
      name: "StudyReports",
      dependencies: [
        "Diagnostics", "DisentanglementMetrics", "Experiment", "Figures", "FileFormats", "Pages", "RateDecomposition",
        "StrictConfiguration", "Studies", "TensorCore",
      ],
      resources: [.embedInCode("study-notebook.py")]),
    .target(
      name: "Codes",
      dependencies: [
        "Diagnostics", "Experiment", "FactorData", "Figures", "FileFormats", "RateDecomposition", "TensorCore",
      ]),
    .target(
      name: "ONNXSchema", dependencies: [.product(name: "SwiftProtobuf", package: "swift-protobuf")],
      exclude: ["README.md", "onnx.proto"]),
    .target(
      name: "ONNXExport",
      dependencies: [
        "Diagnostics", "ONNXSchema", "Experiment", "NeuralLayers", "FileFormats", "TensorCore",
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ]),
    .target(
      name: "CommandLine",
      dependencies: [
        "Architectures", "Autodiff", "Codes", "Diagnostics", "DisentanglementMetrics", "Experiment", "FactorData",
        "FileFormats", "MetricFiles", "ONNXExport", "Objectives", "RateDecomposition", "Reports", "StrictConfiguration",
        "Studies", "StudyReports", "TensorCore",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ]),
    .plugin(name: "RecordCommit", capability: .buildTool),
    .executableTarget(name: "disentangle", dependencies: ["CommandLine"], plugins: ["RecordCommit"]),
    .executableTarget(
      name: "disentangle-benchmarks",
      dependencies: [
        "Diagnostics", "Experiment", "FactorData", "FileFormats", "RateDecomposition", "DisentanglementMetrics",
        "NeuralLayers", "StrictConfiguration", "Autodiff", "TensorCore",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    // A package of one's own, which sees nothing but public API; it has a Package.swift of its own as well.
    .executableTarget(
      name: "example-pairs",
      dependencies: [
        "Architectures", "Autodiff", "CommandLine", "FactorData", "NeuralLayers", "Objectives", "StrictConfiguration",
        "TensorCore",
      ],
      path: "Tests/ExamplePackage/Sources/pairs", packageAccess: false),
    .target(
      name: "TestSupport",
      dependencies: [
        "Architectures", "Autodiff", "Diagnostics", "Figures", "FileFormats", "NeuralLayers", "Objectives",
        "TensorCore",
      ],
      path: "Tests/TestSupport"),
  ],
  swiftLanguageModes: [.v6],
  cxxLanguageStandard: .cxx17
)

// One test target for each source target that has tests, named after it.
let tested: [String: [Target.Dependency]] = [
  "Diagnostics": [], "StrictConfiguration": [], "TensorCore": [], "Autodiff": [], "NeuralLayers": ["FileFormats"],
  "Architectures": [], "Objectives": ["FileFormats"], "FileFormats": [],
  "FactorData": ["FileFormats", "StrictConfiguration"],
  "RateDecomposition": ["FileFormats"], "DisentanglementMetrics": ["FileFormats"],
  "MetricFiles": ["DisentanglementMetrics", "FileFormats"], "Experiment": ["FileFormats"], "Figures": [],
  "Reports": [
    "Architectures", "DisentanglementMetrics", "Experiment", "FactorData", "Figures", "FileFormats", "NeuralLayers",
    "RateDecomposition", "Studies",
  ],
  "StudyReports": ["Figures", "Studies", "TensorCore"],
  "Codes": ["Experiment", "FactorData", "FileFormats"],
  "Studies": ["Experiment", "FileFormats", "RateDecomposition", "StrictConfiguration", "TensorCore"],
  "ONNXExport": ["Architectures", "Autodiff", "Experiment", "NeuralLayers"],
  "CommandLine": [
    "Autodiff", "DisentanglementMetrics", "Experiment", "FactorData", "FileFormats", "NeuralLayers",
    "StrictConfiguration", "disentangle", "example-pairs",
  ],
]
for (name, extra) in tested.sorted(by: { $0.key < $1.key }) {
  package.targets.append(
    .testTarget(
      name: name + "Tests",
      dependencies: [.target(name: name), "TestSupport"] + (name == "Diagnostics" ? [] : ["Diagnostics"]) + extra))
}

// Every target is held to the same standard.
for target in package.targets where ![.system, .plugin].contains(target.type) {
  target.swiftSettings = (target.swiftSettings ?? []) + [.enableUpcomingFeature("ExistentialAny")]
}
