import Autodiff
import FileFormats
import NeuralLayers
import TensorCore
import TestSupport
import Testing

/// Single precision against double: values to a relative 1e-5, gradients to 1e-4 of the largest of their array.
let goldenValue = 1e-5, goldenGradient = 1e-4

/// The reference values of one of the sets of methods.
struct GoldenMethods {
  let file: HDF5File
  let device = Device(threads: 2)

  init(_ set: String) throws { file = try HDF5File(reading: Golden.path("\(set)/methods.h5")) }

  func doubles(_ name: String) throws -> [Double] { try file.read(name, as: Double.self).values }
  func number(_ name: String) throws -> Double { try #require(try doubles(name).first) }
  func integers(_ name: String) throws -> [Int] { try file.read(name, as: Int.self).values }
  func bytes(_ name: String) throws -> [Float] { try file.read(name, as: UInt8.self).values.map(Float.init) }

  func tensor(_ name: String) throws -> Tensor<Float> {
    let (values, shape) = try file.read(name, as: Float.self)
    return Tensor(values, Shape(shape), on: device)
  }

  /// Images `[B, C, H, W]` as they are here, `[B, H, W, C]`.
  func images(_ name: String) throws -> Tensor<Float> {
    let (values, shape) = try file.read(name, as: Float.self)
    return Tensor(
      Self.channelsLast(values, shape), [shape[0], shape[2], shape[3], shape[1]], on: device)
  }

  /// The values of images `[…, C, H, W]` in the order `[…, H, W, C]`.
  static func channelsLast<Value>(_ values: [Value], _ shape: [Int]) -> [Value] {
    let channels = shape[shape.count - 3], pixels = shape[shape.count - 2] * shape[shape.count - 1]
    return values.indices.map { i in
      let (image, rest) = i.quotientAndRemainder(dividingBy: channels * pixels)
      return values[image * channels * pixels + rest % channels * pixels + rest / channels]
    }
  }

  /// A parameter that some value is differentiated by.
  func variable(_ name: String, in pass: Pass) throws -> Variable<Float> { pass.tape.track(try tensor(name)) }

  func pass() -> Pass { Pass(training: [ParameterStore(on: device)], on: device) }

  /// Whether a scalar is the reference value.
  func expect(
    _ value: Variable<Float>, _ name: String, _ tolerance: Double = goldenValue,
    _ location: SourceLocation = #_sourceLocation
  ) throws {
    let reference = try number(name)
    #expect(
      abs(Double(value.scalar) - reference) <= tolerance * max(1, abs(reference)),
      "\(name): \(value.scalar), not \(reference)", sourceLocation: location)
  }

  /// Whether the gradients of a scalar are the reference values.
  func expect(
    gradientsOf value: Variable<Float>, in pass: Pass, _ references: [(variable: Variable<Float>, name: String)],
    _ location: SourceLocation = #_sourceLocation
  ) throws {
    let gradients = try pass.tape.backward(from: value)
    for (variable, name) in references {
      let difference = relativeDifference(gradients[variable].elements, try doubles(name))
      #expect(difference <= goldenGradient, "\(name): \(difference)", sourceLocation: location)
    }
  }
}
