import Architectures
import Diagnostics
import FileFormats
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
  /// The models of beta-tcvae (github.com/rtqichen/beta-tcvae), architectures `convolutional-batchnorm` for 64 × 64 pixels
  /// and `fully-connected`: rows 2j and 2j + 1 of the encoder's last layer are μ_j and log σ_j, without the square.
  case betaTCVAE = "beta-tcvae"

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
    case .betaTCVAE: names = try Self.betaTCVAENames(model)
    }
    let store = model.parameters
    let parameters = store.entries.indices.map { store.parameter(at: $0) }.map { ($0.name, $0.value, $0.layout) }
    return (parameters + store.buffers.map { ($0.name, $0.value, $0.layout) }).map { name, value, layout in
      let (layer, kind) = Self.parts(name)
      var tensor = PortableTensor(name: (names[layer] ?? layer) + kind, value: value, layout: layout)
      if layer == "encoder.posterior", self == .disentanglingVAE || self == .betaTCVAE {
        tensor.rows = (0..<model.latents).flatMap { [$0, model.latents + $0] }
        // log σ² is twice log σ.
        if self == .betaTCVAE { tensor.scales = (0..<2 * model.latents).map { $0 < model.latents ? 1 : 2 } }
      }
      if self == .betaTCVAE, model.architecture.name == Architecture.convolutionalBatchNorm.name, kind == ".weight" {
        // Fully connected layers are convolutions of 1 × 1 there, the decoder's a transposed one.
        if layer == "encoder.posterior" { tensor.form = .convolution }
        if layer == "decoder.linear1" { tensor.form = .transposedConvolution }
      }
      return tensor
    }
  }

  /// The tensors of a model as a file has them, whose names may all begin with the name of a module that holds the model, as
  /// in Lightning's checkpoints: `model.encoder.conv1.weight`.
  ///
  /// - Throws: as ``tensors(of:)``.
  func tensors(of model: Model, in file: Safetensors) throws -> [PortableTensor] {
    let tensors = try tensors(of: model), names = Set(file.entries.map(\.name))
    guard let first = tensors.first?.name, !names.contains(first),
      let entry = file.entries.first(where: { $0.name.hasSuffix(".\(first)") })
    else { return tensors }
    let prefix = entry.name.dropLast(first.count)
    guard tensors.allSatisfy({ names.contains(prefix + $0.name) }) else { return tensors }
    return tensors.map { tensor in
      var tensor = tensor
      tensor.name = prefix + tensor.name
      return tensor
    }
  }

  /// Tensors that a file may have beside a model's, and that mean nothing here: PyTorch's counts of batches, and what the
  /// modules of beta-tcvae have and do not use.
  func ignoredNames(beside tensors: [PortableTensor]) -> Set<String> {
    guard self == .pytorch || self == .betaTCVAE else { return [] }
    let suffix = ".running_mean"
    let counted = tensors.map(\.name).filter { $0.hasSuffix(suffix) }
    var names = Set(counted.map { String($0.dropLast(suffix.count)) + ".num_batches_tracked" })
    if self == .betaTCVAE {
      names.insert("prior_params")
      let unused = ["encoder.conv_z.weight", "encoder.conv_z.bias"]
      if !tensors.contains(where: { $0.name == unused[0] }) { names.formUnion(unused) }
    }
    return names
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

  /// The names of beta-tcvae's `vae_quant.py`, by ours.
  private static func betaTCVAENames(_ model: Model) throws -> [String: String] {
    let isSquare = model.image == ImageShape(height: 64, width: 64, channels: model.image.channels)
    switch model.architecture.name {
    case Architecture.convolutionalBatchNorm.name where isSquare:
      var names = [
        "encoder.posterior": "encoder.conv_z", "decoder.linear1": "decoder.conv1", "decoder.norm1": "decoder.bn1",
        "decoder.convolution5": "decoder.conv_final",
      ]
      for number in 1...5 {
        names["encoder.convolution\(number)"] = "encoder.conv\(number)"
        names["encoder.norm\(number)"] = "encoder.bn\(number)"
      }
      for number in 1...4 {
        names["decoder.convolution\(number)"] = "decoder.conv\(number + 1)"
        names["decoder.norm\(number + 1)"] = "decoder.bn\(number + 1)"
      }
      return names
    case Architecture.fullyConnected.name:
      var names = [
        "encoder.linear1": "encoder.fc1", "encoder.linear2": "encoder.fc2", "encoder.posterior": "encoder.fc3",
      ]
      for number in 1...4 { names["decoder.linear\(number)"] = "decoder.net.\(2 * number - 2)" }
      return names
    default:
      throw StructuredError(
        "the layout \(betaTCVAE.rawValue) has no names for \(model.architecture.name) and images of \(model.image)",
        expected:
          "\(Architecture.convolutionalBatchNorm.name) for 64 pixels a side, or \(Architecture.fullyConnected.name)",
        action: "Choose another --layout.")
    }
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
  /// How the file has a matrix `[outputs, inputs]`.
  enum Form {
    /// As it is.
    case matrix
    /// `[outputs, inputs, 1, 1]`.
    case convolution
    /// `[inputs, outputs, 1, 1]`.
    case transposedConvolution
  }

  /// What the file calls it.
  var name: String
  /// The values in memory.
  let value: Tensor<Float>
  /// How they are laid out here and there.
  let layout: ParameterLayout
  /// For each of the file's rows the number that it has in ours; nil where the order is the same.
  var rows: [Int]?
  /// For each of our rows, how many times as large it is as the file's; nil for once.
  var scales: [Float]?
  /// How the file has a matrix.
  var form = Form.matrix

  init(name: String, value: Tensor<Float>, layout: ParameterLayout) {
    (self.name, self.value, self.layout) = (name, value, layout)
  }

  /// Its extents in the file.
  var shape: [Int] {
    let shape = layout.portableShape
    return switch form {
    case .matrix: shape
    case .convolution: shape + [1, 1]
    case .transposedConvolution: [shape[1], shape[0], 1, 1]
    }
  }

  /// Its values as the file has them.
  var values: [Float] {
    var values = layout.portable(value.elements)
    if let scales {
      let width = values.count / scales.count
      for i in values.indices { values[i] /= scales[i / width] }
    }
    if let rows {
      let width = values.count / rows.count
      values = rows.flatMap { values[$0 * width..<($0 + 1) * width] }
    }
    return form == .transposedConvolution ? Self.transposed(values, rows: shape[1]) : values
  }

  /// Sets it to values as the file has them.
  func set(_ values: [Float]) {
    let values = form == .transposedConvolution ? Self.transposed(values, rows: shape[0]) : values
    var ordered = values
    if let rows {
      let width = values.count / rows.count
      for (theirs, ours) in rows.enumerated() {
        ordered.replaceSubrange(ours * width..<(ours + 1) * width, with: values[theirs * width..<(theirs + 1) * width])
      }
    }
    if let scales {
      let width = values.count / scales.count
      for i in ordered.indices { ordered[i] *= scales[i / width] }
    }
    value.copy(from: Tensor(layout.native(ordered), value.shape, on: value.device))
  }

  /// A matrix of so many rows, transposed.
  private static func transposed(_ values: [Float], rows: Int) -> [Float] {
    let columns = values.count / rows
    return values.indices.map { values[$0 % rows * columns + $0 / rows] }
  }
}
