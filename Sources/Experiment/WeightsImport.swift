import Architectures
import Diagnostics
import FileFormats
import Foundation
import StrictConfiguration
import TensorCore

/// Weights that were trained elsewhere, on their way to a run folder on which every command works.
///
/// What the run's configuration says is what is known. A file that ``WeightsFile`` wrote carries the configuration of its
/// run; of any other, only the architecture, latents and likelihood are known, and its run has no objective and no training.
public struct WeightsImport {
  /// What a person says about a file of weights.
  public struct Options: Sendable {
    /// The architecture's registry name; nil where the file says it.
    public var architecture: String?
    /// How tensors are named and ordered; nil for what the file says, or else ``WeightsLayout/pytorch``.
    public var layout: WeightsLayout?
    /// D; nil for what the file says, or else what its shapes say.
    public var latents: Int?
    /// The likelihood, as a configuration has it; nil for what the file says, or else Bernoulli.
    public var likelihood: String?
    /// What the run is called unless the file says it.
    public var name = "imported"
    /// Overrides of the configuration, as `dataset.path=data.h5`.
    public var overrides: [String] = []

    /// Says nothing.
    public init() {}
  }

  /// The run's configuration.
  public let configuration: ResolvedConfiguration<ExperimentConfiguration>
  /// The model with the weights.
  public let model: Model

  /// Reads a file.
  ///
  /// - Parameters:
  ///   - path: the safetensors file.
  ///   - options: what is known about it.
  ///   - components: the architectures that it can be of, and what a configuration can name.
  ///   - device: where the model lives.
  /// - Throws: `StructuredError` if the file is damaged, does not have the tensors of the model, or the data set is not
  ///   there, which says how large images are.
  public init(reading path: String, options: Options, components: Components = Components(), on device: Device) throws {
    let file = try Safetensors(reading: path)
    let isOurs = file.metadata["generator"] == WeightsFile.generator
    let known = isOurs ? file.metadata["configuration"].flatMap { $0.isEmpty ? nil : $0 } : nil
    let named = isOurs ? file.metadata["layout"].flatMap(WeightsLayout.init) : nil
    let layout = options.layout ?? named ?? .pytorch
    try Self.checkArchitecture(
      options.architecture, among: components.architectures, path: path, isKnown: known != nil)

    let source = ImportedWeights(file: PathParts(path).name, layout: layout, crc32: file.checksum)
    var overrides = ["imported={file: \(quoted(source.file)), layout: \(layout.rawValue), crc32: '\(source.crc32)'}"]
    if let architecture = options.architecture { overrides.append("model.architecture=\(architecture)") }
    if let likelihood = options.likelihood { overrides.append("model.likelihood=\(likelihood)") }
    if let latents = options.latents { overrides.append("model.latents=\(latents)") }
    func resolve(_ more: [String]) throws -> ResolvedConfiguration<ExperimentConfiguration> {
      try ConfigurationDocument(
        yaml: known ?? "name: \(quoted(options.name))",
        source: known == nil ? path : "\(path), metadata \"configuration\"",
        overrides: overrides + more + options.overrides
      ).experiment(components)
    }
    var resolved = try resolve([])
    let image = try resolved.value.dataset.open(on: device).imageShape
    if known == nil, options.latents == nil {
      let latents = try Self.latents(of: file, resolved.value.model.architecture, image, layout, on: device)
      if let latents { resolved = try resolve(["model.latents=\(latents)"]) }
    }
    configuration = resolved
    let settings = resolved.value.model
    model = try Model(
      resolved.value.model.architecture, image: image, latents: settings.latents, likelihood: settings.likelihood,
      on: device)
    try WeightsFile.read(into: model, from: file, layout: layout) {
      Self.advice(on: file, image, components.architectures, on: device)
    }
    if isOurs, options.likelihood == nil { try WeightsFile.calibrate(model, by: file) }
  }

  /// Makes the run's folder: its configuration and its weights.
  ///
  /// - Throws: `StructuredError` if something is in the way, or the folder cannot be made; nothing is left then.
  public func write(to path: String) throws -> RunFolder {
    try RunFolder.create(
      at: path,
      with: [
        .configuration: Data(configuration.yaml.utf8),
        .weights: try WeightsFile.data(of: model, configuration: configuration.yaml),
      ])
  }

  private static func checkArchitecture(
    _ name: String?, among architectures: Registry<Architecture>, path: String, isKnown: Bool
  ) throws {
    guard let name else {
      if isKnown { return }
      throw StructuredError(
        "the file does not say which architecture its weights are of", at: path,
        expected: "--architecture with one of \(architectures.names.joined(separator: ", "))")
    }
    _ = try architectures.entry(named: name, at: "--architecture \(name)")
  }

  /// D, from a tensor whose shape depends on it: it has an axis that is longer for two latents than for one.
  ///
  /// - Returns: nil if no tensor tells.
  private static func latents(
    of file: Safetensors, _ architecture: Architecture, _ image: ImageShape, _ layout: WeightsLayout, on device: Device
  ) throws -> Int? {
    func tensors(latents: Int) throws -> [PortableTensor] {
      try layout.tensors(
        of: Model(architecture, image: image, latents: latents, likelihood: .bernoulli, on: device), in: file)
    }
    for (one, two) in zip(try tensors(latents: 1), try tensors(latents: 2)) {
      guard let axis = one.shape.indices.first(where: { one.shape[$0] != two.shape[$0] }),
        let shape = file.entries.first(where: { $0.name == one.name })?.shape, shape.count == one.shape.count
      else { continue }
      let each = two.shape[axis] - one.shape[axis], more = shape[axis] - one.shape[axis]
      if more >= 0, more % each == 0, more / each < 4096 { return 1 + more / each }
    }
    return nil
  }

  /// With which options a file can be read, if there are any.
  private static func advice(
    on file: Safetensors, _ image: ImageShape, _ architectures: Registry<Architecture>, on device: Device
  ) -> String? {
    for architecture in architectures.entries {
      for layout in WeightsLayout.allCases {
        guard let latents = try? latents(of: file, architecture, image, layout, on: device),
          let model = try? Model(architecture, image: image, latents: latents, likelihood: .bernoulli, on: device),
          WeightsFile.fits(file, model, layout)
        else { continue }
        return "The file fits --architecture \(architecture.name) --layout \(layout.rawValue) --latents \(latents)."
      }
    }
    return nil
  }
}

/// Text between quotation marks, as YAML and JSON have it.
private func quoted(_ text: String) -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = .withoutEscapingSlashes
  guard let data = try? encoder.encode(text) else { return "''" }
  return String(decoding: data, as: UTF8.self)
}
