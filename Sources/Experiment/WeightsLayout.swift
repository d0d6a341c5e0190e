import Architectures
import Diagnostics
import NeuralLayers
import TensorCore

/// How a file of weights names and orders the parameters of a model.
///
/// Arrays have PyTorch's layouts in all of them (`ParameterLayout`): matrices `[outputs, inputs]`, images channels first,
/// convolutions `[outputs, inputs, K, K]`, transposed convolutions `[inputs, outputs, K, K]`.
public enum WeightsLayout: String, CaseIterable, Sendable, Codable {
  /// The names of this package, as in a run's `weights.safetensors`: `encoder.convolution1.weight`.
  case disentangle
  /// Names as PyTorch's modules usually have them: `encoder.conv1.weight`, `encoder.fc1.bias`,
  /// `decoder.conv_transpose1.weight`. Of an encoder with one head, `encoder.posterior`, the first D rows are the means.
  case pytorch
  /// The models of disentangling-vae (github.com/YannDubs/disentangling-vae), architecture `burgess`: rows 2j and 2j + 1 of
  /// `encoder.mu_logvar_gen` are μ_j and log σ²_j.
  case disentanglingVAE = "disentangling-vae"

  /// The tensors of a model's file, one for each parameter and then one for each buffer, in their order.
  ///
  /// - Throws: `StructuredError` if the layout has no names for the architecture.
  func tensors(of model: Model) throws -> [PortableTensor] {
    let names: [String: String]
    switch self {
    case .disentangle: names = [:]
    case .pytorch: names = Self.pytorchNames(model)
    case .disentanglingVAE:
      guard model.architecture.name == Architecture.burgess.name else {
        throw StructuredError(
          "the layout \(rawValue) has no names for the architecture \(model.architecture.name)",
          expected: "the architecture \(Architecture.burgess.name)", action: "Choose another --layout.")
      }
      guard let side = [32: 3, 64: 4][model.image.height], model.image.width == model.image.height else {
        throw StructuredError(
          "the layout \(rawValue) has no names for images of \(model.image)", expected: "32 or 64 pixels a side",
          action: "Choose another --layout.")
      }
      names = Self.disentanglingVAENames(convolutions: side)
    }
    let store = model.parameters
    let parameters = store.entries.indices.map { store.parameter(at: $0) }.map { ($0.name, $0.value, $0.layout) }
    return (parameters + store.buffers.map { ($0.name, $0.value, $0.layout) }).map { name, value, layout in
      let (layer, kind) = Self.parts(name)
      var tensor = PortableTensor(name: (names[layer] ?? layer) + kind, value: value, layout: layout)
      if self == .disentanglingVAE, layer == "encoder.posterior" {
        tensor.rows = (0..<model.latents).flatMap { [$0, model.latents + $0] }
      }
      return tensor
    }
  }

  /// Tensors that a file may have beside a model's, and that mean nothing here: PyTorch's counts of batches.
  func ignoredNames(of model: Model) throws -> Set<String> {
    guard self == .pytorch else { return [] }
    let suffix = ".running_mean"
    return Set(
      try tensors(of: model).map(\.name).filter { $0.hasSuffix(suffix) }
        .map { $0.dropLast(suffix.count) + ".num_batches_tracked" })
  }

  /// "encoder.linear1.weight" as "encoder.linear1" and ".weight".
  private static func parts(_ name: String) -> (layer: String, kind: String) {
    let dot = name.lastIndex(of: ".") ?? name.endIndex
    return (String(name[..<dot]), String(name[dot...]))
  }

  /// The names that PyTorch's modules usually have, by ours.
  private static func pytorchNames(_ model: Model) -> [String: String] {
    var names: [String: String] = [:]
    for step in (model.encoder.network.steps + model.decoder.network.steps).flattened {
      let (ours, theirs): (String, String)
      switch step {
      case .dense: (ours, theirs) = ("linear", "fc")
      case .convolution(let convolution):
        (ours, theirs) = ("convolution", convolution.layer.transposed ? "conv_transpose" : "conv")
      default: continue
      }
      let (path, kind) = parts(step.layer.name)
      names[step.layer.name] = path + kind.replacing(".\(ours)", with: ".\(theirs)")
    }
    return names
  }

  private static func disentanglingVAENames(convolutions: Int) -> [String: String] {
    var names = [
      "encoder.linear1": "encoder.lin1", "encoder.linear2": "encoder.lin2",
      "encoder.posterior": "encoder.mu_logvar_gen",
      "decoder.linear1": "decoder.lin1", "decoder.linear2": "decoder.lin2", "decoder.linear3": "decoder.lin3",
    ]
    for number in 1...3 {
      names["encoder.convolution\(number)"] = "encoder.conv\(number)"
      names["decoder.convolution\(number + convolutions - 3)"] = "decoder.convT\(number)"
    }
    if convolutions == 4 {
      names["encoder.convolution4"] = "encoder.conv_64"
      names["decoder.convolution1"] = "decoder.convT_64"
    }
    return names
  }
}

/// A parameter or a buffer as a tensor of a file.
struct PortableTensor {
  /// What the file calls it.
  let name: String
  /// The values in memory.
  let value: Tensor<Float>
  /// How they are laid out here and there.
  let layout: ParameterLayout
  /// For each of the file's rows the number that it has in ours; nil where the order is the same.
  var rows: [Int]?

  init(name: String, value: Tensor<Float>, layout: ParameterLayout) {
    (self.name, self.value, self.layout) = (name, value, layout)
  }

  /// Its extents in the file.
  var shape: [Int] { layout.portableShape }

  /// Its values as the file has them.
  var values: [Float] {
    let values = layout.portable(value.elements)
    guard let rows else { return values }
    let width = values.count / rows.count
    return rows.flatMap { values[$0 * width..<($0 + 1) * width] }
  }

  /// Sets it to values as the file has them.
  func set(_ values: [Float]) {
    var ordered = values
    if let rows {
      let width = values.count / rows.count
      for (theirs, ours) in rows.enumerated() {
        ordered.replaceSubrange(ours * width..<(ours + 1) * width, with: values[theirs * width..<(theirs + 1) * width])
      }
    }
    value.copy(from: Tensor(layout.native(ordered), value.shape, on: value.device))
  }
}
