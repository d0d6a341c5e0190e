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
    let encoder = model.encoder, heads = encoder.heads
    var graph = ONNXGraph(name: "encoder")
    let images = graph.addInput("images", extents(model.image), "pixels from 0 to 1")
    let x = try graph.add(encoder.network.steps, to: images)
    if let codebook = model.codebook {
      _ = try graph.add(heads[0], to: x, as: "encoded")
      graph.addQuantization(of: "encoded", codebook, isWithVariance: heads.count == 1, as: "mean")
      graph.addOutput("mean", [model.latents], "z, of each latent the value of the codebook nearest to the encoder's")
      return graph.graph
    }
    if heads.count == 2 {
      _ = try graph.add(heads[0], to: x, as: "mean")
      _ = try graph.add(heads[1], to: x, as: "log_variance")
    } else {
      // Without sizes a split is into equal parts.
      let both = try graph.add(heads[0], to: x, as: heads[0].name)
      graph.add("Split", [both], [.int("axis", 1)], outputs: ["mean", "log_variance"])
    }
    graph.addOutput("mean", [model.latents], "μ of q(z|x)")
    graph.addOutput("log_variance", [model.latents], "log σ² of q(z|x)")
    return graph.graph
  }

  private static func decoder(of model: Model) throws -> Onnx_GraphProto {
    let isBernoulli = model.likelihood == .bernoulli
    var graph = ONNXGraph(name: "decoder")
    let codes = graph.addInput("codes", [model.latents], "z")
    _ = try graph.add(model.decoder.network.steps, to: codes, as: isBernoulli ? "logits" : "images")
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
