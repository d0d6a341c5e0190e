import Diagnostics
import Experiment
import Foundation
import ONNXSchema
import SwiftProtobuf
import TensorCore

/// One of a model's networks as an ONNX file (onnx.ai; IR version 7, operator set 13), for any batch size N.
public enum ONNXNetwork: String, CaseIterable, Sendable {
  /// q(z|x): `images` [N, C, H, W] to `mean` and `log_variance`, [N, D] each.
  case encoder
  /// p(x|z): `codes` [N, D] to `images` [N, C, H, W], the likelihood's mean; for a Bernoulli likelihood `logits`, too.
  case decoder

  /// The name of its file in a folder with both.
  public var fileName: String { rawValue + ".onnx" }

  /// The file's bytes: the graph with its weights, and what the model is as metadata.
  ///
  /// - Parameters:
  ///   - model: the model.
  ///   - name: what its run is called.
  ///   - configuration: the run's resolved configuration.
  /// - Throws: `StructuredError` if a weight is not finite.
  public func data(of model: Model, name: String, configuration: String) throws -> Data {
    var file = Onnx_ModelProto()
    file.irVersion = 7
    var operators = Onnx_OperatorSetIdProto()
    (operators.domain, operators.version) = ("", 13)
    file.opsetImport = [operators]
    (file.producerName, file.producerVersion) = ("disentangle", RunEnvironment.version)
    file.graph =
      switch self {
      case .encoder: try Self.encoder(of: model)
      case .decoder: try Self.decoder(of: model)
      }
    file.metadataProps = Self.metadata(of: model, name: name, configuration: configuration).map { key, value in
      var entry = Onnx_StringStringEntryProto()
      (entry.key, entry.value) = (key, value)
      return entry
    }
    do { return try file.serializedData() } catch {
      throw StructuredError("the \(rawValue) cannot be encoded as ONNX: \(error)")
    }
  }

  private static func encoder(of model: Model) throws -> Onnx_GraphProto {
    let encoder = model.encoder, heads = encoder.headLayers
    var graph = ONNXGraph(name: "encoder"), isFlat = false
    var x = graph.addInput("images", extents(model.image), "pixels from 0 to 1")
    for layer in encoder.networkLayers {
      if case .dense = layer.operation, !isFlat { (x, isFlat) = (flattened(x, in: &graph), true) }
      x = try graph.add(layer, to: x)
    }
    if !isFlat { x = flattened(x, in: &graph) }
    if heads.count == 2 {
      _ = try graph.add(heads[0], to: x, as: "mean")
      _ = try graph.add(heads[1], to: x, as: "log_variance")
    } else {
      // Without sizes a split is into equal parts.
      graph.add("Split", [try graph.add(heads[0], to: x)], [.int("axis", 1)], outputs: ["mean", "log_variance"])
    }
    graph.addOutput("mean", [model.latents], "μ of q(z|x)")
    graph.addOutput("log_variance", [model.latents], "log σ² of q(z|x)")
    return graph.graph
  }

  private static func flattened(_ x: String, in graph: inout ONNXGraph) -> String {
    graph.add("Flatten", [x], [.int("axis", 1)], as: "features")
  }

  private static func decoder(of model: Model) throws -> Onnx_GraphProto {
    let layers = model.decoder.networkLayers, isBernoulli = model.likelihood == .bernoulli
    let result = isBernoulli ? "logits" : "images"
    var graph = ONNXGraph(name: "decoder")
    var x = graph.addInput("codes", [model.latents], "z")
    let dense = layers.prefix { if case .dense = $0.operation { true } else { false } }
    let convolutions = layers.dropFirst(dense.count)
    for layer in dense { x = try graph.add(layer, to: x) }
    let features: ImageShape =
      switch convolutions.first?.operation {
      case .convolution(let geometry): geometry.high
      case .transposedConvolution(let geometry): geometry.low
      case .dense, nil: model.image
      }
    let shape = graph.addConstant("decoder.shape", [-1] + extents(features).map(Int64.init))
    x = graph.add("Reshape", [x, shape], as: convolutions.isEmpty ? result : "decoder.features")
    for (index, layer) in zip(convolutions.indices, convolutions) {
      x = try graph.add(layer, to: x, as: index == convolutions.indices.last ? result : nil)
    }
    if isBernoulli { graph.add("Sigmoid", ["logits"], as: "images") }
    graph.addOutput("images", extents(model.image), "mean of p(x|z)")
    if isBernoulli { graph.addOutput("logits", extents(model.image), "logits of p(x|z)") }
    return graph.graph
  }

  /// `[C, H, W]`.
  private static func extents(_ image: ImageShape) -> [Int] { [image.channels, image.height, image.width] }

  private static func metadata(
    of model: Model, name: String, configuration: String
  ) -> [(key: String, value: String)] {
    var entries = [
      (key: "name", value: name), ("architecture", model.architecture.name), ("latents", "\(model.latents)"),
      ("likelihood", model.likelihood.name),
    ]
    switch model.likelihood {
    case .bernoulli: break
    case .gaussian(let deviation): entries.append(("standard_deviation", "\(deviation)"))
    case .laplace(let scale): entries.append(("scale", "\(scale)"))
    }
    return entries + [(key: "image", value: "\(model.image)"), ("configuration", configuration)]
  }
}
