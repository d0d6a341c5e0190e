// swift-tools-version: 6.0
import PackageDescription

// A package of one's own on top of Disentangle. `swift run -c release pairs train pairs.yaml` trains what it adds.
let package = Package(
  name: "Pairs",
  dependencies: [.package(name: "Disentangle", path: "../..")],
  targets: [.executableTarget(name: "pairs", dependencies: [.product(name: "Disentangle", package: "Disentangle")])],
  swiftLanguageModes: [.v6]
)
