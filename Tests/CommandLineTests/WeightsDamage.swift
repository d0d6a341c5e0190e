import FileFormats
import Testing

/// A change to a file of weights, and what an import of it says.
struct WeightsDamage: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let change: @Sendable (inout [Safetensors.Tensor]) -> Void
  let parts: [String]

  static func index(_ name: String, in tensors: [Safetensors.Tensor]) -> Int {
    tensors.firstIndex { $0.name == name } ?? 0
  }

  static let all = [
    WeightsDamage(
      testDescription: "missing", change: { $0.remove(at: index("encoder.fc2.bias", in: $0)) },
      parts: [
        "the tensor \"encoder.fc2.bias\" is missing; the nearest name in the file is \"encoder.fc1.bias\" "
          + "(expected float32 [256])"
      ]),
    WeightsDamage(
      testDescription: "surplus", change: { $0.append(.init("decoder.fc4.bias", shape: [1], values: [0])) },
      parts: ["the tensor \"decoder.fc4.bias\" is not one of the model's (expected perhaps \"decoder.fc1.bias\")"]),
    WeightsDamage(
      testDescription: "renamed",
      change: { $0[index("encoder.conv2.weight", in: $0)].name = "encoder.conv_2.weight" },
      parts: [
        "2 tensors are not as they should be (expected the 28 tensors of burgess with 4 latents for images of "
          + "64×64×1, layout pytorch)",
        "the tensor \"encoder.conv_2.weight\" is not one of the model's (expected perhaps \"encoder.conv2.weight\")",
        "the tensor \"encoder.conv2.weight\" is missing; the nearest name in the file is "
          + "\"encoder.conv_2.weight\" (expected float32 [32, 32, 4, 4])",
      ]),
    WeightsDamage(
      testDescription: "transposed", change: { $0[index("decoder.fc3.weight", in: $0)].shape = [256, 512] },
      parts: ["the tensor \"decoder.fc3.weight\" has shape [256, 512] (expected float32 [512, 256])"]),
    WeightsDamage(
      testDescription: "not finite",
      change: {
        let place = index("encoder.conv1.weight", in: $0)
        $0[place].values[35] = .infinity
        $0[place].values[40] = .nan
      },
      parts: [
        "the tensor \"encoder.conv1.weight\" has 2 values that are not finite, inf at [2, 0, 0, 3] "
          + "(expected finite numbers)"
      ]),
    WeightsDamage(testDescription: "empty", change: { $0 = [] }, parts: ["28 tensors are not", "and 8 more"]),
  ]
}
