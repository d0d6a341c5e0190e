import Architectures
import Autodiff
import Diagnostics
import Experiment
import Foundation
import NeuralLayers
import ONNXExport
import TensorCore
import TestSupport
import Testing

/// A kind of model to export.
struct ONNXExample: Sendable, CustomTestStringConvertible {
  let architecture: Architecture
  let image: ImageShape
  let latents: Int
  let likelihood: Likelihood

  var testDescription: String { "\(architecture.name), \(image), \(likelihood.name)" }

  static let all = [
    ONNXExample(
      architecture: .burgess, image: ImageShape(height: 64, width: 64), latents: 10, likelihood: .bernoulli),
    ONNXExample(
      architecture: .locatello, image: ImageShape(height: 64, width: 64, channels: 3), latents: 6,
      likelihood: .gaussian(standardDeviation: 0.5)),
    ONNXExample(
      architecture: .fullyConnected, image: ImageShape(height: 12, width: 16, channels: 3), latents: 1,
      likelihood: .bernoulli),
    ONNXExample(
      architecture: kernels3, image: ImageShape(height: 10, width: 8, channels: 3), latents: 4,
      likelihood: .laplace(scale: 0.25)),
    ONNXExample(
      architecture: .headsAndConvolution, image: ImageShape(height: 6, width: 9, channels: 2), latents: 3,
      likelihood: .bernoulli),
    ONNXExample(
      architecture: .everyLayer, image: ImageShape(height: 12, width: 10, channels: 3), latents: 4,
      likelihood: .bernoulli),
    ONNXExample(
      architecture: .burgess, image: ImageShape(height: 28, width: 20, channels: 3), latents: 2,
      likelihood: .gaussian(standardDeviation: 0.5)),
    ONNXExample(
      architecture: .convolutionalBatchNorm, image: ImageShape(height: 32, width: 28, channels: 3), latents: 3,
      likelihood: .bernoulli),
    ONNXExample(
      architecture: .spatialBroadcast, image: ImageShape(height: 16, width: 20), latents: 2, likelihood: .bernoulli),
    ONNXExample(
      architecture: .residual, image: ImageShape(height: 32, width: 48, channels: 3), latents: 3, likelihood: .bernoulli
    ),
  ]

  /// Kernels of 3, strides of 1 and 2, leaky ReLU and tanh, no fully connected layer before two heads.
  static let kernels3 = Architecture(name: "kernels of 3", summary: "", paper: "") { image, latents, store in
    var network = NetworkBuilder("encoder", from: .image(image), in: store)
    try network.convolution(5, kernel: 3, padding: 1, activation: .leakyReLU(slope: 0.2))
    try network.convolution(4, kernel: 3, stride: 2, padding: 1, activation: .tanh)
    let features = network.form
    let encoder = try network.encoder(latents: latents, heads: .separate)
    var mirror = NetworkBuilder("decoder", from: .vector(latents), in: store)
    mirror.dense(to: features, activation: .leakyReLU(slope: 0.1))
    try mirror.transposedConvolution(5, kernel: 4, stride: 2, padding: 1, activation: .relu)
    try mirror.transposedConvolution(image.channels, kernel: 3, padding: 1)
    return Networks(encoder: encoder, decoder: try mirror.decoder(of: image))
  }

  func model() throws -> Model {
    let model = try Model(
      architecture, image: image, latents: latents, likelihood: likelihood, on: Device(threads: 2))
    model.parameters.initialize(.kaimingUniform, from: RandomStream(seed: 5))
    model.parameters.disturbNormalizations(RandomStream(seed: 6))
    return model
  }
}

@Suite("ONNX networks")
struct ONNXNetworkTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Runs both networks in onnxruntime: images are given and taken as we have them, channels last.
  private static let script = """
    import sys, numpy as np, onnx, onnxruntime as ort
    folder, batch, h, w, c, d = sys.argv[1], *map(int, sys.argv[2:])
    def run(name, feed, wanted):
        path = f"{folder}/model/{name}.onnx"
        onnx.checker.check_model(onnx.load(path), full_check=True)
        options = ort.SessionOptions()
        options.log_severity_level = 3
        session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        assert [o.name for o in session.get_outputs()] == wanted, [o.name for o in session.get_outputs()]
        assert all(v.shape[0] == "N" for v in session.get_inputs() + session.get_outputs())
        return session.run(None, feed)
    images = np.fromfile(f"{folder}/images", np.float32).reshape(batch, h, w, c).transpose(0, 3, 1, 2)
    codes = np.fromfile(f"{folder}/codes", np.float32).reshape(batch, d)
    mean, log_variance = run("encoder", {"images": images}, ["mean", "log_variance"])
    assert mean.shape == log_variance.shape == (batch, d)
    mean.tofile(f"{folder}/mean")
    log_variance.tofile(f"{folder}/log_variance")
    meta = ort.InferenceSession(f"{folder}/model/decoder.onnx").get_modelmeta()
    facts = meta.custom_metadata_map
    names = ["images", "logits"] if facts["likelihood"] == "bernoulli" else ["images"]
    for name, values in zip(names, run("decoder", {"codes": codes}, names)):
        assert values.shape == (batch, c, h, w)
        values.transpose(0, 2, 3, 1).tofile(f"{folder}/decoded_{name}")
    assert meta.producer_name == "disentangle" and meta.graph_name == "decoder"
    assert facts["name"] == "Übung" and facts["configuration"] == "a: 1\\n" and facts["latents"] == str(d), facts
    assert facts["image"] == f"{h}×{w}×{c}", facts
    print("done", {k: facts[k] for k in ("standard_deviation", "scale") if k in facts})
    """

  private func floats(_ name: String) throws -> [Float] {
    let data = try Data(contentsOf: URL(fileURLWithPath: folder.file(name)))
    return data.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
  }

  private func write(_ values: [Float], as name: String) throws {
    _ = try folder.write(values.flatMap { withUnsafeBytes(of: $0) { Array($0) } }, as: name)
  }

  @Test(
    "onnxruntime computes what we compute, for any batch size",
    .enabled(
      if: PythonScript.has("numpy", "onnx", "onnxruntime"), "python3 with numpy, onnx and onnxruntime is not installed"),
    arguments: ONNXExample.all, [1, 7])
  func outputs(example: ONNXExample, batch: Int) throws {
    let model = try example.model(), image = example.image, pass = Pass.evaluation(on: model.device)
    try ONNXFolder.write(model, name: "Übung", configuration: "a: 1\n", to: folder.file("model"))
    var stream = RandomStream(seed: UInt64(batch))
    let images = (0..<batch * image.count).map { _ in Float(stream.integer(below: 256)) / 255 }
    let codes = stream.normalTensor([batch, example.latents], on: model.device)
    try write(images, as: "images")
    try write(codes.elements, as: "codes")
    let (status, output) = try PythonScript.run(
      Self.script, folder.path, "\(batch)", "\(image.height)", "\(image.width)", "\(image.channels)",
      "\(example.latents)")
    try #require(status == 0, "\(output)")
    switch example.likelihood {
    case .bernoulli: #expect(output.hasSuffix("done {}\n"), "\(output)")
    case .gaussian: #expect(output.hasSuffix("done {'standard_deviation': '0.5'}\n"), "\(output)")
    case .laplace: #expect(output.hasSuffix("done {'scale': '0.25'}\n"), "\(output)")
    }

    // Both sum thousands of float32 products, in different orders: 1e-5 of a network's largest value.
    let posterior = model.encoder(Tensor(images, image.batch(batch), on: model.device), pass)
    #expect(
      relativeDifference(
        try floats("mean") + floats("log_variance"),
        posterior.mean.value.elements + posterior.logVariance.value.elements) <= 1e-5)
    let decoded = model.decoder(Variable(codes), pass).value
    #expect(
      relativeDifference(
        try floats("decoded_images"), example.likelihood.mean(output: decoded).elements) <= 1e-5)
    if example.likelihood == .bernoulli {
      #expect(relativeDifference(try floats("decoded_logits"), decoded.elements) <= 1e-5)
    }
  }

  @Test(
    "A codebook is part of the encoder: onnxruntime gives the values that we give",
    .enabled(
      if: PythonScript.has("numpy", "onnx", "onnxruntime"), "python3 with numpy, onnx and onnxruntime is not installed"),
    arguments: [ONNXExample.all[0], .all[3]])
  func codebook(example: ONNXExample) throws {
    let model = try example.model(), image = example.image, d = example.latents
    // A few values each, so near to each other that codes differ.
    model.codebook = Codebook((0..<3 * d).map { Float($0 * 7 % 11) / 50 - 0.1 }, latents: d)
    try ONNXFolder.write(model, name: "a", configuration: "b", to: folder.file("model"))
    var stream = RandomStream(seed: 4)
    let images = (0..<5 * image.count).map { _ in Float(stream.integer(below: 256)) / 255 }
    try write(images, as: "images")
    let script = """
      import sys, numpy as np, onnx, onnxruntime as ort
      folder, h, w, c = sys.argv[1], *map(int, sys.argv[2:])
      path = f"{folder}/model/encoder.onnx"
      onnx.checker.check_model(onnx.load(path), full_check=True)
      session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
      assert [o.name for o in session.get_outputs()] == ["mean"]
      images = np.fromfile(f"{folder}/images", np.float32).reshape(5, h, w, c).transpose(0, 3, 1, 2)
      session.run(None, {"images": images})[0].tofile(f"{folder}/mean")
      """
    let (status, output) = try PythonScript.run(
      script, folder.path, "\(image.height)", "\(image.width)", "\(image.channels)")
    try #require(status == 0, "\(output)")
    let encoded = model.encoder(Tensor(images, image.batch(5), on: model.device), .evaluation(on: model.device))
    let expected = try #require(model.codebook).quantized(encoded.mean.value.elements)
    #expect(try floats("mean") == expected && Set(expected).count > 2)
  }

  @Test("The same model gives the same bytes")
  func repeatable() throws {
    for network in ONNXNetwork.allCases {
      let first = try network.data(of: ONNXExample.all[3].model(), name: "a", configuration: "b")
      let second = try network.data(of: ONNXExample.all[3].model(), name: "a", configuration: "b")
      #expect(first == second && !first.isEmpty)
    }
  }

  @Test("A layer with operations of its own is reported")
  func custom() throws {
    struct Doubling: Layer {
      let name = "decoder.doubling"
      let input: LayerForm
      var output: LayerForm { input }
      func callAsFunction(_ x: Variable<Float>, _ pass: Pass) -> Variable<Float> { x * 2 }
    }
    let architecture = Architecture(name: "own", summary: "", paper: "") { image, latents, store in
      let encoder = try Encoder.heads(of: image, latents: latents, in: store)
      var mirror = NetworkBuilder("decoder", from: .vector(latents), in: store)
      mirror.dense(to: .image(image))
      mirror.add(Doubling(input: mirror.form))
      return Networks(encoder: encoder, decoder: try mirror.decoder(of: image))
    }
    let model = try Model(
      architecture, image: ImageShape(height: 4, width: 4), latents: 2, likelihood: .bernoulli, on: Device(threads: 1))
    model.parameters.initialize(.kaimingUniform, from: RandomStream(seed: 5))
    #expect(try !ONNXNetwork.encoder.data(of: model, name: "a", configuration: "b").isEmpty)
    let error = #expect(throws: StructuredError.self) {
      try ONNXNetwork.decoder.data(of: model, name: "a", configuration: "b")
    }
    #expect(error?.what == "the layer decoder.doubling has operations of its own, which ONNX files cannot hold")
  }

  @Test("Weights that are not finite are not exported, and no folder is left")
  func notFinite() throws {
    let model = try ONNXExample.all[3].model()
    model.parameters.parameter(at: 1).value.withMutableElements { $0[2] = .nan }
    let error = #expect(throws: StructuredError.self) {
      try ONNXFolder.write(model, name: "a", configuration: "", to: folder.file("model"))
    }
    #expect(error?.what == "the weights encoder.convolution1.bias are not finite")
    #expect(try folder.names().isEmpty)
  }

  @Test("A folder is replaced only if asked, only if it is of this kind, and other files stay in it")
  func replacing() throws {
    let model = try ONNXExample.all[4].model(), path = folder.file("model")
    func write(overwrite: Bool, to path: String) throws {
      try ONNXFolder.write(model, name: "a", configuration: "", to: path, overwrite: overwrite)
    }
    try write(overwrite: false, to: path)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: path).sorted() == [
        ".disentangle.json", "decoder.onnx", "encoder.onnx",
      ])
    let twice = #expect(throws: StructuredError.self) { try write(overwrite: false, to: path) }
    #expect(twice?.description == "\(path): the folder already exists\n  Choose another name or pass --force.")
    try write(overwrite: true, to: path)
    _ = try folder.write([1], as: "model/notes.txt")
    try write(overwrite: true, to: path)
    #expect(FileManager.default.contents(atPath: folder.file("model/notes.txt")) == Data([1]))
    try FileManager.default.createDirectory(atPath: folder.file("other"), withIntermediateDirectories: false)
    _ = try folder.write([1], as: "other/notes.txt")
    let other = #expect(throws: StructuredError.self) { try write(overwrite: true, to: folder.file("other")) }
    #expect(other?.what.contains("was not written by this program") == true)
    let file = #expect(throws: StructuredError.self) { try write(overwrite: true, to: folder.file("model/notes.txt")) }
    #expect(file?.what == "a file is in the way")
    let one = #expect(throws: StructuredError.self) { try write(overwrite: false, to: folder.file("both.onnx")) }
    #expect(one?.action == "Pass --only encoder or --only decoder for a file.")
    #expect(try folder.names() == ["model", "other"])
  }
}
