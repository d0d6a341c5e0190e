import Autodiff
import FileFormats
import NeuralLayers
import TensorCore
import TestSupport
import Testing

/// A group of reference values for a network: outputs, gradients of Σ output·cotangent and running statistics, as PyTorch
/// computes them in double precision.
struct GoldenLayers: Sendable, CustomTestStringConvertible {
  /// The subfolder, which says how the group's arrays are named.
  let folder: String
  let group: String
  /// Where the results are: "train", "eval", another subgroup, or empty for the group itself.
  var part = ""
  /// Our names, without the network's, and those of the group.
  let names: KeyValuePairs<String, String>
  let build: @Sendable (inout NetworkBuilder) throws -> Void

  var testDescription: String { "\(folder), \(group)\(part.isEmpty ? "" : ", ")\(part)" }

  private var isFirst: Bool { folder == "methods" }
  private var base: String { "layers/\(group)/" }
  private var results: String { base + (part.isEmpty ? "" : part + "/") }

  /// The name of an input array; "conv1/weight" is "conv1_weight" in the first file.
  func input(_ name: String) -> String {
    base + (isFirst ? name.replacing("/", with: "_") : "inputs/" + name)
  }
  func gradient(_ name: String) -> String {
    results + (isFirst ? "grad_" + name.replacing("/", with: "_") : "grad/" + name)
  }
  func updated(_ name: String) -> String {
    isFirst ? results + name.replacing("bn/", with: "") + "_after" : results + "updated/" + name
  }
  var output: String { results + "output" }

  private static let first = "methods", second = "methods_second"

  static let all = ["train", "eval"].flatMap(normalized) + ["", "final_relu"].map(residual) + others

  private static func normalized(_ part: String) -> [GoldenLayers] {
    [
      GoldenLayers(
        folder: first, group: "batchnorm", part: part,
        names: [
          "convolution1.weight": "conv/weight", "convolution1.bias": "conv/bias", "norm1.weight": "bn/weight",
          "norm1.bias": "bn/bias", "norm1.running_mean": "running_mean", "norm1.running_var": "running_var",
        ]
      ) {
        try $0.convolution(8, kernel: 4, stride: 2, padding: 1)
        $0.batchNormalization(activation: .relu)
      },
      GoldenLayers(
        folder: second, group: "batchnorm", part: part,
        names: [
          "convolution1.weight": "conv/weight", "convolution1.bias": "conv/bias", "norm1.weight": "bn/weight",
          "norm1.bias": "bn/bias", "norm1.running_mean": "bn/running_mean", "norm1.running_var": "bn/running_var",
        ]
      ) {
        try $0.convolution(8, kernel: 3, padding: 1)
        $0.batchNormalization(activation: .relu)
      },
      GoldenLayers(folder: second, group: "residual", part: part, names: basicBlock) { try $0.basicBlock(3) },
      GoldenLayers(folder: second, group: "residual_down", part: part, names: projected) {
        try $0.basicBlock(8, stride: 2)
      },
      GoldenLayers(folder: second, group: "residual_down_plain", part: part, names: projectedPlainly) { network in
        try network.residual(activation: .relu) { main in
          try main.convolution(8, kernel: 3, stride: 2, padding: 1, hasBias: false)
          main.batchNormalization(activation: .relu)
          try main.convolution(8, kernel: 3, padding: 1, hasBias: false)
          main.batchNormalization()
        } shortcut: {
          try $0.convolution(8, kernel: 1, stride: 2)
        }
      },
    ]
  }

  private static func residual(_ part: String) -> GoldenLayers {
    GoldenLayers(
      folder: first, group: "residual", part: part,
      names: [
        "residual1.convolution1.weight": "conv1/weight", "residual1.norm1.weight": "bn1/weight",
        "residual1.norm1.bias": "bn1/bias", "residual1.convolution2.weight": "conv2/weight",
        "residual1.norm2.weight": "bn2/weight", "residual1.norm2.bias": "bn2/bias",
      ]
    ) { network in
      try network.residual(activation: part.isEmpty ? .identity : .relu) { main in
        try main.convolution(8, kernel: 3, padding: 1, hasBias: false)
        main.batchNormalization(activation: .relu)
        try main.convolution(8, kernel: 3, padding: 1, hasBias: false)
        main.batchNormalization()
      }
    }
  }

  private static let others = [
    GoldenLayers(
      folder: first, group: "groupnorm",
      names: ["convolution1.weight": "conv/weight", "norm1.weight": "gn/weight", "norm1.bias": "gn/bias"]
    ) {
      try $0.convolution(8, kernel: 3, padding: 1, hasBias: false)
      try $0.groupNormalization(groups: 4, activation: .relu)
    },
    GoldenLayers(
      folder: second, group: "groupnorm",
      names: [
        "convolution1.weight": "conv/weight", "convolution1.bias": "conv/bias", "norm1.weight": "gn/weight",
        "norm1.bias": "gn/bias",
      ]
    ) {
      try $0.convolution(8, kernel: 3, padding: 1)
      try $0.groupNormalization(groups: 4)
      $0.activation(.relu)
    },
    GoldenLayers(
      folder: first, group: "spatial_broadcast",
      names: [
        "convolution1.weight": "conv1/weight", "convolution1.bias": "conv1/bias",
        "convolution2.weight": "conv2/weight", "convolution2.bias": "conv2/bias",
        "convolution3.weight": "conv3/weight", "convolution3.bias": "conv3/bias",
      ]
    ) {
      try $0.spatialBroadcast(height: 16, width: 16)
      for _ in 1...2 { try $0.convolution(8, kernel: 5, padding: 2, activation: .relu) }
      try $0.convolution(3, kernel: 5, padding: 2)
    },
    GoldenLayers(
      folder: second, group: "spatial_broadcast",
      names: [
        "convolution1.weight": "conv1/weight", "convolution1.bias": "conv1/bias",
        "convolution2.weight": "conv2/weight", "convolution2.bias": "conv2/bias",
      ]
    ) {
      try $0.spatialBroadcast(height: 16, width: 16)
      try $0.convolution(8, kernel: 5, padding: 2, activation: .relu)
      try $0.convolution(1, kernel: 5, padding: 2)
    },
    GoldenLayers(folder: first, group: "upsample", names: [:]) { try $0.upsampling() },
    GoldenLayers(
      folder: second, group: "upsample",
      names: ["convolution1.weight": "conv/weight", "convolution1.bias": "conv/bias"]
    ) {
      try $0.upsampling()
      try $0.convolution(8, kernel: 3, padding: 1)
    },
  ]

  private static let basicBlock: KeyValuePairs<String, String> = [
    "residual1.convolution1.weight": "conv1/weight", "residual1.norm1.weight": "bn1/weight",
    "residual1.norm1.bias": "bn1/bias", "residual1.norm1.running_mean": "bn1/running_mean",
    "residual1.norm1.running_var": "bn1/running_var", "residual1.convolution2.weight": "conv2/weight",
    "residual1.norm2.weight": "bn2/weight", "residual1.norm2.bias": "bn2/bias",
    "residual1.norm2.running_mean": "bn2/running_mean", "residual1.norm2.running_var": "bn2/running_var",
  ]

  private static let projected: KeyValuePairs<String, String> = [
    "residual1.convolution1.weight": "conv1/weight", "residual1.norm1.weight": "bn1/weight",
    "residual1.norm1.bias": "bn1/bias", "residual1.norm1.running_mean": "bn1/running_mean",
    "residual1.norm1.running_var": "bn1/running_var", "residual1.convolution2.weight": "conv2/weight",
    "residual1.norm2.weight": "bn2/weight", "residual1.norm2.bias": "bn2/bias",
    "residual1.norm2.running_mean": "bn2/running_mean", "residual1.norm2.running_var": "bn2/running_var",
    "residual1.shortcut.convolution1.weight": "proj/weight", "residual1.shortcut.norm1.weight": "proj_bn/weight",
    "residual1.shortcut.norm1.bias": "proj_bn/bias",
    "residual1.shortcut.norm1.running_mean": "proj_bn/running_mean",
    "residual1.shortcut.norm1.running_var": "proj_bn/running_var",
  ]

  private static let projectedPlainly: KeyValuePairs<String, String> = [
    "residual1.convolution1.weight": "conv1/weight", "residual1.norm1.weight": "bn1/weight",
    "residual1.norm1.bias": "bn1/bias", "residual1.norm1.running_mean": "bn1/running_mean",
    "residual1.norm1.running_var": "bn1/running_var", "residual1.convolution2.weight": "conv2/weight",
    "residual1.norm2.weight": "bn2/weight", "residual1.norm2.bias": "bn2/bias",
    "residual1.norm2.running_mean": "bn2/running_mean", "residual1.norm2.running_var": "bn2/running_var",
    "residual1.shortcut.convolution1.weight": "proj/weight", "residual1.shortcut.convolution1.bias": "proj/bias",
  ]
}

@Suite("Layers against reference values")
struct GoldenLayerTests {
  /// An array of the file as ours: images with channels last.
  private func tensor(_ file: HDF5File, _ name: String, on device: Device) throws -> Tensor<Float> {
    let (values, shape) = try file.read(name, as: Float.self)
    guard shape.count == 4 else { return Tensor(values, Shape(shape), on: device) }
    let (n, c, h, w) = (shape[0], shape[1], shape[2], shape[3])
    var result: [Float] = []
    for b in 0..<n {
      for pixel in 0..<h * w { for k in 0..<c { result.append(values[(b * c + k) * h * w + pixel]) } }
    }
    return Tensor(result, [n, h, w, c], on: device)
  }

  @Test(
    "Outputs, gradients and running statistics are PyTorch's (golden sets methods and methods_second)",
    arguments: GoldenLayers.all, [1, 2])
  func values(golden: GoldenLayers, threads: Int) throws {
    let file = try HDF5File(reading: Golden.path(golden.folder + "/methods.h5"))
    let device = Device(threads: threads), store = ParameterStore(on: device)
    let input = try tensor(file, golden.input("input"), on: device)
    let form: LayerForm =
      input.shape.rank == 2
      ? .vector(input.shape[1])
      : .image(ImageShape(height: input.shape[1], width: input.shape[2], channels: input.shape[3]))
    var builder = NetworkBuilder("net", from: form, in: store)
    try golden.build(&builder)
    let network = try builder.network()
    store.initialize(.kaimingUniform, from: RandomStream(seed: 1))
    var seen = 0
    for (ours, theirs) in golden.names {
      let (values, _) = try file.read(golden.input(theirs), as: Float.self)
      if let parameter = network.parameters.first(where: { $0.name == "net." + ours }) {
        parameter.value.copy(from: Tensor(parameter.layout.native(values), parameter.value.shape, on: device))
      } else {
        let buffer = try #require(network.buffers.first { $0.name == "net." + ours }, "\(ours)")
        buffer.value.copy(from: Tensor(values, buffer.value.shape, on: device))
      }
      seen += 1
    }
    #expect(seen >= network.parameters.count)

    let pass = Pass(training: [store], mode: golden.part == "eval" ? .evaluation : .training, on: device)
    let x = pass.tape.track(input)
    let output = network(x, pass)
    #expect(relativeDifference(output.value.elements, try tensor(file, golden.output, on: device).elements) < 1e-5)
    let cotangent = try tensor(file, golden.input("cotangent"), on: device)
    let gradients = try pass.tape.backward(from: (output * Variable(cotangent)).sum())
    let inputGradient = try tensor(file, golden.gradient("input"), on: device)
    // Single precision against double, relative to the largest: PyTorch in single precision is off by up to 6e-6.
    #expect(relativeDifference(gradients[x].elements, inputGradient.elements) < 2e-5)
    for (ours, theirs) in golden.names {
      guard let parameter = network.parameters.first(where: { $0.name == "net." + ours }) else {
        guard golden.part == "train" else { continue }
        let buffer = try #require(network.buffers.first { $0.name == "net." + ours })
        let (after, _) = try file.read(golden.updated(theirs), as: Double.self)
        #expect(relativeDifference(buffer.value.elements, after) < 1e-6, "\(ours)")
        continue
      }
      let (expected, _) = try file.read(golden.gradient(theirs), as: Double.self)
      let got = parameter.layout.portable(parameter.gradient.elements)
      if golden.part == "train", golden.group == "batchnorm", ours == "convolution1.bias" {
        // A bias before a normalisation in training has no effect: its gradient is 0 up to rounding.
        #expect(absoluteDifference(got, expected) < 1e-4)
      } else {
        #expect(relativeDifference(got, expected) < 2e-5, "\(ours)")
      }
    }
  }

  @Test("Two steps on the same batch move the running statistics twice (golden set methods)")
  func twoSteps() throws {
    let golden = GoldenLayers.all[0], file = try HDF5File(reading: Golden.path("methods/methods.h5"))
    let device = Device(threads: 2), store = ParameterStore(on: device)
    let input = try tensor(file, golden.input("input"), on: device)
    var builder = NetworkBuilder(
      "net", from: .image(ImageShape(height: 16, width: 16, channels: 3)), in: store)
    try golden.build(&builder)
    let network = try builder.network()
    for (ours, theirs) in golden.names {
      let (values, _) = try file.read(golden.input(theirs), as: Float.self)
      for parameter in network.parameters where parameter.name == "net." + ours {
        parameter.value.copy(from: Tensor(parameter.layout.native(values), parameter.value.shape, on: device))
      }
      for buffer in network.buffers where buffer.name == "net." + ours {
        buffer.value.copy(from: Tensor(values, buffer.value.shape, on: device))
      }
    }
    for _ in 1...2 { _ = network(Variable(input), Pass(training: [store], on: device)) }
    for (buffer, name) in zip(network.buffers, ["running_mean", "running_var"]) {
      let (after, _) = try file.read("layers/batchnorm/train/\(name)_after2", as: Double.self)
      #expect(relativeDifference(buffer.value.elements, after) < 1e-6)
    }
  }

  @Test("Coordinates run as the field's decoders have them: x along the width, then y (golden set methods)")
  func coordinates() throws {
    let device = Device(threads: 1), file = try HDF5File(reading: Golden.path("methods/methods.h5"))
    let (expected, _) = try file.read("layers/spatial_broadcast/coordinates", as: Double.self)
    let layer = SpatialBroadcast("broadcast", latents: 1, height: 16, width: 16)
    let output = layer(Variable(Tensor(repeating: 7, [1, 1], on: device)), .evaluation(on: device)).value.elements
    for channel in 0..<2 {
      let got = (0..<256).map { output[$0 * 3 + 1 + channel] }
      #expect(relativeDifference(got, Array(expected[channel * 256..<(channel + 1) * 256])) < 1e-6)
    }
    #expect((0..<256).allSatisfy { output[$0 * 3] == 7 })
  }
}
