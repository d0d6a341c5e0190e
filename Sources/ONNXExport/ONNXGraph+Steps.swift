import Diagnostics
import NeuralLayers
import ONNXSchema
import TensorCore

// Each step of a network as nodes of ONNX, operator set 13. Vectors are [N, D], images [N, C, H, W].

extension ONNXGraph {
  /// Adds a network's steps, and returns the name of what comes out.
  ///
  /// - Parameters:
  ///   - steps: the steps, in order.
  ///   - input: what goes in.
  ///   - output: what comes out; nil for a name after the last step.
  /// - Throws: `StructuredError` if a parameter is not finite, or a layer has operations of its own.
  mutating func add(_ steps: [InferenceStep], to input: String, as output: String? = nil) throws -> String {
    var x = input
    for (index, step) in steps.enumerated() {
      x = try add(step, to: x, as: index == steps.count - 1 ? output : nil)
    }
    guard let output, steps.isEmpty else { return x }
    return add("Identity", [x], as: output)
  }

  /// Adds the choice of the nearest value of a codebook for each latent of codes `[N, D]`, or of rows `[N, 2·D]` that
  /// begin with codes; of several equally near ones the first, as `Codebook` has it.
  mutating func addQuantization(of input: String, _ codebook: Codebook, isWithVariance: Bool, as output: String) {
    var codes = input
    if isWithVariance {
      add("Split", [input], [.int("axis", 1)], outputs: ["code", "unused"])
      codes = "code"
    }
    let axis = addConstant("codebook.axis", [2])
    let values = addConstant("codebook", codebook.values, [1, codebook.latents, codebook.count])
    let column = add("Unsqueeze", [codes, axis], as: "code.column")
    let difference = add("Sub", [column, values], as: "codebook.difference")
    let distance = add("Abs", [difference], as: "codebook.distance")
    let nearest = add("ArgMin", [distance], [.int("axis", 2), .int("keepdims", 0)], as: "codebook.nearest")
    let count = addConstant("codebook.count", [Int64(codebook.count)])
    let choice = add("OneHot", [nearest, count, addConstant("codebook.choice", [0, 1], [2])], as: "codebook.chosen")
    let product = add("Mul", [choice, values], as: "codebook.product")
    add("ReduceSum", [product, axis], [.int("keepdims", 0)], as: output)
  }

  /// Adds a step, and returns the name of what comes out.
  mutating func add(_ step: InferenceStep, to input: String, as output: String? = nil) throws -> String {
    let name = step.layer.name, output = output ?? name
    switch step {
    case .dense(let layer): return try add(layer, to: input, as: output)
    case .convolution(let layer): return try add(layer, to: input, as: output)
    case .activation(let layer):
      let (operation, attributes) = Self.node(of: layer.activation) ?? ("Identity", [])
      return add(operation, [input], attributes, as: output)
    case .batchNormalization(let layer):
      let inputs = [
        input, try addParameter(layer.weight), try addParameter(layer.bias), try addBuffer(layer.runningMean),
        try addBuffer(layer.runningVariance),
      ]
      return activated(
        layer.activation, output, ("BatchNormalization", inputs, [.float("epsilon", Float(layer.epsilon))]))
    case .groupNormalization(let layer): return try add(layer, to: input, as: output)
    case .upsampling(let layer):
      let factor = Float(layer.factor)
      let scales = addConstant(name + ".scales", [1, 1, factor, factor], [4])
      // By default the nearest pixel by the centres of pixels, which for a whole factor f is ⌊i/f⌋.
      return add("Resize", [input, "", scales], as: output)
    case .spatialBroadcast(let layer): return add(layer, to: input, as: output)
    case .padding(let layer):
      let e = layer.edges
      let pads = addConstant(name + ".pads", [0, 0, e.top, e.left, 0, 0, e.bottom, e.right].map(Int64.init))
      return add("Pad", [input, pads], as: output)
    case .cropping(let layer):
      let e = layer.edges
      let starts = addConstant(name + ".starts", [e.top, e.left].map(Int64.init))
      let ends = addConstant(
        name + ".ends", [layer.image.height - e.bottom, layer.image.width - e.right].map(Int64.init))
      return add("Slice", [input, starts, ends, addConstant(name + ".axes", [2, 3])], as: output)
    case .residual(let layer):
      let main = try add(layer.main.steps, to: input)
      let shortcut = try layer.shortcut.map { try add($0.steps, to: input) } ?? input
      return activated(layer.activation, output, ("Add", [main, shortcut], []))
    case .custom(let layer):
      throw StructuredError(
        "the layer \(layer.name) has operations of its own, which ONNX files cannot hold",
        expected: "a network of the package's layers, or layers made of them")
    }
  }

  private typealias Node = (operation: String, inputs: [String], attributes: [Onnx_AttributeProto])

  /// The operation of an activation; nil for none.
  private static func node(of activation: Activation) -> (operation: String, attributes: [Onnx_AttributeProto])? {
    switch activation {
    case .identity: nil
    case .relu: ("Relu", [])
    case .tanh: ("Tanh", [])
    case .leakyReLU(let slope): ("LeakyRelu", [.float("alpha", slope)])
    }
  }

  /// Adds a node and the activation after it, and returns the name of what comes out.
  private mutating func activated(
    _ activation: Activation, _ output: String, _ node: Node
  ) -> String {
    let function = Self.node(of: activation)
    let sum = add(node.operation, node.inputs, node.attributes, as: function == nil ? output : output + ".sum")
    guard let function else { return output }
    return add(function.operation, [sum], function.attributes, as: output)
  }

  /// A fully connected layer: images that go in are flattened, and the values that come out made an image.
  mutating func add(_ layer: Dense, to input: String, as output: String) throws -> String {
    let flat =
      layer.input.image == nil ? input : add("Flatten", [input], [.int("axis", 1)], as: layer.name + ".flat")
    let inputs = [flat, try addParameter(layer.weight), try addParameter(layer.bias)]
    let values = layer.output.image == nil ? output : layer.name + ".values"
    let result = activated(layer.activation, values, ("Gemm", inputs, [.int("transB", 1)]))
    guard let image = layer.output.image else { return result }
    let extents = [-1, image.channels, image.height, image.width].map(Int64.init)
    return add("Reshape", [result, addConstant(layer.name + ".shape", extents)], as: output)
  }

  private mutating func add(_ layer: Convolution, to input: String, as output: String) throws -> String {
    let inputs = [input, try addParameter(layer.weight)] + (try layer.bias.map { [try addParameter($0)] } ?? [])
    let geometry = layer.layer.geometry
    func repeated(_ value: Int, _ count: Int) -> [Int64] { Array(repeating: Int64(value), count: count) }
    let attributes: [Onnx_AttributeProto] = [
      .ints("kernel_shape", repeated(geometry.kernel, 2)), .ints("strides", repeated(geometry.stride, 2)),
      .ints("pads", repeated(geometry.padding, 4)),
    ]
    let operation = layer.layer.transposed ? "ConvTranspose" : "Conv"
    return activated(layer.layer.activation, output, (operation, inputs, attributes))
  }

  /// Operator set 13 has no group normalisation: each group is an instance of one channel, then come γ and β.
  private mutating func add(_ layer: GroupNormalization, to input: String, as output: String) throws -> String {
    let name = layer.name, groups = layer.groups
    let grouped = add(
      "Reshape", [input, addConstant(name + ".groups", [0, Int64(groups), -1])], as: name + ".grouped")
    let ones = addConstant(name + ".ones", [Float](repeating: 1, count: groups), [groups])
    let zeros = addConstant(name + ".zeros", [Float](repeating: 0, count: groups), [groups])
    let normalized = add(
      "InstanceNormalization", [grouped, ones, zeros], [.float("epsilon", Float(layer.epsilon))],
      as: name + ".normalized")
    let channels = layer.input.channels
    let extents = layer.input.image.map { [$0.channels, $0.height, $0.width] } ?? [channels]
    let restored = add(
      "Reshape", [normalized, addConstant(name + ".shape", ([0] + extents).map(Int64.init))], as: name + ".restored")
    let perChannel = [channels] + [Int](repeating: 1, count: extents.count - 1)
    let scaled = add("Mul", [restored, try addParameter(layer.weight, as: perChannel)], as: name + ".scaled")
    let shift = try addParameter(layer.bias, as: perChannel)
    return activated(layer.activation, output, ("Add", [scaled, shift], []))
  }

  /// Codes with two zeros appended, as one pixel, plus an image whose last two channels are the coordinates.
  private mutating func add(_ layer: SpatialBroadcast, to input: String, as output: String) -> String {
    let name = layer.name, channels = layer.latents + 2, pixels = layer.height * layer.width
    let padded = add("Pad", [input, addConstant(name + ".pads", [0, 0, 0, 2])], as: name + ".padded")
    let pixel = add(
      "Reshape", [padded, addConstant(name + ".shape", [0, Int64(channels), 1, 1])], as: name + ".pixel")
    func coordinate(_ index: Int, _ extent: Int) -> Float {
      extent == 1 ? -1 : Float(2 * Double(index) / Double(extent - 1) - 1)
    }
    var values = [Float](repeating: 0, count: channels * pixels)
    for i in 0..<pixels {
      values[layer.latents * pixels + i] = coordinate(i % layer.width, layer.width)
      values[(layer.latents + 1) * pixels + i] = coordinate(i / layer.width, layer.height)
    }
    let coordinates = addConstant(name + ".coordinates", values, [1, channels, layer.height, layer.width])
    return add("Add", [pixel, coordinates], as: output)
  }

  /// Adds a parameter as a constant, and returns its name.
  private mutating func addParameter(_ parameter: Parameter, as extents: [Int]? = nil) throws -> String {
    try addWeights(parameter.name, parameter.value, parameter.layout, extents)
  }

  private mutating func addBuffer(_ buffer: Buffer) throws -> String {
    try addWeights(buffer.name, buffer.value, buffer.layout, nil)
  }

  private mutating func addWeights(
    _ name: String, _ value: Tensor<Float>, _ layout: ParameterLayout, _ extents: [Int]?
  ) throws -> String {
    let values = layout.portable(value.elements)
    guard values.allSatisfy({ $0.isFinite }) else {
      throw StructuredError(
        "the weights \(name) are not finite", expected: "finite weights",
        action: "Check that training did not diverge.")
    }
    return addConstant(name, values, extents ?? layout.portableShape)
  }
}
