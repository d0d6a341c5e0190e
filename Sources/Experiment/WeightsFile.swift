import FileFormats
import Foundation
import NeuralLayers
import TensorCore

/// The weights of a model as float32 in PyTorch's layouts, in a safetensors file that Python reads.
public enum WeightsFile {
  /// Writes the weights.
  ///
  /// - Throws: ``StructuredError`` if the file cannot be written.
  public static func write(_ model: Model, configuration: String, to path: String) throws {
    let store = model.parameters
    let tensors = store.entries.indices.map { index in
      let parameter = store.parameter(at: index)
      return Safetensors.Tensor(
        parameter.name, shape: parameter.layout.portableShape,
        values: parameter.layout.portable(parameter.value.elements))
    }
    let metadata = [
      "format": "pt", "generator": "disentangle", "architecture": model.architecture.name,
      "latents": "\(model.latents)", "likelihood": model.likelihood.name, "configuration": configuration,
    ]
    try Safetensors.write(tensors, metadata: metadata, to: path)
  }

  /// Reads weights into a model.
  ///
  /// - Parameters:
  ///   - model: whose parameters are overwritten.
  ///   - path: the file.
  ///   - transform: given a parameter's name and a reader of the file's tensors, the elements in PyTorch's layout; by
  ///     default the tensor of that name.
  /// - Throws: ``StructuredError`` if the file is damaged, or a tensor is missing or has another shape.
  public static func read(
    into model: Model, from path: String,
    _ transform: (_ name: String, _ shape: [Int], _ file: Safetensors) throws -> [Float] = {
      try $2.floats($0, shape: $1)
    }
  ) throws {
    let file = try Safetensors(reading: path)
    let store = model.parameters
    let arrays = try store.entries.indices.map { index in
      let layout = store.parameter(at: index).layout
      return layout.native(try transform(store.parameter(at: index).name, layout.portableShape, file))
    }
    for (index, elements) in arrays.enumerated() {
      let value = store.parameter(at: index).value
      value.copy(from: Tensor(elements, value.shape, on: value.device))
    }
  }
}
