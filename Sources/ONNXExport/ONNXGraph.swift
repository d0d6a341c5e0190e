import Diagnostics
import Foundation
import NeuralLayers
import ONNXSchema
import TensorCore

/// An ONNX graph in the making: nodes in the order they are computed, and the constants they use.
///
/// Values are named after what computes them. Images are `[N, C, H, W]`, as ONNX has them, and weights in PyTorch's layouts,
/// which are ONNX's too.
struct ONNXGraph {
  private(set) var graph = Onnx_GraphProto()

  /// An empty graph.
  init(name: String) { graph.name = name }

  /// Declares an input of any batch size N: `[N] + extents` float32.
  mutating func addInput(_ name: String, _ extents: [Int], _ description: String) -> String {
    graph.input.append(Self.value(name, extents, description))
    return name
  }

  /// Declares an output of any batch size N.
  mutating func addOutput(_ name: String, _ extents: [Int], _ description: String) {
    graph.output.append(Self.value(name, extents, description))
  }

  /// Adds a node with one output, and returns the output's name.
  @discardableResult
  mutating func add(
    _ operation: String, _ inputs: [String], _ attributes: [Onnx_AttributeProto] = [], as output: String
  ) -> String {
    add(operation, inputs, attributes, outputs: [output])
    return output
  }

  /// Adds a node.
  mutating func add(_ operation: String, _ inputs: [String], _ attributes: [Onnx_AttributeProto], outputs: [String]) {
    var node = Onnx_NodeProto()
    (node.opType, node.input, node.output, node.attribute) = (operation, inputs, outputs, attributes)
    node.name = outputs.joined(separator: ", ")
    graph.node.append(node)
  }

  /// Adds a constant list of whole numbers, and returns its name.
  mutating func addConstant(_ name: String, _ values: [Int64]) -> String {
    var tensor = Onnx_TensorProto()
    tensor.name = name
    tensor.dims = [Int64(values.count)]
    tensor.dataType = Int32(Onnx_TensorProto.DataType.int64.rawValue)
    tensor.rawData = values.map(\.littleEndian).withUnsafeBytes { Data($0) }
    graph.initializer.append(tensor)
    return name
  }

  /// Adds a layer with its parameters and its activation, and returns the name of what comes out.
  ///
  /// - Throws: `StructuredError` if a parameter is not finite.
  mutating func add(_ layer: NetworkLayer, to input: String, as output: String? = nil) throws -> String {
    let name = String(layer.weight.name.dropLast(".weight".count))
    let inputs = [input, try addParameter(layer.weight), try addParameter(layer.bias)]
    let activation: (operation: String, attributes: [Onnx_AttributeProto])? =
      switch layer.activation {
      case .identity: nil
      case .relu: ("Relu", [])
      case .tanh: ("Tanh", [])
      case .leakyReLU(let slope): ("LeakyRelu", [.float("alpha", slope)])
      }
    let output = output ?? name
    let sum = activation == nil ? output : name + ".sum"
    switch layer.operation {
    case .dense: add("Gemm", inputs, [.int("transB", 1)], as: sum)
    case .convolution(let geometry): add("Conv", inputs, Self.attributes(geometry), as: sum)
    case .transposedConvolution(let geometry): add("ConvTranspose", inputs, Self.attributes(geometry), as: sum)
    }
    if let activation { add(activation.operation, [sum], activation.attributes, as: output) }
    return output
  }

  /// Adds a parameter as a constant, and returns its name.
  private mutating func addParameter(_ parameter: Parameter) throws -> String {
    let values = parameter.layout.portable(parameter.value.elements)
    guard values.allSatisfy({ $0.isFinite }) else {
      throw StructuredError(
        "the weights \(parameter.name) are not finite", expected: "finite weights",
        action: "Check that training did not diverge.")
    }
    var tensor = Onnx_TensorProto()
    tensor.name = parameter.name
    tensor.dims = parameter.layout.portableShape.map(Int64.init)
    tensor.dataType = Int32(Onnx_TensorProto.DataType.float.rawValue)
    tensor.rawData = values.map(\.bitPattern.littleEndian).withUnsafeBytes { Data($0) }
    graph.initializer.append(tensor)
    return parameter.name
  }

  private static func attributes(_ geometry: ConvolutionGeometry) -> [Onnx_AttributeProto] {
    func repeated(_ value: Int, _ count: Int) -> [Int64] { Array(repeating: Int64(value), count: count) }
    return [
      .ints("kernel_shape", repeated(geometry.kernel, 2)), .ints("strides", repeated(geometry.stride, 2)),
      .ints("pads", repeated(geometry.padding, 4)),
    ]
  }

  private static func value(_ name: String, _ extents: [Int], _ description: String) -> Onnx_ValueInfoProto {
    var batch = Onnx_TensorShapeProto.Dimension()
    batch.dimParam = "N"
    var value = Onnx_ValueInfoProto()
    value.name = name
    value.docString = description
    value.type.tensorType.elemType = Int32(Onnx_TensorProto.DataType.float.rawValue)
    value.type.tensorType.shape.dim =
      [batch]
      + extents.map { extent in
        var dimension = Onnx_TensorShapeProto.Dimension()
        dimension.dimValue = Int64(extent)
        return dimension
      }
    return value
  }
}

extension Onnx_AttributeProto {
  /// A number.
  static func float(_ name: String, _ value: Float) -> Self {
    var attribute = Self()
    (attribute.name, attribute.type, attribute.f) = (name, .float, value)
    return attribute
  }

  /// A whole number.
  static func int(_ name: String, _ value: Int64) -> Self {
    var attribute = Self()
    (attribute.name, attribute.type, attribute.i) = (name, .int, value)
    return attribute
  }

  /// Whole numbers.
  static func ints(_ name: String, _ values: [Int64]) -> Self {
    var attribute = Self()
    (attribute.name, attribute.type, attribute.ints) = (name, .ints, values)
    return attribute
  }
}
