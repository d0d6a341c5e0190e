import Diagnostics
import FileFormats
import Foundation
import NeuralLayers
import Objectives
import TensorCore

/// The state of training in one safetensors file: parameters, optimisers, and the number of steps.
///
/// The file carries a checksum of its contents and the resolved configuration, so that neither a damaged file nor one
/// of another experiment is taken for what it is not.
public enum Checkpoint {
  private struct Part {
    let name: String
    let store: ParameterStore
    let optimizer: Optimizer
  }

  /// The model's parameters when the data set was encoded last.
  private static let encodingKey = "encoding.parameters"

  private static func parts(of trainer: Trainer) -> [Part] {
    var parts = [Part(name: "model", store: trainer.model.parameters, optimizer: trainer.optimizer)]
    if let store = trainer.objective.parameters, let optimizer = trainer.objectiveOptimizer {
      parts.append(Part(name: "objective", store: store, optimizer: optimizer))
    }
    if let adversary = trainer.objective.adversary, let optimizer = trainer.adversaryOptimizer {
      parts.append(Part(name: "adversary", store: adversary.parameters, optimizer: optimizer))
    }
    return parts
  }

  /// Saves a trainer's state, whole or not at all.
  ///
  /// - Parameters:
  ///   - trainer: whose state.
  ///   - configuration: the resolved configuration.
  ///   - path: the file.
  /// - Throws: `StructuredError` if the parameters are not finite or the file cannot be written; the file that was
  ///   there before is intact then.
  public static func save(_ trainer: Trainer, configuration: String, to path: String) throws {
    guard trainer.isFinite else {
      throw StructuredError(
        "the parameters are not finite after step \(trainer.step); training stopped", at: path,
        action: "The last checkpoint is kept. Try a smaller learning rate (--set training.optimizer.learning_rate=…).")
    }
    var tensors: [Safetensors.Tensor] = []
    var metadata = [
      "format": "disentangle checkpoint 1", "configuration": configuration, "step": "\(trainer.step)",
      "threads": "\(trainer.model.device.threads)", "vector_level": "\(trainer.model.device.level)",
    ]
    for part in parts(of: trainer) {
      let arrays =
        [("parameters", part.store.values)]
        + part.optimizer.moments.enumerated().map { ("moment\($0.offset)", $0.element) }
        + part.store.buffers.map { ("buffer.\($0.name)", $0.value) }
      for (name, tensor) in arrays {
        tensors.append(.init("\(part.name).\(name)", shape: tensor.shape.dimensions, values: tensor.elements))
      }
      metadata["\(part.name).updates"] = "\(part.optimizer.steps)"
    }
    if let parameters = trainer.encodings?.parameters {
      tensors.append(.init(encodingKey, shape: [parameters.count], values: parameters))
    }
    if let state = ObjectiveStateText.write(trainer.objective.state) { metadata[ObjectiveStateText.key] = state }
    metadata["crc32"] = checksum(tensors.map { ($0.name, $0.values) }, metadata)
    try Safetensors.write(tensors, metadata: metadata, to: path)
  }

  /// Restores a trainer's state.
  ///
  /// - Returns: the thread count and vector level of the run that wrote it.
  /// - Throws: `StructuredError` if the file is damaged or belongs to another configuration.
  public static func restore(
    _ trainer: Trainer, configuration: String, components: Components = Components(), from path: String
  ) throws -> (threads: String, level: String) {
    let file = try read(path)
    if let saved = file.metadata["configuration"] {
      try ExperimentConfiguration.requireSame(
        saved, configuration, components, what: "the checkpoint belongs to another configuration", at: path,
        expected: "the configuration it was written with", action: "Train anew with another --output.")
    }
    guard let step = file.metadata["step"].flatMap(Int.init), step >= 0 else {
      throw damaged(path, "the step is missing")
    }
    var arrays: [(Tensor<Float>, [Float])] = []
    var updates: [(Optimizer, Int, [[Float]])] = []
    for part in parts(of: trainer) {
      let shape = part.store.values.shape.dimensions
      arrays.append((part.store.values, try file.floats("\(part.name).parameters", shape: shape)))
      for buffer in part.store.buffers {
        arrays.append(
          (buffer.value, try file.floats("\(part.name).buffer.\(buffer.name)", shape: buffer.value.shape.dimensions)))
      }
      let moments = try part.optimizer.moments.indices.map {
        try file.floats("\(part.name).moment\($0)", shape: shape)
      }
      guard let count = file.metadata["\(part.name).updates"].flatMap(Int.init), count >= 0 else {
        throw damaged(path, "the number of \(part.name) updates is missing")
      }
      updates.append((part.optimizer, count, moments))
    }
    let encodingParameters = try trainer.encodings.flatMap { _ in
      try file.entries.contains { $0.name == encodingKey }
        ? file.floats(encodingKey, shape: [EncodingCache.count(trainer.model)]) : nil
    }
    // All is read and checked: only now does anything change. The state first, because it may be refused.
    try trainer.objective.restore(state: ObjectiveStateText.read(file.metadata[ObjectiveStateText.key], at: path))
    for (tensor, elements) in arrays { tensor.copy(from: Tensor(elements, tensor.shape, on: tensor.device)) }
    for (optimizer, count, moments) in updates { optimizer.restore(steps: count, moments: moments) }
    trainer.step = step
    trainer.encodings?.parameters = encodingParameters
    trainer.calibrate()
    return (file.metadata["threads"] ?? "?", file.metadata["vector_level"] ?? "?")
  }

  /// Restores an adversary alone, if the checkpoint is of this model.
  ///
  /// - Returns: whether the checkpoint has an adversary, and its model's parameters are those of `model`.
  /// - Throws: `StructuredError` if the file is damaged.
  public static func restore(_ adversary: any Adversary, beside model: Model, from path: String) throws -> Bool {
    let file = try read(path), name = "adversary.parameters", values = adversary.parameters.values
    guard file.entries.contains(where: { $0.name == name }),
      try file.floats("model.parameters") == model.parameters.values.elements
    else { return false }
    values.copy(from: Tensor(try file.floats(name, shape: values.shape.dimensions), values.shape, on: values.device))
    return true
  }

  /// Reads a checkpoint and checks that it is one, and whole.
  private static func read(_ path: String) throws -> Safetensors {
    let file = try Safetensors(reading: path)
    guard file.metadata["format"] == "disentangle checkpoint 1" else {
      throw StructuredError(
        "not a checkpoint", at: path, expected: "a file that training wrote",
        action: "Weights alone cannot be resumed; train anew with another --output.")
    }
    let tensors = try file.entries.map { ($0.name, try file.floats($0.name)) }
    guard file.metadata["crc32"] == checksum(tensors, file.metadata) else {
      throw damaged(path, "its checksum does not match")
    }
    return file
  }

  private static func damaged(_ path: String, _ how: String) -> StructuredError {
    StructuredError(
      "the checkpoint is damaged: \(how)", at: path,
      action: "Delete it to train from the beginning with --resume, or restore a copy.")
  }

  /// The CRC-32 of all names and values, so that no byte that means anything can change unnoticed.
  private static func checksum(_ tensors: [(name: String, values: [Float])], _ metadata: [String: String]) -> String {
    var crc: UInt32 = 0
    for (key, text) in metadata.sorted(by: { $0.key < $1.key }) where key != "crc32" {
      Array("\(key)=\(text)\n".utf8).withUnsafeBytes { crc = Checksum.crc32($0, continuing: crc) }
    }
    for (name, values) in tensors {
      Array("\(name)\n".utf8).withUnsafeBytes { crc = Checksum.crc32($0, continuing: crc) }
      values.withUnsafeBytes { crc = Checksum.crc32($0, continuing: crc) }
    }
    return String(crc, radix: 16)
  }
}
