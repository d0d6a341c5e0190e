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

  /// The tensors of a model's file, one for each parameter and in that order.
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
      names = Self.disentanglingVAENames
    }
    return model.parameters.entries.indices.map { index in
      let parameter = model.parameters.parameter(at: index)
      let (layer, kind) = Self.parts(parameter.name)
      var tensor = PortableTensor(
        parameter: parameter, name: (names[layer] ?? layer) + kind, shape: parameter.layout.portableShape)
      if self == .disentanglingVAE, layer == "encoder.posterior" {
        tensor.rows = (0..<model.latents).flatMap { [$0, model.latents + $0] }
      }
      return tensor
    }
  }

  /// "encoder.linear1.weight" as "encoder.linear1" and ".weight".
  private static func parts(_ name: String) -> (layer: String, kind: String) {
    let dot = name.lastIndex(of: ".") ?? name.endIndex
    return (String(name[..<dot]), String(name[dot...]))
  }

  /// The names that PyTorch's modules usually have, by ours.
  private static func pytorchNames(_ model: Model) -> [String: String] {
    var names: [String: String] = [:]
    for layer in model.encoder.networkLayers + model.encoder.headLayers + model.decoder.networkLayers {
      let (ours, theirs) =
        switch layer.operation {
        case .dense: ("linear", "fc")
        case .convolution: ("convolution", "conv")
        case .transposedConvolution: ("convolution", "conv_transpose")
        }
      let name = parts(layer.weight.name).layer
      names[name] = name.replacing(".\(ours)", with: ".\(theirs)")
    }
    return names
  }

  private static let disentanglingVAENames = [
    "encoder.convolution1": "encoder.conv1", "encoder.convolution2": "encoder.conv2",
    "encoder.convolution3": "encoder.conv3", "encoder.convolution4": "encoder.conv_64",
    "encoder.linear1": "encoder.lin1", "encoder.linear2": "encoder.lin2", "encoder.posterior": "encoder.mu_logvar_gen",
    "decoder.linear1": "decoder.lin1", "decoder.linear2": "decoder.lin2", "decoder.linear3": "decoder.lin3",
    "decoder.convolution1": "decoder.convT_64", "decoder.convolution2": "decoder.convT1",
    "decoder.convolution3": "decoder.convT2", "decoder.convolution4": "decoder.convT3",
  ]
}

/// A parameter as a tensor of a file.
struct PortableTensor {
  /// The parameter.
  let parameter: Parameter
  /// What the file calls it.
  let name: String
  /// Its extents there.
  let shape: [Int]
  /// For each of the file's rows the number that it has in ours; nil where the order is the same.
  var rows: [Int]?

  /// The parameter's values as the file has them.
  var values: [Float] {
    let values = parameter.layout.portable(parameter.value.elements)
    guard let rows else { return values }
    let width = values.count / rows.count
    return rows.flatMap { values[$0 * width..<($0 + 1) * width] }
  }

  /// Sets the parameter to values as the file has them.
  func set(_ values: [Float]) {
    var ordered = values
    if let rows {
      let width = values.count / rows.count
      for (theirs, ours) in rows.enumerated() {
        ordered.replaceSubrange(ours * width..<(ours + 1) * width, with: values[theirs * width..<(theirs + 1) * width])
      }
    }
    let value = parameter.value
    value.copy(from: Tensor(parameter.layout.native(ordered), value.shape, on: value.device))
  }
}
