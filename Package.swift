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
        "TensorCore", "Autodiff", "StrictConfiguration", "NeuralLayers", "Architectures", "Objectives", "FileFormats",
        "FactorData", "RateDecomposition", "DisentanglementMetrics", "MetricFiles", "Experiment", "Codes", "Reports",
      ]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
  ],
  targets: [
    // C libraries of the system, nothing but their module maps.
    .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
    .systemLibrary(name: "CHDF5", pkgConfig: "hdf5-serial", providers: [.apt(["libhdf5-dev"])]),
    .systemLibrary(name: "CDeflate", pkgConfig: "libdeflate", providers: [.apt(["libdeflate-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CCairo", pkgConfig: "cairo", providers: [.apt(["libcairo2-dev"])]),
    .systemLibrary(name: "CGIF", pkgConfig: "libgif", providers: [.apt(["libgif-dev"])]),
    .systemLibrary(name: "CLiblinear", providers: [.apt(["liblinear-dev"])]),

    // Computation.
    .target(name: "CVectorKernels"),
    .target(name: "TensorCore", dependencies: ["CVectorKernels", "COpenBLAS"]),
    .target(name: "Autodiff", dependencies: ["TensorCore"]),
    .target(name: "NeuralLayers", dependencies: ["Autodiff", "TensorCore", "StrictConfiguration"]),
    .target(name: "Architectures", dependencies: ["NeuralLayers", "StrictConfiguration"]),
    .target(name: "Objectives", dependencies: ["NeuralLayers", "StrictConfiguration"]),

    // Files, data, measurement.
    .target(
      name: "StrictConfiguration", dependencies: ["TensorCore", .product(name: "Yams", package: "Yams")]),
    .target(name: "FileFormats", dependencies: ["TensorCore", "CHDF5", "CDeflate", "CZlib"]),
    .target(name: "FactorData", dependencies: ["FileFormats", "TensorCore"]),
    .target(name: "RateDecomposition", dependencies: ["TensorCore"]),
    .target(
      name: "DisentanglementMetrics",
      dependencies: ["RateDecomposition", "StrictConfiguration", "TensorCore", "CLiblinear"]),
    .target(name: "MetricFiles", dependencies: ["DisentanglementMetrics", "FileFormats", "TensorCore"]),

    // The whole.
    .target(
      name: "Experiment",
      dependencies: [
        "Architectures", "Objectives", "FactorData", "FileFormats", "RateDecomposition", "StrictConfiguration",
        "TensorCore",
        .product(name: "Logging", package: "swift-log"),
      ]),
    .target(
      name: "Reports",
      dependencies: [
        "DisentanglementMetrics", "Experiment", "FactorData", "NeuralLayers", "RateDecomposition", "FileFormats",
        "StrictConfiguration", "TensorCore", "CCairo", "CGIF",
        .product(name: "Logging", package: "swift-log"),
      ],
      resources: [
        .embedInCode("Explorer/explorer.html"), .embedInCode("Explorer/explorer.css"),
        .embedInCode("Explorer/explorer.js"), .embedInCode("Notebook/notebook.py"),
      ]),
    .target(
      name: "Codes",
      dependencies: ["Experiment", "Reports", "FactorData", "FileFormats", "RateDecomposition", "TensorCore"]),
    .target(
      name: "ONNXSchema", dependencies: [.product(name: "SwiftProtobuf", package: "swift-protobuf")],
      exclude: ["README.md", "onnx.proto"]),
    .target(
      name: "ONNXExport",
      dependencies: [
        "ONNXSchema", "Experiment", "NeuralLayers", "FileFormats", "TensorCore",
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ]),
    .executableTarget(
      name: "disentangle",
      dependencies: [
        "Experiment", "Reports", "Codes", "ONNXExport", "Autodiff", "DisentanglementMetrics", "FactorData",
        "FileFormats", "MetricFiles", "RateDecomposition", "StrictConfiguration", "TensorCore",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ]),
    .executableTarget(
      name: "disentangle-benchmarks",
      dependencies: [
        "Experiment", "FactorData", "FileFormats", "RateDecomposition", "DisentanglementMetrics", "NeuralLayers",
        "StrictConfiguration", "Autodiff", "TensorCore",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    .target(
      name: "TestSupport", dependencies: ["Architectures", "Autodiff", "FileFormats", "NeuralLayers", "TensorCore"],
      path: "Tests/TestSupport"),
  ],
  swiftLanguageModes: [.v6],
  cxxLanguageStandard: .cxx17
)

// One test target for each source target that has tests, named after it.
let tested: [String: [Target.Dependency]] = [
  "TensorCore": [], "Autodiff": [], "NeuralLayers": [], "Architectures": [],
  "Objectives": ["FileFormats"], "StrictConfiguration": [], "FileFormats": [], "FactorData": [],
  "RateDecomposition": ["FileFormats"], "DisentanglementMetrics": ["FileFormats"],
  "MetricFiles": ["DisentanglementMetrics", "FileFormats"], "Experiment": ["FileFormats"],
  "Reports": ["Architectures", "Experiment", "FactorData", "FileFormats", "NeuralLayers", "RateDecomposition"],
  "Codes": ["Experiment", "FactorData", "FileFormats"],
  "ONNXExport": ["Architectures", "Autodiff", "Experiment", "NeuralLayers"],
  "disentangle": ["Autodiff", "Experiment", "FactorData", "FileFormats", "NeuralLayers"],
]
for (name, extra) in tested.sorted(by: { $0.key < $1.key }) {
  package.targets.append(
    .testTarget(name: name + "Tests", dependencies: [.target(name: name), "TestSupport"] + extra))
}

// Every target is held to the same standard.
for target in package.targets where ![.system, .plugin].contains(target.type) {
  target.swiftSettings = (target.swiftSettings ?? []) + [.enableUpcomingFeature("ExistentialAny")]
}
